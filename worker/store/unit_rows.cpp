#include "worker/store/unit_rows.h"

#include <utility>

#include "worker/store/market_tables.h"
#include "worker/store/told_spans.h"
#include "worker/store/unit_tables.h"

namespace worker::store {
namespace {

using common::PgConnection;
using common::Result;
using common::Status;
using common::TokenId;
using common::WalletId;

// Takes the next `count` elements of a list that was looked up in one go.
template <typename Key>
class Slices {
 public:
  explicit Slices(std::vector<Key> all) : all_(std::move(all)) {}

  std::vector<Key> Next(std::size_t count) {
    const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(at_);
    at_ += count;
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }

 private:
  std::vector<Key> all_;
  std::size_t at_ = 0;
};

}  // namespace

Result<UnitKeys> KeysOf(PgConnection& connection, const UnitRows& rows, WalletDictionary& wallets,
                        TokenDictionary& tokens) {
  std::vector<FoundWallet> named = rows.wallets;
  const auto name = [&](const auto& row, FoundBy found_by) {
    named.push_back({row.wallet, found_by, 0});
  };
  for (const RangeTrade& row : rows.trades) name(row, FoundBy::kRange);
  for (const WalletActivity& row : rows.activity) name(row, FoundBy::kTrades);
  for (const sources::Position& row : rows.positions) name(row, FoundBy::kHolders);
  for (const PositionsTold& row : rows.positions_told) name(row, FoundBy::kHolders);
  std::vector<TokenId> met;
  for (const RangeTrade& row : rows.trades) met.push_back(row.trade.token);
  for (const WalletActivity& row : rows.activity) {
    if (row.row.token) met.push_back(*row.row.token);
  }
  for (const sources::Position& row : rows.positions) met.push_back(row.token);

  Result<std::vector<WalletId>> ids = wallets.IdsOf(connection, named);
  if (!ids) return ids.error();
  Result<std::vector<std::int32_t>> token_keys = tokens.KeysOf(connection, met, rows.hints);
  if (!token_keys) return token_keys.error();

  UnitKeys keys;
  Slices<WalletId> wallet_slices(std::move(*ids));
  keys.wallets = wallet_slices.Next(rows.wallets.size());
  keys.trade_wallets = wallet_slices.Next(rows.trades.size());
  keys.activity_wallets = wallet_slices.Next(rows.activity.size());
  keys.position_wallets = wallet_slices.Next(rows.positions.size());
  keys.told_wallets = wallet_slices.Next(rows.positions_told.size());
  Slices<std::int32_t> token_slices(std::move(*token_keys));
  keys.trade_tokens = token_slices.Next(rows.trades.size());
  for (const WalletActivity& row : rows.activity) {
    keys.activity_tokens.push_back(row.row.token ? token_slices.Next(1).front() : 0);
  }
  keys.position_tokens = token_slices.Next(rows.positions.size());
  return keys;
}

Result<Receipt> WriteUnitRows(PgConnection& connection, const UnitBatch& batch,
                              const UnitKeys& keys, Lane lane) {
  const UnitRows& rows = batch.rows;
  std::uint64_t stored = 0;
  if (!rows.markets.empty() || !rows.events.empty()) {
    const Result<std::uint64_t> written = WriteCatalog(connection, rows.markets, rows.events);
    if (!written) return written.error();
    stored += *written;
  }
  if (const Status done = WriteResolutions(connection, rows.resolutions); !done) {
    return done.error();
  }
  if (const Status done = NoteDue(connection, rows.wallets, keys.wallets); !done) {
    return done.error();
  }
  if (!rows.trades.empty() || !rows.replaced.empty()) {
    const Result<std::uint64_t> written =
        WriteRange(connection, batch, {rows, keys.trade_wallets, keys.trade_tokens}, lane);
    if (!written) return written.error();
    stored += *written;
  }
  const Result<std::uint64_t> activity =
      InsertActivity(connection, rows.activity, keys.activity_wallets, keys.activity_tokens);
  if (!activity) return activity.error();
  stored += *activity;
  if (const Status done = UpsertPositions(connection, batch.run, rows.positions,
                                          keys.position_wallets, keys.position_tokens);
      !done) {
    return done.error();
  }
  stored += rows.positions.size();
  if (const Status done =
          EndPositions(connection, batch.run, rows.positions_told, keys.told_wallets);
      !done) {
    return done.error();
  }
  std::vector<UnitProgress> units = batch.units;
  auto broken = SettleSpans(connection, units);
  if (!broken) return broken.error();
  if (const Status done = WriteUnitProgress(connection, batch, units); !done) return done.error();
  return Receipt{.fenced = false, .stored = stored, .broken = std::move(*broken)};
}

}  // namespace worker::store
