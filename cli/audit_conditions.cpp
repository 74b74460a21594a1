#include "cli/audit_conditions.h"

#include <map>
#include <utility>

#include "cli/second_view.h"

namespace cli {
namespace {

using common::PgParams;
using common::Result;

constexpr char kSample[] =
    "SELECT hex0x(condition_id) FROM market WHERE volume_fed = volume AND volume > 0"
    " ORDER BY random() LIMIT $1";

// One pass over the trades for all of them.
constexpr char kTraded[] = R"sql(
SELECT hex0x(k.condition_id), count(*), sum(t.usdc)::bigint
FROM trade t JOIN token k ON k.token_key = t.token_key
WHERE k.condition_id IN (SELECT decode(substr(c, 3), 'hex') FROM unnest($1::text[]) AS c)
GROUP BY k.condition_id)sql";

// Of an open market trades go on: what counts is the volume of when its wallets were last found.
constexpr char kVolumes[] =
    "SELECT hex0x(condition_id), (volume_fed * 1000000)::bigint FROM market"
    " WHERE volume_fed IS NOT NULL"
    " AND condition_id IN (SELECT decode(substr(c, 3), 'hex') FROM unnest($1::text[]) AS c)";

}  // namespace

bool ConditionFinding::is_good() const {
  return trouble.empty() && AgreesWithVolume(ours, theirs);
}

Result<std::vector<std::string>> SampleConditions(common::PgConnection& connection, int most) {
  const auto rows = connection.Exec(kSample, PgParams().Int64(most));
  if (!rows) return rows.error();
  std::vector<std::string> conditions;
  for (int i = 0; i < rows->size(); ++i) conditions.emplace_back(rows->Text(i, 0));
  return conditions;
}

Result<std::vector<ConditionFinding>> CompareConditions(
    common::PgConnection& connection, const std::string& gamma_url,
    const std::vector<std::string>& conditions) {
  std::vector<ConditionFinding> findings;
  if (conditions.empty()) return findings;
  const auto traded = connection.Exec(kTraded, PgParams().Texts(conditions));
  const auto volumes = connection.Exec(kVolumes, PgParams().Texts(conditions));
  if (!traded || !volumes) return traded ? volumes.error() : traded.error();
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> ours;
  for (int i = 0; i < traded->size(); ++i) {
    ours[std::string(traded->Text(i, 0))] = {traded->Int64(i, 1), traded->Int64(i, 2)};
  }
  std::map<std::string, std::int64_t> fed;
  for (int i = 0; i < volumes->size(); ++i) {
    fed[std::string(volumes->Text(i, 0))] = volumes->Int64(i, 1);
  }
  for (const std::string& condition : conditions) {
    ConditionFinding finding;
    finding.condition = condition;
    std::tie(finding.trades, finding.ours) = ours[condition];
    const auto volume = VolumeUpstream(gamma_url, condition);
    if (!volume) {
      finding.trouble = "Gamma: " + volume.error().message;
    } else if (!volume->has_value()) {
      finding.trouble = "Gamma does not know it";
    } else {
      const auto found = fed.find(condition);
      const bool is_live = !(*volume)->is_closed && found != fed.end();
      finding.theirs = is_live ? found->second : (*volume)->volume;
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace cli
