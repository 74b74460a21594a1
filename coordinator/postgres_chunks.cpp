// How chunks change in PostgreSQL: finished, taken back, split.

#include <algorithm>
#include <set>
#include <utility>

#include "coordinator/plans/trades.h"
#include "coordinator/postgres_ledger.h"
#include "coordinator/postgres_rows.h"
#include "coordinator/postgres_units.h"

namespace coordinator {
namespace {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::Result;
using common::RunId;
using common::Status;
using common::Term;

// One wallet of a chunk, as the database has it.
struct WalletMark {
  std::int32_t wallet = 0;
  bool done = false;      // in this run
  bool settled = false;   // failed for good, or quarantined
  bool suspect = false;   // blamed for a death within 72 h
  bool advanced = false;  // under this very lease
};

constexpr char kMarks[] = R"sql(
SELECT u.wallet_id, coalesce(s.done_run, 0) = c.run_id,
       coalesce(s.quarantined, false) OR EXISTS (
         SELECT 1 FROM run_failure f WHERE f.run_id = c.run_id AND f.kind = c.kind
            AND f.wallet_id = u.wallet_id AND f.final),
       EXISTS (SELECT 1 FROM wallet_blame b WHERE b.wallet_id = u.wallet_id AND b.kind = c.kind
                  AND b.died_at > now() - interval '72 hours'),
       EXISTS (SELECT 1 FROM wallet_cursor k
                WHERE k.wallet_id = u.wallet_id AND k.epoch = $2)
FROM chunk c CROSS JOIN LATERAL unnest(c.wallets) WITH ORDINALITY AS u(wallet_id, place)
LEFT JOIN wallet_sync s ON s.wallet_id = u.wallet_id
WHERE c.chunk_id = $1 ORDER BY u.place)sql";

Result<std::vector<WalletMark>> ReadMarks(PgConnection& connection, common::ChunkId chunk,
                                          common::Epoch epoch, const std::string& kind) {
  const auto rows = connection.Exec(kind == "trades" ? kMarks : kUnitMarks,
                                    PgParams().Int64(chunk.value).Int64(epoch.value));
  if (!rows) return rows.error();
  std::vector<WalletMark> marks;
  marks.reserve(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) {
    marks.push_back({static_cast<std::int32_t>(rows->Int64(i, 0)), rows->Bool(i, 1),
                     rows->Bool(i, 2), rows->Bool(i, 3), rows->Bool(i, 4)});
  }
  return marks;
}

void AddPieces(const std::vector<std::int32_t>& wallets, std::size_t pieces, int round,
               std::vector<NewChunk>& out) {
  pieces = std::min(pieces, wallets.size());
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    const auto from = static_cast<long>(wallets.size() * piece / pieces);
    const auto to = static_cast<long>(wallets.size() * (piece + 1) / pieces);
    out.push_back(ChunkOf({wallets.begin() + from, wallets.begin() + to}, round));
  }
}

// Locks the chunk, which waits for a batch that is being committed under its lease. Nothing where
// there is no such chunk.
Result<std::optional<ChunkRow>> Lock(PgConnection& connection, common::ChunkId chunk) {
  const auto rows = connection.Exec("SELECT 1 FROM chunk WHERE chunk_id = $1 FOR UPDATE",
                                    PgParams().Int64(chunk.value));
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<ChunkRow>{};
  auto read = ReadChunks(connection, {chunk.value});
  if (!read) return read.error();
  return std::optional<ChunkRow>{std::move(read->front())};
}

// Forgets failures of wallets that were completed in a later round, and writes down what follows
// from their being done.
Status SettleDone(PgConnection& connection, RunId run, const std::string& kind,
                  const std::vector<WalletMark>& marks) {
  std::vector<std::int32_t> done;
  for (const WalletMark& mark : marks) {
    if (mark.done) done.push_back(mark.wallet);
  }
  if (done.empty()) return Done{};
  const auto rows = connection.Exec(
      "DELETE FROM run_failure WHERE run_id = $1 AND kind = $3 "
      "AND wallet_id = ANY($2::int[])",
      PgParams().Int64(run.value).Int32s(done).Text(kind));
  if (!rows) return rows.error();
  return Settle(connection, run, kind, done);
}

// Returns how often a worker died of this chunk: what counts for a suspect that runs alone in it.
Result<std::int64_t> Blame(PgConnection& connection, const std::vector<std::int32_t>& wallets,
                           const std::string& kind, const ReclaimRequest& request) {
  const auto rows = connection.Exec(
      "INSERT INTO wallet_blame (wallet_id, worker, chunk_id, kind) "
      "SELECT u, $2, $3, $4 FROM unnest($1::int[]) AS u",
      PgParams().Int32s(wallets).Text(request.worker.value).Int64(request.chunk.value).Text(kind));
  if (!rows) return rows.error();
  const auto blames = connection.Exec(
      "SELECT count(*) FROM wallet_blame WHERE wallet_id = $1 AND kind = $2 AND chunk_id = $3 "
      "AND died_at > now() - interval '72 hours'",
      PgParams().Int32(wallets.front()).Text(kind).Int64(request.chunk.value));
  if (!blames) return blames.error();
  return blames->Int64(0, 0);
}

Status Quarantine(PgConnection& connection, RunId run, const std::string& kind, std::int32_t wallet,
                  std::int64_t deaths) {
  const bool is_wallet = kind == "trades";
  const std::string reason = "quarantined: " + std::to_string(deaths) +
                             " workers died while they worked on this " +
                             (is_wallet ? "wallet" : "unit");
  if (!is_wallet) {
    Status status = QuarantineUnit(connection, wallet, reason);
    if (!status) return status;
    return WriteFailures(connection, run, kind, {{{wallet}, true, reason}});
  }
  const auto rows = connection.Exec(
      "INSERT INTO wallet_sync AS s (wallet_id, status, quarantined, error_count, last_error) "
      "VALUES ($1, 3, true, 1, $2) ON CONFLICT (wallet_id) DO UPDATE SET status = 3, "
      "quarantined = true, error_count = s.error_count + 1, last_error = EXCLUDED.last_error",
      PgParams().Int32(wallet).Text(reason));
  if (!rows) return rows.error();
  return WriteFailures(connection, run, kind, {{{wallet}, true, reason}});
}

// `settled`: what leaves the chunk because nothing more is to be done with it.
Status SetPending(PgConnection& connection, common::ChunkId chunk,
                  const std::vector<std::int32_t>& wallets,
                  const std::vector<std::int32_t>& settled) {
  const auto rows = connection.Exec(
      "UPDATE chunk SET epoch = nextval('lease_epoch'), owner = NULL, wallets = $2::int[], "
      "settled = settled || $3::int[], "
      "state = CASE WHEN cardinality($2::int[]) = 0 THEN 'done' ELSE 'pending' END, "
      "done_at = CASE WHEN cardinality($2::int[]) = 0 THEN now() END WHERE chunk_id = $1",
      PgParams().Int64(chunk.value).Int32s(wallets).Int32s(settled));
  if (!rows) return rows.error();
  return Done{};
}

}  // namespace

// --- Finished ----------------------------------------------------------------------------------

Result<LedgerAnswer> PostgresLedger::Do(Term, const FinishRequest& request) {
  PgConnection& connection = *connection_;
  auto locked = Lock(connection, request.chunk);
  if (!locked) return locked.error();
  FinishedAnswer answer;
  answer.chunk = request.chunk;
  answer.epoch = request.epoch;
  if (!locked->has_value() || (*locked)->epoch != request.epoch) return LedgerAnswer{answer};
  const ChunkRow& row = **locked;
  answer.closed = true;
  if (row.state == ChunkRow::State::kDone) {  // The same request, offered again.
    auto pending = ReadOpenChunks(connection, row.run, true);
    if (!pending) return pending.error();
    answer.created = std::move(*pending);
    return LedgerAnswer{std::move(answer)};
  }
  const auto marks = ReadMarks(connection, request.chunk, request.epoch, row.kind);
  if (!marks) return marks.error();

  std::map<std::int32_t, const WalletFailure*> failed;
  for (const WalletFailure& failure : request.failures) failed[failure.wallet.value] = &failure;
  std::vector<WalletFailure> failures;
  std::vector<std::int32_t> again;    // in the next round
  std::vector<std::int32_t> missing;  // nobody said what became of them
  std::vector<std::int32_t> refused;
  std::vector<NewChunk> chunks;
  const bool last_round = row.round >= kRetryRounds;
  const std::int64_t wait_ms =
      last_round
          ? 0
          : std::chrono::duration_cast<std::chrono::milliseconds>(kRetryDelays[row.round]).count();
  for (const WalletMark& mark : *marks) {
    const auto failure = failed.find(mark.wallet);
    if (mark.done) {
      ++answer.wallets_done;
    } else if (mark.settled) {
      continue;
    } else if (failure == failed.end()) {
      missing.push_back(mark.wallet);
    } else {
      failures.push_back(*failure->second);
      if (failures.back().final) refused.push_back(mark.wallet);
      failures.back().final = failures.back().final || last_round;
      if (failures.back().final) {
        ++answer.failed_now;
      } else if (mark.suspect || failure->second->alone) {
        chunks.push_back(ChunkOf({mark.wallet}, row.round + 1, wait_ms));
      } else {
        again.push_back(mark.wallet);
      }
    }
  }
  if (!again.empty()) chunks.push_back(ChunkOf(std::move(again), row.round + 1, wait_ms));
  if (!missing.empty()) chunks.push_back(ChunkOf(std::move(missing), row.round));

  const auto closed =
      connection.Exec("UPDATE chunk SET state = 'done', done_at = now() WHERE chunk_id = $1",
                      PgParams().Int64(request.chunk.value));
  if (!closed) return closed.error();
  if (const Status status = WriteFailures(connection, row.run, row.kind, failures); !status) {
    return status.error();
  }
  if (const Status status = SettleDone(connection, row.run, row.kind, *marks); !status) {
    return status.error();
  }
  if (const Status status = SettleRefused(connection, row.kind, refused); !status) {
    return status.error();
  }
  if (const Status status = AddUse(connection, row.run, request.use); !status) {
    return status.error();
  }
  auto created = Create(connection, row.run, row.kind, chunks);
  if (!created) return created.error();
  answer.created = std::move(*created);
  return LedgerAnswer{std::move(answer)};
}

// --- Taken back --------------------------------------------------------------------------------

Result<LedgerAnswer> PostgresLedger::Do(Term, const ReclaimRequest& request) {
  PgConnection& connection = *connection_;
  auto locked = Lock(connection, request.chunk);
  if (!locked) return locked.error();
  Reclaimed answer;
  if (!locked->has_value()) {
    answer.chunk.id = request.chunk;
    answer.chunk.run = request.run;
    answer.chunk.state = ChunkRow::State::kDone;
    return LedgerAnswer{std::move(answer)};
  }
  const ChunkRow& row = **locked;
  if (row.epoch != request.epoch || row.state != ChunkRow::State::kLeased) {
    answer.chunk = row;
    auto pending = ReadOpenChunks(connection, row.run, true);
    if (!pending) return pending.error();
    answer.created = std::move(*pending);
    return LedgerAnswer{std::move(answer)};
  }
  const auto marks = ReadMarks(connection, request.chunk, request.epoch, row.kind);
  if (!marks) return marks.error();
  std::set<std::int32_t> in_flight;
  for (const common::WalletId wallet : request.suspects) in_flight.insert(wallet.value);
  if ((request.strike || request.all_suspects) && marks->size() == 1) {
    in_flight.insert(marks->front().wallet);
  }

  std::vector<std::int32_t> rest;
  std::vector<std::int32_t> suspects;
  std::vector<std::int32_t> settled;
  for (const WalletMark& mark : *marks) {
    if (mark.done) {
      ++answer.wallets_done;
      settled.push_back(mark.wallet);
      continue;
    }
    const bool blamed = in_flight.contains(mark.wallet) && !mark.advanced;
    (blamed ? suspects : rest).push_back(mark.wallet);
  }
  std::vector<NewChunk> chunks;
  if (!suspects.empty()) {
    const auto deaths = Blame(connection, suspects, row.kind, request);
    if (!deaths) return deaths.error();
    if (!request.strike) {
      for (const std::int32_t wallet : suspects) chunks.push_back(ChunkOf({wallet}, row.round));
    } else if (*deaths >= kBlamesToQuarantine) {
      const Status status = Quarantine(connection, row.run, row.kind, suspects.front(), *deaths);
      if (!status) return status.error();
      answer.quarantined.push_back({suspects.front()});
      settled.push_back(suspects.front());
    } else {
      rest = suspects;
    }
  }
  if (request.pieces > 1 && rest.size() > 1) {
    const auto first = static_cast<long>(rest.size() / request.pieces);
    AddPieces({rest.begin() + first, rest.end()}, request.pieces - 1, row.round, chunks);
    rest.resize(static_cast<std::size_t>(first));
  }
  if (const Status status = SettleDone(connection, row.run, row.kind, *marks); !status) {
    return status.error();
  }
  if (const Status status = SetPending(connection, request.chunk, rest, settled); !status) {
    return status.error();
  }
  auto created = Create(connection, row.run, row.kind, chunks);
  if (!created) return created.error();
  answer.created = std::move(*created);
  auto now = ReadChunks(connection, {request.chunk.value});
  if (!now) return now.error();
  answer.chunk = now->front();
  return LedgerAnswer{std::move(answer)};
}

Result<LedgerAnswer> PostgresLedger::Do(Term, const SplitRequest& request) {
  PgConnection& connection = *connection_;
  auto locked = Lock(connection, request.chunk);
  if (!locked) return locked.error();
  SplitAnswer answer;
  answer.chunk = request.chunk;
  answer.epoch = request.epoch;
  if (!locked->has_value()) return LedgerAnswer{std::move(answer)};
  const ChunkRow& row = **locked;
  answer.wallets_left = row.wallets;
  std::vector<std::int32_t> moved;
  if (row.epoch == request.epoch && row.state == ChunkRow::State::kLeased) {
    const auto marks = ReadMarks(connection, request.chunk, request.epoch, row.kind);
    if (!marks) return marks.error();
    std::set<std::int32_t> given;
    for (const common::WalletId wallet : request.wallets) given.insert(wallet.value);
    std::vector<std::int32_t> rest;
    for (const WalletMark& mark : *marks) {
      (given.contains(mark.wallet) && !mark.done ? moved : rest).push_back(mark.wallet);
    }
    answer.wallets_left = static_cast<std::uint32_t>(rest.size());
    const auto kept = connection.Exec("UPDATE chunk SET wallets = $2::int[] WHERE chunk_id = $1",
                                      PgParams().Int64(request.chunk.value).Int32s(rest));
    if (!kept) return kept.error();
  }
  std::vector<NewChunk> chunks;
  AddPieces(moved, request.pieces, row.round, chunks);
  auto created = moved.empty() ? ReadOpenChunks(connection, row.run, true)
                               : Create(connection, row.run, row.kind, chunks);
  if (!created) return created.error();
  answer.created = std::move(*created);
  return LedgerAnswer{std::move(answer)};
}

}  // namespace coordinator
