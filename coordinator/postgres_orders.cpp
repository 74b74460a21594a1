#include "coordinator/plans/range.h"
#include "coordinator/plans/stages.h"
#include "coordinator/postgres_units.h"
#include "coordinator/run_wish.h"

namespace coordinator {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::Result;
using common::Status;

// Wallets in the order in which they need a sync, as wallets_needing_sync has it: whales, never
// synced, stale; then those that need none. As a selection named by its content.
constexpr char kSelectNeedy[] = R"sql(
WITH needy AS MATERIALIZED (
  SELECT w.wallet_id FROM wallet w LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
   WHERE NOT coalesce(s.quarantined, false)
   ORDER BY coalesce(s.status = 2 AND s.last_synced_at >= now() - interval '1 day', false),
            coalesce(s.volume, 0) >= 100000000000 DESC, coalesce(s.complete_to, 0) = 0 DESC,
            coalesce(s.complete_to, 0), w.wallet_id
   LIMIT $1),
name AS MATERIALIZED (
  SELECT 'needy-' || coalesce(md5(string_agg(wallet_id::text, ',' ORDER BY wallet_id)), '') AS name
    FROM needy),
ins AS (
  INSERT INTO selection_wallet (selection, wallet_id)
  SELECT name.name, needy.wallet_id FROM needy, name ORDER BY 2
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT name.name FROM name)sql";

constexpr char kSame[] = R"sql(
SELECT run_id FROM run WHERE state IN ('queued', 'running') AND kind = $1 AND source = $2
   AND selection IS NOT DISTINCT FROM $3::text AND most_wallets IS NOT DISTINCT FROM $4::bigint
   AND range_from IS NOT DISTINCT FROM $5::bigint AND range_to IS NOT DISTINCT FROM $6::bigint
   AND is_whole = $7 AND kind <> 'retry'
 ORDER BY run_id LIMIT 1)sql";

constexpr char kInsert[] = R"sql(
INSERT INTO run (kind, source, selection, most_wallets, range_from, range_to, is_whole, stages,
                 scheduled_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text[], nullif($9, '')) RETURNING run_id)sql";

void AddNumber(PgParams& params, const std::optional<std::int64_t>& number) {
  if (number) {
    params.Int64(*number);
  } else {
    params.Null();
  }
}

Status CheckRange(PgConnection& connection, const RunWish& wish,
                  const std::vector<plans::Coverage>& coverages) {
  if (wish.action != "range") return Done{};
  const auto source = common::ParseSource(wish.source);
  if (!source || !plans::IsRangeSource(wish.source)) {
    return Error{ErrorKind::kRejected, "ranges are of source rpc or subgraph"};
  }
  if (wish.from && wish.to && *wish.to < *wish.from) {
    return Error{ErrorKind::kRejected, "the range ends before it begins"};
  }
  if (wish.from) {
    const auto now = connection.Exec("SELECT extract(epoch FROM now())::bigint");
    if (!now) return now.error();
    const auto reason = plans::WhyNothing(*source, *wish.from, now->Int64(0, 0));
    if (reason) return Error{ErrorKind::kRejected, *reason};
  }
  for (const plans::Coverage& one : coverages) {
    if (one.source != *source || !wish.from) continue;
    const auto reason = plans::WhyNoRange(one, *wish.from, wish.to);
    if (reason) return Error{ErrorKind::kRejected, *reason};
  }
  return Done{};
}

plans::StageFacts FactsOf(const RunWish& wish, const std::vector<plans::Coverage>& coverages) {
  plans::StageFacts facts;
  facts.source = wish.source;
  for (const plans::Coverage& one : coverages) {
    if (!one.is_told()) continue;  // A range was asked for, and nothing came of it yet.
    if (one.source == common::Source::kRpc) facts.is_rpc_covered = true;
    if (one.source != common::Source::kSubgraph) continue;
    facts.is_archive_covered = true;
    facts.is_archive_told = one.to_ts >= common::kV1Cutover;
  }
  return facts;
}

}  // namespace

Status LockOrders(PgConnection& connection) {
  const auto locked = connection.Exec("SELECT pg_advisory_xact_lock(7234601)");
  if (!locked) return locked.error();
  return Done{};
}

Result<std::optional<std::string>> SelectWallets(PgConnection& connection, const RunWish& wish) {
  if (wish.max_wallets > 0 && wish.action == "process") {
    const auto rows = connection.Exec(kSelectNeedy, PgParams().Int64(wish.max_wallets));
    if (!rows) return rows.error();
    return std::optional<std::string>(std::string(rows->Text(0, 0)));
  }
  if (wish.selection.empty()) return std::optional<std::string>();
  const auto rows = connection.Exec("SELECT 1 FROM selection_wallet WHERE selection = $1 LIMIT 1",
                                    PgParams().Text(wish.selection));
  if (!rows) return rows.error();
  if (rows->empty()) {
    return Error{ErrorKind::kRejected, "selection " + wish.selection +
                                           " holds no wallets; Polymarket's contracts are none"};
  }
  return std::optional<std::string>(wish.selection);
}

Result<NewRun> OrderRun(PgConnection& connection, const RunWish& wish,
                        const std::optional<std::string>& selection,
                        const std::string& scheduled_by) {
  const auto coverages = ReadCoverage(connection);
  if (!coverages) return coverages.error();
  if (const Status good = CheckRange(connection, wish, *coverages); !good) return good.error();
  const std::vector<std::string> stages =
      wish.action == "retry" ? wish.stages
                             : plans::StagesOf(wish.action, FactsOf(wish, *coverages));
  if (stages.empty()) return Error{ErrorKind::kRejected, "there is no action " + wish.action};
  PgParams params;
  params.Text(plans::RunKind(wish.action)).Text(wish.source);
  if (selection) {
    params.Text(*selection);
  } else {
    params.Null();
  }
  const bool has_most = wish.action == "refresh" && wish.max_wallets > 0;
  AddNumber(params, has_most ? std::optional(wish.max_wallets) : std::nullopt);
  AddNumber(params, wish.from);
  AddNumber(params, wish.to);
  params.Bool(wish.action == "discover" && wish.all);
  const auto same = connection.Exec(kSame, params);
  if (!same) return same.error();
  if (!same->empty()) return NewRun{{same->Int64(0, 0)}, true, 0};
  const auto rows = connection.Exec(kInsert, params.Texts(stages).Text(scheduled_by));
  if (!rows) return rows.error();
  return NewRun{{rows->Int64(0, 0)}, false, 0};
}

}  // namespace coordinator
