#include "worker/store/market_tables.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/lease_session.h"
#include "common/logging.h"
#include "worker/store/clean_text.h"
#include "worker/store/id_bytes.h"
#include "worker/store/market_json.h"
#include "worker/store/market_statements.h"

namespace worker::store {
namespace {

using common::ConditionId;
using common::Done;
using common::PgArray;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::PgTransaction;
using common::Result;
using common::Status;
using common::TokenId;
using nlohmann::json;

struct TokenPlace {
  const MarketInfo* market;
  std::size_t index;
  TokenEra era;
};

PgParams TokensOf(const std::map<TokenId, TokenPlace>& tokens) {
  PgArray id = PgArray::OfBytes(), decimal = PgArray::OfText(), condition = PgArray::OfBytes();
  PgArray outcome = PgArray::OfText(), index = PgArray::OfInt16(), era = PgArray::OfInt16();
  for (const auto& [token, place] : tokens) {
    const std::vector<std::string>& outcomes = place.market->outcomes;
    id.Add(BytesOf(token));
    decimal.Add(std::string_view(token.ToDecimal()));
    condition.Add(BytesOf(place.market->condition));
    const bool has_outcome = place.index < outcomes.size();
    outcome.Add(std::string_view(has_outcome ? CleanText(outcomes[place.index]) : ""));
    index.Add(static_cast<std::int16_t>(place.index));
    era.Add(static_cast<std::int16_t>(place.era));
  }
  return PgParams().Array(id).Array(decimal).Array(condition).Array(outcome).Array(index).Array(
      era);
}

PgArray ArrayOf(const std::set<TokenId>& tokens) {
  PgArray array = PgArray::OfBytes();
  for (const TokenId& token : tokens) array.Add(BytesOf(token));
  return array;
}

std::vector<TokenId> TokensIn(const PgRows& rows) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) {
    const std::string bytes = rows.Bytes(row, 0);
    std::ranges::copy(bytes, tokens[static_cast<std::size_t>(row)].bytes.begin());
  }
  return tokens;
}

}  // namespace

Status UpsertMarkets(PgConnection& connection, const std::vector<MarketInfo>& markets) {
  if (markets.empty()) return Done{};
  // A process that freezes here keeps rows locked that others are about to write.
  Result<PgTransaction> transaction = PgTransaction::Begin(
      connection, std::string("SET LOCAL idle_in_transaction_session_timeout = '") +
                      common::kIdleInTransaction + "'");
  if (!transaction) return transaction.error();
  const Result<std::uint64_t> written = WriteCatalog(connection, markets, {});
  if (!written) return written.error();
  return transaction->Commit();
}

Result<std::uint64_t> WriteCatalog(PgConnection& connection, const std::vector<MarketInfo>& markets,
                                   const std::vector<EventInfo>& events) {
  constexpr std::size_t kMostTokens = 1000;  // far more than any market has
  std::map<ConditionId, const MarketInfo*> by_condition;
  std::map<TokenId, TokenPlace> tokens;
  std::vector<ResolvedMarket> resolutions;
  for (const MarketInfo& market : markets) {
    by_condition[market.condition] = &market;
    for (std::size_t i = 0; i < std::min(market.tokens.size(), kMostTokens); ++i) {
      tokens[market.tokens[i]] = {&market, i, market.era};
    }
    for (std::size_t i = 0; i < std::min(market.position_ids.size(), kMostTokens); ++i) {
      tokens[market.position_ids[i]] = {&market, i, TokenEra::kProtocolV2};
    }
    if (market.resolution) resolutions.push_back({market.condition, *market.resolution, {}});
  }
  std::uint64_t written = 0;
  const auto exec = [&](const char* sql, const PgParams& params) -> Status {
    const Result<PgRows> rows = connection.Exec(sql, params);
    if (!rows) return rows.error();
    written += static_cast<std::uint64_t>(rows->affected());
    return Done{};
  };
  const json event_rows = EventsOf(markets, events);
  if (!event_rows.empty()) {
    if (const Status done = exec(kEvents, PgParams().Text(event_rows.dump())); !done) {
      return done.error();
    }
  }
  if (by_condition.empty()) return written;
  PgArray weak = PgArray::OfBytes();
  for (const auto& [condition, market] : by_condition) {
    if (market->category_is_weak) weak.Add(BytesOf(condition));
  }
  const PgParams market_rows = PgParams().Text(MarketsOf(by_condition).dump()).Array(weak);
  if (const Status done = exec(kMarkets, market_rows); !done) return done.error();
  if (!tokens.empty()) {
    if (const Status done = exec(kTokens, TokensOf(tokens)); !done) return done.error();
  }
  if (const Status done = WriteResolutions(connection, resolutions); !done) return done.error();
  return written;
}

Status WriteResolutions(PgConnection& connection, const std::vector<ResolvedMarket>& resolutions) {
  std::map<ConditionId, const ResolvedMarket*> by_condition;
  for (const ResolvedMarket& resolved : resolutions) {
    const ResolvedMarket*& best = by_condition[resolved.condition];
    if (best == nullptr || resolved.resolution.source <= best->resolution.source) best = &resolved;
  }
  const json rows = ResolutionsOf(by_condition);
  if (rows.empty()) return Done{};
  const Result<PgRows> written = connection.Exec(kResolutions, PgParams().Text(rows.dump()));
  if (!written) return written.error();
  for (int row = 0; row < written->size(); ++row) {
    common::LogWarning("resolution_refused", {{"condition", written->Text(row, 0)},
                                              {"why", "its tokens are not the market's"}});
  }
  return Done{};
}

Result<std::vector<TokenId>> SelectUnresolved(PgConnection& connection,
                                              const std::vector<TokenId>& tokens) {
  const std::set<TokenId> wanted(tokens.begin(), tokens.end());
  if (wanted.empty()) return std::vector<TokenId>();
  const Result<PgRows> rows = connection.Exec(
      "SELECT n.token FROM unnest($1) AS n(token) LEFT JOIN token t ON t.token = n.token "
      "WHERE t.token IS NULL OR (t.resolve_state = 0 "
      "AND (t.resolve_tries = 0 OR t.next_resolve_at <= now()))",
      PgParams().Array(ArrayOf(wanted)));
  if (!rows) return rows.error();
  return TokensIn(*rows);
}

Status PostponeTokens(PgConnection& connection, const std::vector<TokenId>& tokens) {
  const std::set<TokenId> unknown(tokens.begin(), tokens.end());
  if (unknown.empty()) return Done{};
  const Result<PgRows> rows = connection.Exec(
      "WITH locked AS MATERIALIZED (SELECT token_key FROM token WHERE token = ANY ($1) "
      "AND resolve_state = 0 ORDER BY token FOR UPDATE) "
      "UPDATE token t SET resolve_tries = t.resolve_tries + 1, next_resolve_at = now() + "
      "least(interval '1 day', interval '10 minutes' * power(2, least(t.resolve_tries, 20))) "
      "FROM locked l WHERE t.token_key = l.token_key",
      PgParams().Array(ArrayOf(unknown)));
  if (!rows) return rows.error();
  return Done{};
}

Result<std::vector<TokenId>> TakeDue(PgConnection& connection, int limit) {
  const Result<PgRows> rows = connection.Exec(
      "WITH due AS MATERIALIZED (SELECT token_key FROM token WHERE resolve_state = 0 "
      "AND next_resolve_at <= now() ORDER BY next_resolve_at LIMIT $1 FOR UPDATE SKIP LOCKED) "
      "UPDATE token t SET next_resolve_at = now() + interval '5 minutes' FROM due d "
      "WHERE t.token_key = d.token_key RETURNING t.token",
      PgParams().Int64(limit));
  if (!rows) return rows.error();
  return TokensIn(*rows);
}

}  // namespace worker::store
