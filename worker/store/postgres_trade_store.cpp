#include "worker/store/postgres_trade_store.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/lease_session.h"
#include "common/pacing.h"
#include "worker/store/market_tables.h"
#include "worker/store/trade_rows.h"
#include "worker/store/unit_rows.h"
#include "worker/store/wallet_progress.h"

namespace worker::store {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgCopyIn;
using common::PgParams;
using common::PgRows;
using common::PgTransaction;
using common::Result;
using common::Status;
using common::TokenId;
using common::WalletId;

constexpr int kMostAttempts = 8;
constexpr common::BackoffPolicy kVictimBackoff = {.base = std::chrono::milliseconds(10),
                                                  .cap = std::chrono::milliseconds(500)};

// The lock makes a re-lease wait for a batch that is under way, and a batch whose chunk is being
// re-leased wait for that and then see the new epoch. The settings keep a worker that freezes
// from holding it for ever, see common/lease_session.h. One round trip.
template <typename AnyBatch>
std::string BeginWithFence(const AnyBatch& batch) {
  return fmt::format(
      "BEGIN; SELECT set_config('application_name', '{}', true), "
      "set_config('idle_in_transaction_session_timeout', '{}', true) "
      "FROM chunk WHERE chunk_id = {} AND epoch = {} AND state = 'leased' FOR SHARE",
      common::LeaseSessionName(batch.chunk, batch.epoch), common::kIdleInTransaction,
      batch.chunk.value, batch.epoch.value);
}

bool HasTakeOver(const Batch& batch) {
  return std::ranges::any_of(batch.wallets,
                             [](const WalletProgress& progress) { return progress.takes_over; });
}

// The batch, with the failure of these wallets in place of their progress.
Batch Failing(Batch batch, const std::vector<WalletId>& wallets) {
  for (WalletProgress& progress : batch.wallets) {
    if (std::ranges::find(wallets, progress.wallet) == wallets.end()) continue;
    const std::int64_t duration_ms = progress.duration_ms;
    progress = {.wallet = progress.wallet,
                .cursor = {},
                .state = WalletState::kFailed,
                .error = kContradiction,
                .duration_ms = duration_ms};
  }
  return batch;
}

// What is taken over is deleted first.
Result<Changes> Replay(PgConnection& connection, const Batch& batch, const TradeRows& rows) {
  Result<Changes> changes = TakeOver(connection, batch);
  if (!changes || rows.size() == 0) return changes;
  const Result<Changes> stored = rows.InsertMissing(connection);
  if (!stored) return stored.error();
  for (const auto& [wallet, change] : *stored) {
    (*changes)[wallet].added += change.added;
    (*changes)[wallet].removed += change.removed;
    (*changes)[wallet].usdc += change.usdc;
  }
  return changes;
}

std::uint64_t AddedRows(const Changes& changes) {
  std::int64_t added = 0;
  for (const auto& [wallet, change] : changes) added += change.added;
  return static_cast<std::uint64_t>(added);
}

bool IsVictim(std::string_view sqlstate) {
  return sqlstate == "40P01" || sqlstate == "40001";
}

}  // namespace

PostgresTradeStore::PostgresTradeStore(std::string url, std::uint64_t seed)
    : url_(std::move(url)), random_(seed) {}

Status PostgresTradeStore::Connect() {
  if (connection_.has_value() && connection_->healthy()) return Done{};
  connection_.reset();
  tokens_.Forget();
  wallets_.Forget();
  Result<PgConnection> opened = PgConnection::Open(url_);
  if (!opened) return opened.error();
  connection_.emplace(std::move(*opened));
  ++counts_.connects;
  is_reconnected_ = counts_.connects > 1;
  return Done{};
}

template <typename AnyBatch>
Status PostgresTradeStore::EndEarlierSelf(const AnyBatch& batch) {
  if (!is_reconnected_) return Done{};
  const Result<PgRows> ended = connection_->Exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 "
      "AND datname = current_database() AND pid <> pg_backend_pid()",
      PgParams().Text(common::LeaseSessionName(batch.chunk, batch.epoch)));
  if (!ended) return ended.error();
  is_reconnected_ = false;
  return Done{};
}

template <typename T>
Result<T> PostgresTradeStore::Repeat(const std::function<Result<T>()>& attempt) {
  common::Backoff backoff(kVictimBackoff);
  for (int attempts = 1;; ++attempts) {
    if (const Status connected = Connect(); !connected) return connected.error();
    Result<T> result = attempt();
    const bool is_timeout = !result && connection_->sqlstate() == common::kQueryCanceled;
    timeouts_ = is_timeout ? timeouts_ + 1 : 0;
    if (timeouts_ >= kMostTimeouts) {
      timeouts_ = 0;
      return common::Error{common::ErrorKind::kRejected, result.error().message};
    }
    if (result.has_value() || !IsVictim(connection_->sqlstate()) || attempts == kMostAttempts) {
      return result;
    }
    ++counts_.victims;
    std::this_thread::sleep_for(backoff.Next(random_));
  }
}

Result<Receipt> PostgresTradeStore::Write(const Batch& batch) {
  return Repeat<Receipt>([&]() -> Result<Receipt> {
    if (const Status alone = EndEarlierSelf(batch); !alone) return alone.error();
    Result<std::vector<WalletId>> contradicted = FindContradicted(*connection_, batch);
    if (!contradicted) return contradicted.error();
    if (contradicted->empty()) return WriteInLane(batch);
    Result<Receipt> receipt = WriteInLane(Failing(batch, *contradicted));
    if (receipt) receipt->contradicted = std::move(*contradicted);
    return receipt;
  });
}

Result<Receipt> PostgresTradeStore::WriteInLane(const Batch& batch) {
  const bool was_fast = lane_.is_fast();
  Result<Receipt> receipt = WriteOnce(batch);
  const bool is_conflict =
      !receipt && was_fast && connection_->sqlstate() == common::kUniqueViolation;
  if (!is_conflict) return receipt;
  ++counts_.conflicts;
  lane_.NoteConflict();
  return WriteOnce(batch);
}

Result<Receipt> PostgresTradeStore::WriteOnce(const Batch& batch) {
  PgConnection& connection = *connection_;
  const Result<std::vector<std::int32_t>> token_keys = tokens_.KeysOf(connection, batch);
  if (!token_keys) return token_keys.error();

  // In the fast lane the COPY is begun in the same round trip; and the database takes its lock
  // while the rows are sorted.
  const bool is_fast = lane_.is_fast() && !batch.rows.empty() && !HasTakeOver(batch);
  const std::string begin = BeginWithFence(batch);
  const Status begun = connection.SendScript(is_fast ? begin + "; " + kCopyTrades : begin);
  const TradeRows rows(batch, *token_keys);
  const Result<PgRows> fence = begun ? connection.ReceiveScript() : begun.error();
  PgTransaction transaction = PgTransaction::Adopt(connection);
  if (!fence) return fence.error();
  std::optional<PgCopyIn> copy;
  if (is_fast) copy.emplace(PgCopyIn::Adopt(connection));
  if (fence->empty()) return Receipt{.fenced = true};
  if (common::Failpoint("store_after_fence")) {
    return Error{ErrorKind::kTransient, "failpoint store_after_fence"};
  }

  const Result<Changes> stored =
      is_fast ? rows.Copy(std::move(*copy)) : Replay(connection, batch, rows);
  if (!stored) return stored.error();
  const Status written = WriteProgress(connection, batch, *stored);
  if (!written) return written.error();
  if (common::Failpoint("store_before_commit")) {
    return Error{ErrorKind::kTransient, "failpoint store_before_commit"};
  }
  if (const Status committed = transaction.Commit(); !committed) return committed.error();
  if (common::Failpoint("store_after_commit")) {
    return Error{ErrorKind::kTransient, "failpoint store_after_commit"};
  }
  const Receipt receipt = {.fenced = false, .stored = AddedRows(*stored), .broken = {}};
  NoteLane(is_fast, rows.size(), receipt.stored);
  return receipt;
}

void PostgresTradeStore::NoteLane(bool was_fast, std::size_t rows, std::uint64_t stored) {
  if (rows == 0) return;
  if (was_fast) {
    ++counts_.fast;
    lane_.NoteFast();
    return;
  }
  ++counts_.replayed;
  if (!lane_.is_fast()) lane_.NoteReplay(stored == rows);
}

Result<Receipt> PostgresTradeStore::WriteUnits(const UnitBatch& batch) {
  return Repeat<Receipt>([&]() -> Result<Receipt> {
    if (const Status alone = EndEarlierSelf(batch); !alone) return alone.error();
    const bool was_fast = lane_.is_fast();
    Result<Receipt> receipt = WriteUnitsOnce(batch);
    const bool is_conflict =
        !receipt && was_fast && connection_->sqlstate() == common::kUniqueViolation;
    if (!is_conflict) return receipt;
    ++counts_.conflicts;
    lane_.NoteConflict();
    return WriteUnitsOnce(batch);
  });
}

Result<Receipt> PostgresTradeStore::WriteUnitsOnce(const UnitBatch& batch) {
  PgConnection& connection = *connection_;
  const Result<UnitKeys> keys = KeysOf(connection, batch.rows, wallets_, tokens_);
  if (!keys) return keys.error();
  const Status begun = connection.SendScript(BeginWithFence(batch));
  const Result<PgRows> fence = begun ? connection.ReceiveScript() : begun.error();
  PgTransaction transaction = PgTransaction::Adopt(connection);
  if (!fence) return fence.error();
  if (fence->empty()) return Receipt{.fenced = true};
  const bool is_fast = lane_.is_fast();
  Result<Receipt> receipt =
      WriteUnitRows(connection, batch, *keys, is_fast ? Lane::kFast : Lane::kReplay);
  if (!receipt) return receipt;
  if (common::Failpoint("store_before_commit")) {
    return Error{ErrorKind::kTransient, "failpoint store_before_commit"};
  }
  if (const Status committed = transaction.Commit(); !committed) return committed.error();
  if (common::Failpoint("store_after_commit")) {
    return Error{ErrorKind::kTransient, "failpoint store_after_commit"};
  }
  NoteLane(is_fast, batch.rows.trades.size(), receipt->stored);
  return receipt;
}

Status PostgresTradeStore::WriteMarkets(const std::vector<MarketInfo>& markets) {
  return Repeat<Done>([&] { return UpsertMarkets(*connection_, markets); });
}

Result<std::vector<TokenId>> PostgresTradeStore::Unresolved(const std::vector<TokenId>& tokens) {
  return Repeat<std::vector<TokenId>>([&] { return SelectUnresolved(*connection_, tokens); });
}

Status PostgresTradeStore::NoteUnknown(const std::vector<TokenId>& tokens) {
  return Repeat<Done>([&] { return PostponeTokens(*connection_, tokens); });
}

Result<std::vector<TokenId>> PostgresTradeStore::TakeDueTokens(int limit) {
  return Repeat<std::vector<TokenId>>([&] { return TakeDue(*connection_, limit); });
}

}  // namespace worker::store
