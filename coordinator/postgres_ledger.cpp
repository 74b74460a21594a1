#include "coordinator/postgres_ledger.h"

#include <utility>

#include "common/failpoint.h"
#include "common/lease_session.h"
#include "common/logging.h"
#include "coordinator/postgres_rows.h"
#include "coordinator/postgres_units.h"

namespace coordinator {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::PgTransaction;
using common::Result;
using common::Status;
using common::Term;

// What a failpoint says in place of an answer: the outcome is in doubt.
const Error kBroken{ErrorKind::kTransient, "a failpoint broke the connection"};

// Takes the lease if it is free, over, or was this holder's; the first term is the time, so that
// terms never go back even if the database is made anew.
constexpr char kAcquire[] = R"sql(
INSERT INTO coordinator_lease AS l (holder, term, expires_at)
VALUES ($1, extract(epoch FROM now())::bigint, now() + $2::bigint * interval '1 millisecond')
ON CONFLICT (singleton) DO UPDATE
   SET holder = EXCLUDED.holder, term = l.term + 1, expires_at = EXCLUDED.expires_at
 WHERE l.expires_at < now() OR l.holder = EXCLUDED.holder
RETURNING term)sql";

// Also when it is over: as long as nobody took it, it is still ours.
constexpr char kRenew[] = R"sql(
UPDATE coordinator_lease SET expires_at = now() + $3::bigint * interval '1 millisecond'
 WHERE term = $1 AND holder = $2 RETURNING term)sql";

constexpr char kCheckTerm[] =
    "SELECT 1 FROM coordinator_lease WHERE term = $1 AND expires_at > now() FOR SHARE";

constexpr char kPrepare[] = R"sql(
SELECT c.chunk_id, c.epoch, w.wallet_id, w.address, k.source, k.owned_from, k.complete_to,
       k.position, coalesce(s.trades_stored, 0) > 0
FROM chunk c
CROSS JOIN LATERAL unnest(c.wallets) WITH ORDINALITY AS u(wallet_id, place)
JOIN wallet w ON w.wallet_id = u.wallet_id
LEFT JOIN wallet_sync s ON s.wallet_id = u.wallet_id
LEFT JOIN wallet_cursor k ON k.wallet_id = u.wallet_id
WHERE c.chunk_id = ANY($1::bigint[]) AND c.state = 'pending' AND c.kind = 'trades'
  AND coalesce(s.done_run, 0) <> c.run_id AND NOT coalesce(s.quarantined, false)
  AND NOT EXISTS (SELECT 1 FROM run_failure f WHERE f.run_id = c.run_id AND f.kind = c.kind
                     AND f.wallet_id = u.wallet_id AND f.final)
ORDER BY c.chunk_id, u.place)sql";

constexpr char kGrant[] = R"sql(
WITH term AS MATERIALIZED (
  SELECT 1 FROM coordinator_lease WHERE term = $4 AND expires_at > now() FOR SHARE),
grants AS (
  UPDATE chunk c SET epoch = nextval('lease_epoch'), state = 'leased', owner = w.owner,
                     leased_at = now()
    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS w(chunk_id, epoch, owner)
   WHERE c.chunk_id = w.chunk_id AND c.epoch = w.epoch AND c.state = 'pending'
     AND EXISTS (SELECT 1 FROM term)
  RETURNING c.chunk_id, c.epoch)
SELECT chunk_id, epoch FROM grants
UNION ALL SELECT 0, count(*) FROM term)sql";

// A grant whose commit was in doubt: only this coordinator could have made it.
constexpr char kGrantedBefore[] = R"sql(
SELECT c.chunk_id, c.epoch
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS w(chunk_id, epoch, owner)
JOIN chunk c ON c.chunk_id = w.chunk_id
WHERE c.state = 'leased' AND c.owner = w.owner AND c.epoch > w.epoch)sql";

}  // namespace

PostgresLedger::PostgresLedger(std::string url, std::string holder, common::Duration lease,
                               std::vector<ScheduleWish> schedule)
    : url_(std::move(url)),
      holder_(std::move(holder)),
      lease_(lease),
      schedule_(std::move(schedule)) {}

Status PostgresLedger::Connect() {
  if (connection_ && connection_->healthy()) return Done{};
  connection_.reset();
  Result<PgConnection> opened = PgConnection::Open(url_);
  if (!opened) return opened.error();
  connection_.emplace(std::move(*opened));
  return Done{};
}

Result<Term> PostgresLedger::HoldTerm(Term current) {
  if (const Status connected = Connect(); !connected) return connected.error();
  const std::int64_t lease_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(lease_).count();
  const auto rows =
      current.value == 0
          ? connection_->Exec(kAcquire, PgParams().Text(holder_).Int64(lease_ms))
          : connection_->Exec(kRenew,
                              PgParams().Int64(current.value).Text(holder_).Int64(lease_ms));
  if (!rows) return Error{ErrorKind::kTransient, rows.error().message};
  if (rows->empty()) return Error{ErrorKind::kRejected, "another coordinator holds the lease"};
  if (current.value == 0) {
    if (const Status set = SetSchedule(*connection_, schedule_); !set) return set.error();
  }
  return Term{rows->Int64(0, 0)};
}

Status PostgresLedger::CheckTerm(Term term) {
  const auto rows = connection_->Exec(kCheckTerm, PgParams().Int64(term.value));
  if (!rows) return rows.error();
  if (rows->empty()) return Error{ErrorKind::kRejected, "the term is over"};
  return Done{};
}

// Who holds this lease is frozen, or cut off from the database, with the chunk's row locked. What
// it has not committed comes again. A worker that `lives` loses only a transaction that waits for
// it.
void PostgresLedger::EndHolder(common::ChunkId chunk, common::Epoch epoch, bool lives) {
  const std::string name = common::LeaseSessionName(chunk, epoch);
  const auto ended = connection_->Exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 "
      "AND datname = current_database() AND ($2::bigint = 0 OR wait_event = 'ClientRead')",
      PgParams().Text(name).Int64(lives ? 1 : 0));
  if (!ended) {
    common::LogWarning("holder_not_ended", {{"session", name}, {"why", ended.error().message}});
  } else if (!ended->empty()) {
    common::LogWarning("holder_ended", {{"session", name}});
  }
}

Result<LedgerAnswer> PostgresLedger::Perform(Term term, const LedgerRequest& request) {
  if (const Status connected = Connect(); !connected) return connected.error();
  return std::visit(
      [&](const auto& one) -> Result<LedgerAnswer> {
        using T = std::decay_t<decltype(one)>;
        // These two are one statement each, the others a transaction.
        if constexpr (std::is_same_v<T, PrepareRequest> || std::is_same_v<T, GrantRequest>) {
          return Do(term, one);
        } else {
          Result<PgTransaction> transaction = PgTransaction::Begin(*connection_, Bounds());
          if (!transaction) return transaction.error();
          if (const Status held = CheckTerm(term); !held) return held.error();
          Result<LedgerAnswer> answer = Do(term, one);
          constexpr bool kSplits = std::is_same_v<T, SplitRequest>;
          if constexpr (kSplits || std::is_same_v<T, ReclaimRequest>) {
            if (!answer && connection_->sqlstate() == common::kLockNotAvailable) {
              transaction->Rollback();
              EndHolder(one.chunk, one.epoch, kSplits);
            }
          }
          if (!answer) return answer;
          if constexpr (std::is_same_v<T, FinishRequest>) {
            if (common::Failpoint("before_done_commit")) return kBroken;
          }
          if (const Status committed = transaction->Commit(); !committed) {
            return committed.error();
          }
          if constexpr (std::is_same_v<T, FinishRequest>) {
            if (common::Failpoint("after_done_commit_before_ack")) return kBroken;
          }
          if constexpr (std::is_same_v<T, PlanRequest>) {
            if (common::Failpoint("after_plan_commit")) return kBroken;
          }
          if constexpr (std::is_same_v<T, CloseRunRequest>) {
            if (common::Failpoint("after_stage_commit")) return kBroken;
          }
          return answer;
        }
      },
      request);
}

Result<LedgerAnswer> PostgresLedger::Do(Term, const LoadRequest&) {
  Loaded loaded;
  const auto runs = connection_->Exec(
      "SELECT run_id, state FROM run WHERE state IN ('queued', 'running') ORDER BY run_id");
  if (!runs) return runs.error();
  for (int i = 0; i < runs->size(); ++i) {
    const common::RunId run{runs->Int64(i, 0)};
    if (runs->Text(i, 1) == "queued") {
      loaded.queued.push_back(run);
    } else if (!loaded.active) {
      auto row = ReadRun(*connection_, run);
      if (!row) return row.error();
      loaded.active = std::move(*row);
      auto open = ReadOpenChunks(*connection_, run, false);
      if (!open) return open.error();
      loaded.open = std::move(*open);
    }
  }
  auto settings = ReadSettings(*connection_);
  if (!settings) return settings.error();
  loaded.settings = std::move(*settings);
  return LedgerAnswer{std::move(loaded)};
}

Result<LedgerAnswer> PostgresLedger::Do(Term, const PrepareRequest& request) {
  PgParams params;
  std::vector<std::int64_t> chunks;
  for (const common::ChunkId chunk : request.chunks) chunks.push_back(chunk.value);
  const auto pending = connection_->Exec(
      "SELECT chunk_id, epoch FROM chunk WHERE chunk_id = ANY($1::bigint[]) AND state = 'pending' "
      "ORDER BY chunk_id",
      PgParams().Int64s(chunks));
  if (!pending) return pending.error();
  const auto rows = connection_->Exec(kPrepare, PgParams().Int64s(chunks));
  if (!rows) return rows.error();
  Prepared prepared;
  int next = 0;
  for (int i = 0; i < pending->size(); ++i) {
    ChunkContent content{{pending->Int64(i, 0)}, {pending->Int64(i, 1)}, {}};
    for (; next < rows->size() && rows->Int64(next, 0) <= content.chunk.value; ++next) {
      if (rows->Int64(next, 0) != content.chunk.value) continue;
      // Between the two statements nobody but this coordinator could have touched it.
      content.epoch = {rows->Int64(next, 1)};
      const common::WalletId wallet{static_cast<std::int32_t>(rows->Int64(next, 2))};
      if (content.wallets.empty() || content.wallets.back().id != wallet) {
        content.wallets.push_back({wallet, ReadAddress(*rows, next, 3), {}, rows->Bool(next, 8)});
      }
      if (rows->IsNull(next, 4)) continue;
      content.wallets.back().cursors.push_back({static_cast<common::Source>(rows->Int64(next, 4)),
                                                rows->Int64(next, 5), rows->Int64(next, 6),
                                                rows->Bytes(next, 7)});
    }
    prepared.contents.push_back(std::move(content));
  }
  if (const Status status = AddUnits(*connection_, prepared.contents); !status) {
    return status.error();
  }
  if (const Status status = CoverWallets(*connection_, prepared.contents); !status) {
    return status.error();
  }
  return LedgerAnswer{std::move(prepared)};
}

Result<LedgerAnswer> PostgresLedger::Do(Term term, const GrantRequest& request) {
  std::vector<std::int64_t> chunks;
  std::vector<std::int64_t> epochs;
  std::vector<std::string> owners;
  for (const GrantWish& wish : request.wishes) {
    chunks.push_back(wish.chunk.value);
    epochs.push_back(wish.epoch.value);
    owners.push_back(wish.worker.value);
  }
  const auto wishes = PgParams().Int64s(chunks).Int64s(epochs).Texts(owners);
  auto with_term = wishes;
  const auto rows = connection_->Exec(kGrant, with_term.Int64(term.value));
  if (!rows) return rows.error();
  std::map<std::int64_t, std::int64_t> granted;
  bool held = false;
  for (int i = 0; i < rows->size(); ++i) {
    if (rows->Int64(i, 0) == 0) {
      held = rows->Int64(i, 1) > 0;
    } else {
      granted[rows->Int64(i, 0)] = rows->Int64(i, 1);
    }
  }
  if (!held) return Error{ErrorKind::kRejected, "the term is over"};
  if (common::Failpoint("after_grant_commit")) return kBroken;
  if (granted.size() < chunks.size()) {
    const auto before = connection_->Exec(kGrantedBefore, wishes);
    if (!before) return before.error();
    for (int i = 0; i < before->size(); ++i) granted[before->Int64(i, 0)] = before->Int64(i, 1);
  }
  Granted answer;
  for (const GrantWish& wish : request.wishes) {
    const auto found = granted.find(wish.chunk.value);
    Granted::One one{wish.chunk, std::nullopt};
    if (found != granted.end()) one.epoch = common::Epoch{found->second};
    answer.grants.push_back(one);
  }
  return LedgerAnswer{std::move(answer)};
}

}  // namespace coordinator
