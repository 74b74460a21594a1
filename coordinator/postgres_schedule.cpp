// Runs that begin by themselves.

#include <utility>

#include "coordinator/plans/stages.h"
#include "coordinator/postgres_ledger.h"
#include "coordinator/run_wish.h"

namespace coordinator {
namespace {

using common::PgConnection;
using common::PgParams;
using common::Result;
using common::Status;
using common::Term;

constexpr char kSchedule[] = R"sql(
SELECT name, every_s, enabled, extract(epoch FROM next_at)::bigint, coalesce(last_run, 0),
       enabled AND next_at <= now()
FROM schedule ORDER BY name FOR UPDATE)sql";

// However many times were missed, the next one lies ahead.
constexpr char kBegun[] = R"sql(
UPDATE schedule SET last_run = $2, next_at = next_at + every_s * interval '1 second'
   * (floor(extract(epoch FROM now() - next_at) / every_s) + 1)
 WHERE name = $1 RETURNING extract(epoch FROM next_at)::bigint)sql";

// A run of that kind which is not over yet: two never overlap, the later begins when it has ended.
Result<bool> HasOpenRun(PgConnection& connection, const std::string& name) {
  const auto rows = connection.Exec(
      "SELECT 1 FROM run WHERE kind = $1 AND state IN ('queued', 'running') LIMIT 1",
      PgParams().Text(name));
  if (!rows) return rows.error();
  return !rows->empty();
}

}  // namespace

// The audit is not the coordinator's to do: it never fetches. Whoever does it claims it.
Result<LedgerAnswer> PostgresLedger::Do(Term, const ScheduleRequest&) {
  PgConnection& connection = *connection_;
  Scheduled answer;
  const auto rows = connection.Exec(kSchedule);
  if (!rows) return rows.error();
  for (int i = 0; i < rows->size(); ++i) {
    ScheduleRow row{std::string(rows->Text(i, 0)), rows->Int64(i, 1), rows->Bool(i, 2),
                    rows->Int64(i, 3), rows->Int64(i, 4)};
    const bool is_due = rows->Bool(i, 5) && (row.name == "refresh" || row.name == "discover");
    if (is_due) {
      const auto under_way = HasOpenRun(connection, row.name);
      if (!under_way) return under_way.error();
      if (!*under_way) {
        if (const Status locked = LockOrders(connection); !locked) return locked.error();
        RunWish wish;
        wish.action = row.name;
        const auto run = OrderRun(connection, wish, std::nullopt, row.name);
        if (!run) return run.error();
        const auto begun = connection.Exec(kBegun, PgParams().Text(row.name).Int64(run->run.value));
        if (!begun) return begun.error();
        row.last_run = run->run.value;
        row.next_at = begun->Int64(0, 0);
        answer.queued.push_back(run->run);
      }
    }
    answer.schedule.push_back(std::move(row));
  }
  return LedgerAnswer{std::move(answer)};
}

}  // namespace coordinator
