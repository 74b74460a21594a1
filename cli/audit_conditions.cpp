#include "cli/audit_conditions.h"

#include <map>
#include <utility>

namespace cli {
namespace {

using common::PgParams;
using common::Result;

constexpr char kSampleConditions[] =
    "SELECT hex0x(condition_id) FROM market WHERE volume_fed = volume AND volume > 0"
    " ORDER BY random() LIMIT $1";

// One pass over the trades for all of them. Compared is what is older than the last look for the
// condition's wallets (`ends`), and younger than what the Data API tells by condition.
constexpr char kTraded[] = R"sql(
SELECT hex0x(k.condition_id), coalesce(sum(t.usdc), 0)::bigint,
       count(*) FILTER (WHERE t.ts >= $2 AND t.ts <= u.ends),
       coalesce(sum(t.size) FILTER (WHERE t.ts >= $2 AND t.ts <= u.ends), 0)::bigint
FROM unnest($1::text[], $3::bigint[]) AS u(condition, ends)
JOIN token k ON k.condition_id = decode(substr(u.condition, 3), 'hex')
JOIN trade t ON t.token_key = k.token_key
GROUP BY k.condition_id)sql";

// Of an open market trades go on: what counts is the volume of when its wallets were last found.
constexpr char kLooked[] = R"sql(
SELECT c.condition, coalesce((m.volume_fed * 1000000)::bigint, -1),
       coalesce(nullif(w.complete_to, 0), extract(epoch FROM now())::bigint),
       extract(epoch FROM now() - interval '3 years' + interval '2 days')::bigint
FROM unnest($1::text[]) WITH ORDINALITY AS c(condition, place)
LEFT JOIN market m ON m.condition_id = decode(substr(c.condition, 3), 'hex')
LEFT JOIN work_unit w ON w.kind = 'holders' AND w.task = c.condition
ORDER BY c.place)sql";

}  // namespace

bool ConditionFinding::is_good() const {
  return trouble.empty() && ours == theirs && AgreesWithVolume(usdc, volume);
}

Result<std::vector<std::string>> SampleConditions(common::PgConnection& connection, int most) {
  const auto rows = connection.Exec(kSampleConditions, PgParams().Int64(most));
  if (!rows) return rows.error();
  std::vector<std::string> conditions;
  conditions.reserve(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) conditions.emplace_back(rows->Text(i, 0));
  return conditions;
}

Result<std::vector<ConditionFinding>> CompareConditions(
    common::PgConnection& connection, const std::string& data_url, const std::string& gamma_url,
    const std::vector<std::string>& conditions) {
  std::vector<ConditionFinding> findings;
  if (conditions.empty()) return findings;
  const auto looked = connection.Exec(kLooked, PgParams().Texts(conditions));
  if (!looked) return looked.error();
  std::vector<std::int64_t> ends;
  ends.reserve(conditions.size());
  for (int i = 0; i < looked->size(); ++i) ends.push_back(looked->Int64(i, 2));
  const std::int64_t begin = looked->Int64(0, 3);
  const auto traded =
      connection.Exec(kTraded, PgParams().Texts(conditions).Int64(begin).Int64s(ends));
  if (!traded) return traded.error();
  std::map<std::string, ConditionFinding> ours;
  for (int i = 0; i < traded->size(); ++i) {
    ConditionFinding& finding = ours[std::string(traded->Text(i, 0))];
    finding.usdc = traded->Int64(i, 1);
    finding.ours = {traded->Int64(i, 2), traded->Int64(i, 3)};
  }
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    ConditionFinding finding = ours[conditions[i]];
    finding.condition = conditions[i];
    const auto volume = VolumeUpstream(gamma_url, conditions[i]);
    const auto count = CountCondition(data_url, conditions[i], begin, ends[i]);
    if (!volume || !count) {
      finding.trouble =
          !volume ? "Gamma: " + volume.error().message : "the Data API: " + count.error().message;
    } else if (!volume->has_value()) {
      finding.trouble = "Gamma does not know it";
    } else {
      const std::int64_t fed = looked->Int64(static_cast<int>(i), 1);
      finding.volume = !(*volume)->is_closed && fed >= 0 ? fed : (*volume)->volume;
      finding.theirs = *count;
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace cli
