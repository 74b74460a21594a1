#include "worker/store/token_dictionary.h"

#include <algorithm>
#include <string_view>

#include "common/check.h"
#include "worker/store/clean_text.h"
#include "worker/store/id_bytes.h"

namespace worker::store {
namespace {

using common::Done;
using common::PgArray;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Status;
using common::TokenId;
using sources::TokenHint;

// About 15 MB.
constexpr std::size_t kMostKnownTokens = 200'000;
// What the Data API says where it does not know the outcome.
constexpr int kNoOutcomeIndex = 999;

bool HasOutcome(const TokenHint& hint) {
  return hint.outcome_index.has_value() && *hint.outcome_index >= 0 &&
         *hint.outcome_index < kNoOutcomeIndex;
}

// The columns that hints fill, aligned with a list of tokens.
struct HintColumns {
  PgArray condition = PgArray::OfBytes();
  PgArray outcome = PgArray::OfText();
  PgArray outcome_index = PgArray::OfInt16();

  void Add(const TokenHint* hint) {
    if (hint != nullptr && hint->condition.has_value()) {
      condition.Add(BytesOf(*hint->condition));
    } else {
      condition.AddNull();
    }
    if (hint != nullptr && HasOutcome(*hint)) {
      outcome_index.Add(static_cast<std::int16_t>(*hint->outcome_index));
      outcome.Add(std::string_view(CleanText(hint->outcome)));
    } else {
      outcome_index.AddNull();
      outcome.AddNull();
    }
  }
};

}  // namespace

bool TokenDictionary::Entry::Lacks(const TokenHint& hint) const {
  return (!has_condition && hint.condition.has_value()) || (!has_outcome && HasOutcome(hint));
}

Result<std::vector<std::int32_t>> TokenDictionary::KeysOf(PgConnection& connection,
                                                          const Batch& batch) {
  return Keys(
      connection, batch.rows.size(),
      [&](std::size_t i) -> const TokenId& { return batch.rows[i].trade.token; }, batch.hints);
}

Result<std::vector<std::int32_t>> TokenDictionary::KeysOf(PgConnection& connection,
                                                          const std::vector<TokenId>& tokens,
                                                          const std::vector<TokenHint>& hints) {
  return Keys(
      connection, tokens.size(), [&](std::size_t i) -> const TokenId& { return tokens[i]; }, hints);
}

template <typename TokenAt>
Result<std::vector<std::int32_t>> TokenDictionary::Keys(PgConnection& connection, std::size_t count,
                                                        TokenAt token_at,
                                                        const std::vector<TokenHint>& told) {
  if (known_.size() > kMostKnownTokens) known_.clear();
  Hints hints;
  for (const TokenHint& hint : told) {
    const auto found = known_.find(hint.token);
    const Entry entry = found == known_.end() ? Entry{} : found->second;
    if (entry.Lacks(hint)) hints.emplace(hint.token, &hint);
  }
  constexpr std::int32_t kMissing = 0;  // identities start at 1
  std::vector<std::int32_t> keys;
  keys.reserve(count);
  std::vector<TokenId> missing;
  const TokenId* last = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const TokenId& token = token_at(i);
    if (last != nullptr && *last == token) {
      keys.push_back(keys.back());
      continue;
    }
    last = &token;
    const auto found = known_.find(token);
    keys.push_back(found == known_.end() ? kMissing : found->second.key);
    if (found == known_.end()) missing.push_back(token);
  }
  if (!missing.empty()) {
    if (const Status learnt = Learn(connection, std::move(missing), hints); !learnt) {
      return learnt.error();
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == kMissing) keys[i] = known_.at(token_at(i)).key;
    }
  }
  if (!hints.empty()) {
    if (const Status hinted = Hint(connection, hints); !hinted) return hinted.error();
  }
  return keys;
}

Status TokenDictionary::Learn(PgConnection& connection, std::vector<TokenId> tokens,
                              const Hints& hints) {
  std::ranges::sort(tokens);
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  Result<std::vector<TokenId>> missing = LookUp(connection, tokens);
  if (!missing) return missing.error();
  if (missing->empty()) return Done{};

  PgArray ids = PgArray::OfBytes();
  PgArray decimals = PgArray::OfText();
  HintColumns columns;
  for (const TokenId& token : *missing) {
    const auto hint = hints.find(token);
    ids.Add(BytesOf(token));
    decimals.Add(std::string_view(token.ToDecimal()));
    columns.Add(hint == hints.end() ? nullptr : hint->second);
  }
  const Result<PgRows> inserted = connection.Exec(
      "INSERT INTO token (token, token_id, condition_id, outcome, outcome_index) "
      "SELECT * FROM unnest($1, $2, $3, $4, $5) ON CONFLICT (token) DO NOTHING "
      "RETURNING token, token_key",
      PgParams()
          .Array(ids)
          .Array(decimals)
          .Array(columns.condition)
          .Array(columns.outcome)
          .Array(columns.outcome_index));
  if (!inserted) return inserted.error();
  for (int row = 0; row < inserted->size(); ++row) {
    TokenId token;
    std::ranges::copy(inserted->Bytes(row, 0), token.bytes.begin());
    known_[token].key = static_cast<std::int32_t>(inserted->Int64(row, 1));
  }
  if (inserted->size() == static_cast<int>(missing->size())) return Done{};
  // Another worker was quicker with some.
  missing = LookUp(connection, *missing);
  if (!missing) return missing.error();
  CHECK(missing->empty());
  return Done{};
}

// Remembers the tokens that exist and returns the others, in order.
Result<std::vector<TokenId>> TokenDictionary::LookUp(PgConnection& connection,
                                                     const std::vector<TokenId>& tokens) {
  PgArray ids = PgArray::OfBytes();
  for (const TokenId& token : tokens) ids.Add(BytesOf(token));
  const Result<PgRows> rows = connection.Exec(
      "SELECT u.place - 1, t.token_key FROM unnest($1) WITH ORDINALITY AS u(token, place) "
      "JOIN token t ON t.token = u.token ORDER BY 1",
      PgParams().Array(ids));
  if (!rows) return rows.error();
  std::vector<TokenId> missing;
  int row = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (row < rows->size() && rows->Int64(row, 0) == static_cast<std::int64_t>(i)) {
      known_[tokens[i]].key = static_cast<std::int32_t>(rows->Int64(row, 1));
      ++row;
    } else {
      missing.push_back(tokens[i]);
    }
  }
  return missing;
}

// Fills what is null. Rows are locked in the order of tokens, as everywhere.
Status TokenDictionary::Hint(PgConnection& connection, const Hints& hints) {
  std::vector<const TokenHint*> sorted;
  for (const auto& [token, hint] : hints) {
    if (known_.contains(token)) sorted.push_back(hint);
  }
  std::ranges::sort(sorted, {}, [](const TokenHint* hint) { return hint->token; });
  PgArray ids = PgArray::OfBytes();
  HintColumns columns;
  for (const TokenHint* hint : sorted) {
    ids.Add(BytesOf(hint->token));
    columns.Add(hint);
  }
  const Result<PgRows> updated = connection.Exec(
      "WITH hint AS MATERIALIZED (SELECT * FROM unnest($1, $2, $3, $4) AS u(token, condition_id, "
      "outcome, outcome_index)), locked AS MATERIALIZED (SELECT t.token_key, h.condition_id, "
      "h.outcome, h.outcome_index FROM hint h JOIN token t ON t.token = h.token "
      "WHERE (t.condition_id IS NULL AND h.condition_id IS NOT NULL) "
      "OR (t.outcome_index IS NULL AND h.outcome_index IS NOT NULL) "
      "ORDER BY t.token FOR UPDATE OF t) "
      "UPDATE token t SET condition_id = coalesce(t.condition_id, l.condition_id), "
      "outcome = coalesce(t.outcome, l.outcome), "
      "outcome_index = coalesce(t.outcome_index, l.outcome_index) "
      "FROM locked l WHERE t.token_key = l.token_key",
      PgParams()
          .Array(ids)
          .Array(columns.condition)
          .Array(columns.outcome)
          .Array(columns.outcome_index));
  if (!updated) return updated.error();
  for (const TokenHint* hint : sorted) {
    Entry& entry = known_[hint->token];
    entry.has_condition = entry.has_condition || hint->condition.has_value();
    entry.has_outcome = entry.has_outcome || HasOutcome(*hint);
  }
  return Done{};
}

}  // namespace worker::store
