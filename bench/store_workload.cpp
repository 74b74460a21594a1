#include "bench/store_workload.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "common/check.h"
#include "common/random.h"
#include "worker/store/postgres_trade_store.h"

namespace bench {
namespace {

using common::Random;
using worker::store::Batch;
using worker::store::TradeRow;
using worker::store::WalletProgress;
using worker::store::WalletState;

constexpr std::uint64_t kSeed = 2026;
constexpr common::UnixSeconds kNewest = 1'790'000'000;

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

template <typename Id>
Id RandomId(Random& random) {
  Id id;
  for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(random.Next());
  return id;
}

// Trades of each wallet: Pareto with shape 1, scaled to the total.
std::vector<std::size_t> Activity(const WorkloadOptions& options, Random& random) {
  std::vector<double> weights(options.wallets);
  double sum = 0;
  for (double& weight : weights) sum += weight = 1.0 / (random.Unit() + 0.002);
  std::vector<std::size_t> activity;
  for (const double weight : weights) {
    const double share = weight / sum * static_cast<double>(options.trades);
    activity.push_back(std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(share))));
  }
  return activity;
}

struct Walk {
  std::int32_t wallet = 0;
  std::size_t left = 0;
  common::UnixSeconds at = kNewest;
};

TradeRow NextRow(Walk& walk, const std::vector<common::TokenId>& tokens, Random& random) {
  walk.at -= static_cast<common::UnixSeconds>(random.Below(2000));
  TradeRow row;
  row.wallet.value = walk.wallet;
  row.trade.ts = walk.at;
  row.trade.tx = RandomId<common::TxHash>(random);
  row.trade.event_key = static_cast<std::int64_t>(random.Next());
  const double skewed = random.Unit() * random.Unit();
  row.trade.token = tokens[static_cast<std::size_t>(skewed * static_cast<double>(tokens.size()))];
  row.trade.size = static_cast<std::int64_t>(1 + random.Below(1'000'000'000));
  row.trade.usdc = static_cast<std::int64_t>(row.trade.size / 2);
  row.trade.side = random.Chance(0.5) ? common::Side::kBuy : common::Side::kSell;
  row.trade.version = common::ExchangeVersion::kV2;
  row.trade.source = common::Source::kDataApi;
  --walk.left;
  return row;
}

// One page of a wallet into the batch, with the wallet's newest progress.
void AddPage(Batch& batch, std::map<std::int32_t, std::size_t>& places, Walk& walk,
             const WorkloadOptions& options, const std::vector<common::TokenId>& tokens,
             Random& random) {
  const auto [place, is_new] = places.try_emplace(walk.wallet, batch.wallets.size());
  if (is_new) batch.wallets.emplace_back();
  WalletProgress& progress = batch.wallets[place->second];
  progress.wallet.value = walk.wallet;
  progress.duration_ms += 120;
  const std::size_t rows = std::min(options.page_rows, walk.left);
  for (std::size_t i = 0; i < rows; ++i) batch.rows.push_back(NextRow(walk, tokens, random));
  progress.processed += rows;
  progress.last_trade_ts = std::max(progress.last_trade_ts, walk.at);
  const bool is_last = walk.left == 0;
  progress.cursor = common::Cursor{common::Source::kDataApi, 1, is_last ? kNewest : 0,
                                   is_last ? "" : std::string(200, 'c')};
  if (is_last) progress.state = WalletState::kCompleted;
}

std::vector<Batch> MakeBatches(const WorkloadOptions& options) {
  Random random(kSeed);
  std::vector<common::TokenId> tokens(options.tokens);
  for (common::TokenId& token : tokens) token = RandomId<common::TokenId>(random);
  std::vector<Walk> waiting;
  for (const std::size_t trades : Activity(options, random)) {
    waiting.push_back({static_cast<std::int32_t>(waiting.size() + 1), trades, kNewest});
  }
  std::vector<Walk> walks;
  std::vector<Batch> batches;
  std::map<std::int32_t, std::size_t> places;
  const Batch empty = {
      .run = {1}, .chunk = {1}, .epoch = {1}, .rows = {}, .hints = {}, .wallets = {}};
  Batch batch = empty;
  while (!walks.empty() || !waiting.empty()) {
    while (walks.size() < options.in_flight && !waiting.empty()) {
      walks.push_back(waiting.back());
      waiting.pop_back();
    }
    const std::size_t chosen = random.Below(walks.size());
    AddPage(batch, places, walks[chosen], options, tokens, random);
    if (walks[chosen].left == 0) walks.erase(walks.begin() + static_cast<std::ptrdiff_t>(chosen));
    const bool is_over = walks.empty() && waiting.empty();
    if (batch.rows.size() >= options.batch_rows || is_over) {
      batches.push_back(std::exchange(batch, empty));
      places.clear();
    }
  }
  return batches;
}

void EncodeRow(std::string& out, const TradeRow& row, std::int32_t token_key) {
  const auto field = [&out](auto number) {
    common::AppendBigEndian(out, std::int32_t{sizeof number});
    common::AppendBigEndian(out, number);
  };
  const common::Trade& trade = row.trade;
  std::int64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) head = head << 8U | trade.tx.bytes[i];
  common::AppendBigEndian(out, std::int16_t{14});
  field(trade.size);
  field(trade.usdc);
  common::AppendBigEndian(out, std::int32_t{-1});  // fee
  field(trade.ts);
  field(head);
  field(trade.event_key);
  field(row.wallet.value);
  field(token_key);
  common::AppendBigEndian(out, std::int32_t{-1});  // log_index
  for (const int digit : {static_cast<int>(trade.side), static_cast<int>(trade.role),
                          static_cast<int>(trade.version), static_cast<int>(trade.source)}) {
    field(static_cast<std::int8_t>('0' + digit));
  }
  common::AppendBigEndian(out, std::int32_t{24});
  out.append(reinterpret_cast<const char*>(trade.tx.bytes.data()) + 8, 24);
}

}  // namespace

StoreWorkload::StoreWorkload(const WorkloadOptions& options) : batches_(MakeBatches(options)) {
  for (const Batch& batch : batches_) trades_ += batch.rows.size();
  tests::PostgresOptions server;
  server.durable = true;
  server.settings = {"max_wal_size=8GB",      "min_wal_size=2GB",
                     "shared_buffers=512MB",  "checkpoint_timeout=15min",
                     "wal_level=minimal",     "max_wal_senders=0",
                     "wal_compression=on",    "jit=off",
                     "wal_writer_delay=10ms", "autovacuum=off"};
  auto started = tests::PostgresServer::Start(server);
  if (!started) {
    std::cerr << "this bench needs PostgreSQL: " << started.error().message << "\n";
    std::exit(1);
  }
  server_ = std::move(*started);
  url_ = server_->CreateDatabase();
  auto opened = common::PgConnection::Open(url_);
  CHECK(opened.has_value());
  connection_ = std::make_unique<common::PgConnection>(std::move(*opened));
  Exec(
      fmt::format("INSERT INTO wallet (address, discovered_by) SELECT "
                  "substring(sha256(n::text::bytea) FOR 20), 'bench' "
                  "FROM generate_series(1, {}) n",
                  options.wallets));
  Exec("INSERT INTO run (kind) VALUES ('trades')");
  Exec(
      "INSERT INTO chunk (run_id, kind, state, epoch, weight, wallets) "
      "VALUES (1, 'trades', 'leased', 1, 1, '{}')");
  EncodeRows();
}

void StoreWorkload::EncodeRows() {
  encoded_.emplace_back("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
  std::int32_t token_key = 0;
  for (const Batch& batch : batches_) {
    std::vector<const TradeRow*> sorted;
    for (const TradeRow& row : batch.rows) sorted.push_back(&row);
    std::ranges::sort(sorted, {}, [](const TradeRow* row) {
      return std::tuple(row->wallet, row->trade.ts, row->trade.tx, row->trade.event_key);
    });
    for (const TradeRow* row : sorted) {
      if (encoded_.back().size() > 64UL * 1024) encoded_.emplace_back();
      EncodeRow(encoded_.back(), *row, ++token_key % 5000 + 1);
    }
  }
  common::AppendBigEndian(encoded_.back(), std::int16_t{-1});
}

void StoreWorkload::Exec(const std::string& sql) {
  const common::Status done = connection_->ExecScript(sql);
  if (!done) std::cerr << sql << ": " << done.error().message << "\n";
  CHECK(done.has_value());
}

void StoreWorkload::Empty() {
  Exec("TRUNCATE trade, token, wallet_cursor, wallet_sync RESTART IDENTITY");
  Exec("VACUUM chunk");
}

double StoreWorkload::BareCopySeconds() {
  Exec("DROP TABLE IF EXISTS bare; CREATE TABLE bare (LIKE trade INCLUDING ALL)");
  Exec("CHECKPOINT");
  const auto begin = std::chrono::steady_clock::now();
  auto connection = common::PgConnection::Open(url_);  // as new as the store's
  CHECK(connection.has_value());
  const auto started = connection->Exec("COPY bare FROM STDIN (FORMAT binary)");
  CHECK(started.has_value());
  PGconn* const handle = connection->handle();
  for (const std::string& piece : encoded_) {
    CHECK(PQputCopyData(handle, piece.data(), static_cast<int>(piece.size())) == 1);
  }
  CHECK(PQputCopyEnd(handle, nullptr) == 1);
  const common::PgRows copied(PQgetResult(handle));
  CHECK(copied.affected() == static_cast<std::int64_t>(trades_));
  PQclear(PQgetResult(handle));
  const double seconds = Seconds(begin);

  Exec("DROP TABLE bare");
  return seconds;
}

double StoreWorkload::StoreSeconds(std::size_t expected) {
  Exec("CHECKPOINT");
  worker::store::PostgresTradeStore store(url_, kSeed);
  std::size_t stored = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (const Batch& batch : batches_) {
    const auto receipt = store.Write(batch);
    if (!receipt) std::cerr << receipt.error().message << "\n";
    CHECK(receipt.has_value() && !receipt->fenced);
    stored += receipt->stored;
  }
  const double seconds = Seconds(begin);

  CHECK(stored == expected);
  return seconds;
}

}  // namespace bench
