#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/admin_client.h"
#include "cli/audit_conditions.h"
#include "cli/audit_report.h"
#include "cli/audit_wallets.h"
#include "cli/commands.h"
#include "cli/database_access.h"
#include "cli/fleet_options.h"
#include "cli/terminal.h"
#include "cli/wallet_list.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/signals.h"

namespace cli {
namespace {

using common::Result;

constexpr int kDefaultSample = 10;

Result<std::vector<std::string>> ChooseWallets(const Options& options,
                                               common::PgConnection& connection) {
  std::vector<std::string> wallets;
  WalletList list;
  for (const std::string& wallet : options.wallets) list.Add(wallet, "argument");
  for (const common::WalletAddress& wallet : list.wallets) wallets.push_back(wallet.ToString());
  if (!wallets.empty()) return wallets;
  const int sample = options.sample > 0 ? options.sample : kDefaultSample;
  return SampleWallets(connection, sample);
}

// What was typed, else what the running fleet uses, else the real service.
std::string UpstreamUrl(const std::string& typed, const char* variable, const char* real,
                        const StateDir& state) {
  if (!typed.empty()) return typed;
  if (const auto settings = ReadFleetSettings(state)) {
    const auto at = settings->environment.find(variable);
    if (at != settings->environment.end()) return at->second;
  }
  return real;
}

// Conditions that were named, and a sample: as large as was asked for, else only where nothing is
// named. One that begins by itself leaves them out: they take a look at every trade.
Result<std::vector<std::string>> ChooseConditions(const Options& options,
                                                  common::PgConnection& connection) {
  std::vector<std::string> conditions;
  for (const std::string& text : options.conditions) {
    conditions.push_back(common::ParseConditionId(text)->ToString());
  }
  int most = options.condition_sample;
  const bool has_none = options.is_scheduled || !options.wallets.empty() || !conditions.empty();
  if (most < 0) most = has_none ? 0 : std::max(options.sample, kDefaultSample);
  if (most == 0) return conditions;
  const auto drawn = SampleConditions(connection, most);
  if (!drawn) return drawn.error();
  for (const std::string& condition : *drawn) {
    if (std::ranges::find(conditions, condition) == conditions.end()) {
      conditions.push_back(condition);
    }
  }
  return conditions;
}

// Whether it is time for the audit that begins by itself; then it is ours to do.
bool IsDue(const AdminClient& client) {
  const auto answer = client.Post("/api/admin/audit", R"({"claim":true})");
  return answer && nlohmann::json::parse(*answer, nullptr, false) == nlohmann::json{{"due", true}};
}

int AuditChosen(const Options& options, const StateDir& state, AuditReport& report) {
  common::Signals signals;
  const auto database = DatabaseAccess::Open(state, DatabaseOf(options, state));
  if (!database) return Complain(kCannotStart, database.error().message);
  common::PgConnection& connection = (*database)->connection();
  const bool only_conditions =
      options.wallets.empty() && options.sample == 0 && !options.conditions.empty();
  const Result<std::vector<std::string>> wallets =
      only_conditions ? Result<std::vector<std::string>>(std::vector<std::string>())
                      : ChooseWallets(options, connection);
  if (!wallets) return Complain(kCannotStart, wallets.error().message);
  const auto conditions = ChooseConditions(options, connection);
  if (!conditions) return Complain(kCannotStart, conditions.error().message);
  if (wallets->empty() && conditions->empty()) {
    return Complain(kDone, "no wallet is completed yet; nothing to audit");
  }
  const std::string data_url =
      UpstreamUrl(options.data_url, "SEINE_DATA_URL", "https://data-api.polymarket.com/v2", state);
  const std::string gamma_url =
      UpstreamUrl(options.gamma_url, "SEINE_GAMMA_URL", "https://gamma-api.polymarket.com", state);
  for (const std::string& wallet : *wallets) {
    if (signals.Drain().stops > 0) return kInterrupted;
    report.Add(CompareWallet(connection, data_url, wallet));
  }
  const auto findings = CompareConditions(connection, data_url, gamma_url, *conditions);
  if (!findings) return Complain(kCannotStart, findings.error().message);
  for (const ConditionFinding& finding : *findings) report.Add(finding);
  report.Finish();
  return report.is_good() ? kDone : kIncomplete;
}

}  // namespace

int Audit(const Options& options) {
  WalletList typed;
  for (const std::string& wallet : options.wallets) typed.Add(wallet, "argument");
  for (const std::string& complaint : typed.complaints) Complain(kUsage, complaint);
  if (!typed.complaints.empty()) return kUsage;
  if (!typed.wallets.empty() && options.sample > 0) {
    return Complain(kUsage, "--sample and wallets that are named exclude each other");
  }
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const AdminClient client(*state, options.http);
  if (options.is_scheduled && !IsDue(client)) return kDone;
  const std::int64_t started_at = common::SystemClock().WallNow();
  AuditReport report(options.is_json);
  const int code = AuditChosen(options, *state, report);
  if (options.is_scheduled && (code == kDone || code == kIncomplete)) {
    const nlohmann::json outcome{
        {"started_at", started_at}, {"wallets", report.wallets()}, {"complete", code == kDone}};
    const auto noted = client.Post("/api/admin/audit", outcome.dump());
    if (!noted) return Complain(kCannotStart, noted.error().message);
  }
  return code;
}

}  // namespace cli
