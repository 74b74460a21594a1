#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/admin_client.h"
#include "cli/audit_conditions.h"
#include "cli/commands.h"
#include "cli/database_access.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/recount.h"
#include "cli/second_view.h"
#include "cli/terminal.h"
#include "cli/wallet_list.h"
#include "common/clock.h"
#include "common/decimal.h"
#include "common/ids.h"
#include "common/signals.h"

namespace cli {
namespace {

using common::PgParams;
using common::Result;

constexpr int kDefaultSample = 10;
constexpr char kSample[] =
    "SELECT wallet_address FROM wallet_sync_metadata WHERE sync_status = 'completed'"
    " ORDER BY random() LIMIT $1";
constexpr char kCompleteTo[] =
    "SELECT sync_status, coalesce(extract(epoch FROM complete_to)::bigint, 0)"
    " FROM wallet_sync_metadata WHERE wallet_address = $1";
constexpr char kCount[] =
    "SELECT side, count(*), (sum(size) * 1000000)::bigint FROM trades_raw"
    " WHERE wallet_address = $1 AND traded_at <= to_timestamp($2::bigint) GROUP BY side";

// Shares bought of each token; not of conditions where shares came or went in other ways.
constexpr char kBought[] = R"sql(
SELECT t.token_id, (sum(t.size) * 1000000)::bigint FROM trades_raw t
 WHERE t.wallet_address = $1 AND t.side = 'BUY' AND t.traded_at <= to_timestamp($2::bigint)
 GROUP BY t.token_id)sql";
constexpr char kMoved[] =
    "SELECT k.token_id FROM wallet_activity a JOIN tokens k ON k.condition_id = a.condition_id"
    " WHERE a.wallet_address = $1 AND a.type IN ('SPLIT', 'CONVERSION', 'MIGRATION')";

struct BoughtDifference {
  std::string token;
  std::int64_t ours = 0;
  std::int64_t theirs = 0;
};

struct Finding {
  std::string wallet;
  std::int64_t complete_to = 0;
  WalletCount ours;
  WalletCount theirs;
  std::vector<BoughtDifference> bought;  // where positions say something else
  std::string trouble;                   // why it could not be compared

  bool is_good() const { return trouble.empty() && bought.empty() && ours.SameTrades(theirs); }
};

Result<std::vector<std::string>> ChooseWallets(const Options& options,
                                               common::PgConnection& connection) {
  std::vector<std::string> wallets;
  WalletList list;
  for (const std::string& wallet : options.wallets) list.Add(wallet, "argument");
  for (const common::WalletAddress& wallet : list.wallets) wallets.push_back(wallet.ToString());
  if (!wallets.empty()) return wallets;
  const int sample = options.sample > 0 ? options.sample : kDefaultSample;
  const auto rows = connection.Exec(kSample, PgParams().Int64(sample));
  if (!rows) return rows.error();
  for (int i = 0; i < rows->size(); ++i) wallets.emplace_back(rows->Text(i, 0));
  return wallets;
}

Result<WalletCount> CountOurs(common::PgConnection& connection, const std::string& wallet,
                              std::int64_t end) {
  const auto rows = connection.Exec(kCount, PgParams().Text(wallet).Int64(end));
  if (!rows) return rows.error();
  WalletCount count;
  for (int i = 0; i < rows->size(); ++i) {
    SideCount& side = rows->Text(i, 0) == "BUY" ? count.buys : count.sells;
    side = {rows->Int64(i, 1), rows->Int64(i, 2)};
  }
  return count;
}

// Positions that had an event later than what is synced say nothing of it.
Result<std::vector<BoughtDifference>> CompareBought(common::PgConnection& connection,
                                                    const std::string& data_url,
                                                    const std::string& wallet, std::int64_t end) {
  const auto theirs = BoughtUpstream(data_url, wallet);
  if (!theirs) return theirs.error();
  const auto rows = connection.Exec(kBought, PgParams().Text(wallet).Int64(end));
  const auto moved = connection.Exec(kMoved, PgParams().Text(wallet));
  if (!rows || !moved) return rows ? moved.error() : rows.error();
  std::map<std::string, std::int64_t> ours;
  for (int i = 0; i < rows->size(); ++i) ours[std::string(rows->Text(i, 0))] = rows->Int64(i, 1);
  std::set<std::string> left_out;
  for (int i = 0; i < moved->size(); ++i) left_out.emplace(moved->Text(i, 0));
  std::vector<BoughtDifference> differences;
  for (const auto& [token, shares] : *theirs) {
    if (shares.last_event_at > end || left_out.contains(token)) continue;
    constexpr std::int64_t kHundredth = 10'000;  // the upstream rounds
    const std::int64_t tolerance = kHundredth + shares.total / 10'000;
    if (std::abs(ours[token] - shares.total) <= tolerance) continue;
    differences.push_back({token, ours[token], shares.total});
  }
  return differences;
}

Finding Compare(common::PgConnection& connection, const std::string& data_url,
                const std::string& wallet) {
  Finding finding;
  finding.wallet = wallet;
  const auto state = connection.Exec(kCompleteTo, PgParams().Text(wallet));
  if (!state || state->empty() || state->Int64(0, 1) == 0) {
    finding.trouble = !state           ? state.error().message
                      : state->empty() ? "not known here"
                                       : "not complete to any instant yet";
    return finding;
  }
  finding.complete_to = state->Int64(0, 1);
  const auto ours = CountOurs(connection, wallet, finding.complete_to);
  const auto theirs = CountUpstream(data_url, wallet, finding.complete_to);
  if (!ours || !theirs) {
    finding.trouble = !ours ? ours.error().message : "the Data API: " + theirs.error().message;
    return finding;
  }
  finding.ours = *ours;
  finding.theirs = *theirs;
  auto bought = CompareBought(connection, data_url, wallet, finding.complete_to);
  if (bought) {
    finding.bought = std::move(*bought);
  } else {
    finding.trouble = "positions: " + bought.error().message;
  }
  return finding;
}

std::string Difference(const char* side, const SideCount& ours, const SideCount& theirs) {
  if (ours == theirs) return "";
  return fmt::format("  {}: {} trades of {} shares here, {} of {} there", side,
                     Grouped(ours.trades), common::FormatMillionths(ours.size),
                     Grouped(theirs.trades), common::FormatMillionths(theirs.size));
}

void PrintFinding(const Finding& finding) {
  if (!finding.trouble.empty()) {
    Print(fmt::format("{}  {}  {}", finding.wallet, Yellow("not compared"), finding.trouble));
    return;
  }
  const std::int64_t trades = finding.ours.buys.trades + finding.ours.sells.trades;
  Print(fmt::format("{}  {}  {} trades up to {} UTC", finding.wallet,
                    finding.is_good() ? Green("same") : Red("differs"), Grouped(trades),
                    Utc(finding.complete_to)));
  for (const std::string& line : {Difference("BUY ", finding.ours.buys, finding.theirs.buys),
                                  Difference("SELL", finding.ours.sells, finding.theirs.sells)}) {
    if (!line.empty()) Print(line);
  }
  for (const BoughtDifference& one : finding.bought) {
    Print(fmt::format("  bought {} shares of {} here, {} by its position",
                      common::FormatMillionths(one.ours), one.token,
                      common::FormatMillionths(one.theirs)));
  }
}

void PrintCondition(const ConditionFinding& finding) {
  if (!finding.trouble.empty()) {
    Print(fmt::format("{}  {}  {}", finding.condition, Yellow("not compared"), finding.trouble));
    return;
  }
  Print(fmt::format("{}  {}  {} trades, volume {} USD", finding.condition,
                    finding.is_good() ? Green("same") : Red("differs"),
                    Grouped(finding.ours.trades), common::FormatMillionths(finding.volume)));
  if (!(finding.ours == finding.theirs)) {
    Print(fmt::format("  {} trades of {} shares here, {} of {} there", Grouped(finding.ours.trades),
                      common::FormatMillionths(finding.ours.size), Grouped(finding.theirs.trades),
                      common::FormatMillionths(finding.theirs.size)));
  }
  if (!AgreesWithVolume(finding.usdc, finding.volume)) {
    Print(fmt::format("  {} USD of all wallets are less than the volume",
                      common::FormatMillionths(finding.usdc)));
  }
}

nlohmann::json ToJson(const ConditionFinding& finding) {
  return {{"condition", finding.condition},
          {"same", finding.is_good()},
          {"trouble", finding.trouble},
          {"here",
           {{"trades", finding.ours.trades},
            {"size", common::FormatMillionths(finding.ours.size)},
            {"usdc", common::FormatMillionths(finding.usdc)}}},
          {"there",
           {{"trades", finding.theirs.trades},
            {"size", common::FormatMillionths(finding.theirs.size)},
            {"volume", common::FormatMillionths(finding.volume)}}}};
}

nlohmann::json ToJson(const Finding& finding) {
  const auto count = [](const WalletCount& of) {
    return nlohmann::json{{"buys", of.buys.trades},
                          {"buy_size", common::FormatMillionths(of.buys.size)},
                          {"sells", of.sells.trades},
                          {"sell_size", common::FormatMillionths(of.sells.size)}};
  };
  nlohmann::json bought = nlohmann::json::array();
  for (const BoughtDifference& one : finding.bought) {
    bought.push_back({{"token", one.token},
                      {"here", common::FormatMillionths(one.ours)},
                      {"there", common::FormatMillionths(one.theirs)}});
  }
  return {{"wallet", finding.wallet},    {"complete_to", finding.complete_to},
          {"same", finding.is_good()},   {"trouble", finding.trouble},
          {"here", count(finding.ours)}, {"there", count(finding.theirs)},
          {"bought", std::move(bought)}};
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

// Conditions that were named, else a sample where wallets are not named either.
Result<std::vector<std::string>> ChooseConditions(const Options& options,
                                                  common::PgConnection& connection) {
  std::vector<std::string> conditions;
  for (const std::string& text : options.conditions) {
    conditions.push_back(common::ParseConditionId(text)->ToString());
  }
  if (!conditions.empty()) return conditions;
  int most = options.condition_sample;
  if (most < 0) most = !options.wallets.empty() ? 0 : std::max(options.sample, kDefaultSample);
  return SampleConditions(connection, most);
}

struct Audited {
  std::int64_t wallets = 0;
  std::int64_t good_wallets = 0;
  std::int64_t conditions = 0;
  std::int64_t good_conditions = 0;
  nlohmann::json all = nlohmann::json::array();

  bool is_good() const { return wallets == good_wallets && conditions == good_conditions; }
};

// False if a signal came.
bool AuditWallets(const Options& options, const std::string& data_url,
                  const std::vector<std::string>& wallets, common::PgConnection& connection,
                  common::Signals& signals, Audited& audited) {
  for (const std::string& wallet : wallets) {
    if (signals.Drain().stops > 0) return false;
    const Finding finding = Compare(connection, data_url, wallet);
    ++audited.wallets;
    audited.good_wallets += finding.is_good() ? 1 : 0;
    if (options.is_json) {
      audited.all.push_back(ToJson(finding));
    } else {
      PrintFinding(finding);
    }
  }
  return true;
}

void AuditConditions(const Options& options, const std::vector<ConditionFinding>& findings,
                     Audited& audited) {
  for (const ConditionFinding& finding : findings) {
    ++audited.conditions;
    audited.good_conditions += finding.is_good() ? 1 : 0;
    if (options.is_json) {
      audited.all.push_back(ToJson(finding));
    } else {
      PrintCondition(finding);
    }
  }
}

void PrintSummary(const Audited& audited) {
  if (audited.wallets > 0) {
    Print(fmt::format("{} of {} wallets are the same as at the Data API.",
                      Grouped(audited.good_wallets), Grouped(audited.wallets)));
  }
  if (audited.conditions > 0) {
    Print(fmt::format("{} of {} conditions are the same as at the Data API and Gamma.",
                      Grouped(audited.good_conditions), Grouped(audited.conditions)));
  }
}

// Whether it is time for the audit that begins by itself; then it is ours to do.
bool IsDue(const AdminClient& client) {
  const auto answer = client.Post("/api/admin/audit", R"({"claim":true})");
  return answer && nlohmann::json::parse(*answer, nullptr, false) == nlohmann::json{{"due", true}};
}

int AuditChosen(const Options& options, const StateDir& state, Audited& audited) {
  common::Signals signals;
  const auto database = DatabaseAccess::Open(state, options.database);
  if (!database) return Complain(kCannotStart, database.error().message);
  common::PgConnection& connection = (*database)->connection();
  const bool only_conditions = options.wallets.empty() && !options.conditions.empty();
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
  if (!AuditWallets(options, data_url, *wallets, connection, signals, audited)) {
    return kInterrupted;
  }
  const auto findings = CompareConditions(connection, data_url, gamma_url, *conditions);
  if (!findings) return Complain(kCannotStart, findings.error().message);
  AuditConditions(options, *findings, audited);
  if (options.is_json) {
    Print(audited.all.dump(2));
  } else {
    PrintSummary(audited);
  }
  return audited.is_good() ? kDone : kIncomplete;
}

}  // namespace

int Audit(const Options& options) {
  WalletList typed;
  for (const std::string& wallet : options.wallets) typed.Add(wallet, "argument");
  for (const std::string& complaint : typed.complaints) Complain(kUsage, complaint);
  if (!typed.complaints.empty()) return kUsage;
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const AdminClient client(*state, options.http);
  if (options.is_scheduled && !IsDue(client)) return kDone;
  const std::int64_t started_at = common::SystemClock().WallNow();
  Audited audited;
  const int code = AuditChosen(options, *state, audited);
  if (options.is_scheduled && (code == kDone || code == kIncomplete)) {
    const nlohmann::json outcome{
        {"started_at", started_at}, {"wallets", audited.wallets}, {"complete", code == kDone}};
    const auto noted = client.Post("/api/admin/audit", outcome.dump());
    if (!noted) return Complain(kCannotStart, noted.error().message);
  }
  return code;
}

}  // namespace cli
