#include "worker/store/postgres_trade_store.h"

#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/pacing.h"
#include "worker/store/market_tables.h"
#include "worker/store/trade_rows.h"
#include "worker/store/wallet_progress.h"

namespace worker::store {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgRows;
using common::PgTransaction;
using common::Result;
using common::Status;
using common::TokenId;

constexpr int kMostAttempts = 8;
constexpr common::BackoffPolicy kVictimBackoff = {.base = std::chrono::milliseconds(10),
                                                  .cap = std::chrono::milliseconds(500)};

// The lock makes a re-lease wait for a batch that is under way, and a batch whose chunk is being
// re-leased wait for that and then see the new epoch. One round trip.
std::string BeginWithFence(const Batch& batch) {
  return fmt::format(
      "BEGIN; SELECT 1 FROM chunk WHERE chunk_id = {} AND epoch = {} AND state = 'leased' "
      "FOR SHARE",
      batch.chunk.value, batch.epoch.value);
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
  Result<PgConnection> opened = PgConnection::Open(url_);
  if (!opened) return opened.error();
  connection_.emplace(std::move(*opened));
  ++counts_.connects;
  return Done{};
}

template <typename T>
Result<T> PostgresTradeStore::Repeat(const std::function<Result<T>()>& attempt) {
  common::Backoff backoff(kVictimBackoff);
  for (int attempts = 1;; ++attempts) {
    if (const Status connected = Connect(); !connected) return connected.error();
    Result<T> result = attempt();
    if (result.has_value() || !IsVictim(connection_->sqlstate()) || attempts == kMostAttempts) {
      return result;
    }
    ++counts_.victims;
    std::this_thread::sleep_for(backoff.Next(random_));
  }
}

Result<Receipt> PostgresTradeStore::Write(const Batch& batch) {
  return Repeat<Receipt>([&]() -> Result<Receipt> {
    const bool was_fast = lane_.is_fast();
    Result<Receipt> receipt = WriteOnce(batch);
    const bool is_conflict =
        !receipt && was_fast && connection_->sqlstate() == common::kUniqueViolation;
    if (!is_conflict) return receipt;
    ++counts_.conflicts;
    lane_.NoteConflict();
    return WriteOnce(batch);
  });
}

Result<Receipt> PostgresTradeStore::WriteOnce(const Batch& batch) {
  PgConnection& connection = *connection_;
  const Result<std::vector<std::int32_t>> token_keys = tokens_.KeysOf(connection, batch);
  if (!token_keys) return token_keys.error();

  // The database takes its lock while the rows are sorted.
  const Status begun = connection.SendScript(BeginWithFence(batch));
  const TradeRows rows(batch, *token_keys);
  const Result<PgRows> fence = begun ? connection.ReceiveScript() : begun.error();
  PgTransaction transaction = PgTransaction::Adopt(connection);
  if (!fence) return fence.error();
  if (fence->empty()) return Receipt{.fenced = true, .stored = 0};

  Result<Changes> taken = TakeOver(connection, batch);
  if (!taken) return taken.error();
  const bool is_fast = lane_.is_fast();
  Receipt receipt;
  if (rows.size() > 0) {
    const Result<Changes> stored = is_fast ? rows.Copy(connection) : rows.InsertMissing(connection);
    if (!stored) return stored.error();
    for (const auto& [wallet, change] : *stored) {
      (*taken)[wallet].rows += change.rows;
      (*taken)[wallet].usdc += change.usdc;
      receipt.stored += static_cast<std::uint64_t>(change.rows);
    }
  }
  if (const Status written = WriteProgress(connection, batch, *taken); !written) {
    return written.error();
  }
  if (common::Failpoint("store_before_commit")) {
    return Error{ErrorKind::kTransient, "failpoint store_before_commit"};
  }
  if (const Status committed = transaction.Commit(); !committed) return committed.error();
  if (common::Failpoint("store_after_commit")) {
    return Error{ErrorKind::kTransient, "failpoint store_after_commit"};
  }
  if (rows.size() == 0) return receipt;
  if (is_fast) {
    ++counts_.fast;
    lane_.NoteFast();
  } else {
    ++counts_.replayed;
    lane_.NoteReplay(receipt.stored == rows.size());
  }
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
