#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/database_access.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/recount.h"
#include "cli/terminal.h"
#include "cli/wallet_list.h"
#include "common/decimal.h"
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

struct Finding {
  std::string wallet;
  std::int64_t complete_to = 0;
  WalletCount ours;
  WalletCount theirs;
  std::string trouble;  // why it could not be compared

  bool is_good() const { return trouble.empty() && ours.SameTrades(theirs); }
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
}

nlohmann::json ToJson(const Finding& finding) {
  const auto count = [](const WalletCount& of) {
    return nlohmann::json{{"buys", of.buys.trades},
                          {"buy_size", common::FormatMillionths(of.buys.size)},
                          {"sells", of.sells.trades},
                          {"sell_size", common::FormatMillionths(of.sells.size)}};
  };
  return {{"wallet", finding.wallet},    {"complete_to", finding.complete_to},
          {"same", finding.is_good()},   {"trouble", finding.trouble},
          {"here", count(finding.ours)}, {"there", count(finding.theirs)}};
}

// What was typed, else what the running fleet uses, else the real service.
std::string DataUrl(const Options& options, const StateDir& state) {
  if (!options.data_url.empty()) return options.data_url;
  if (const auto settings = ReadFleetSettings(state)) {
    const auto at = settings->environment.find("SEINE_DATA_URL");
    if (at != settings->environment.end()) return at->second;
  }
  return "https://data-api.polymarket.com/v2";
}

}  // namespace

int Audit(const Options& options) {
  WalletList typed;
  for (const std::string& wallet : options.wallets) typed.Add(wallet, "argument");
  for (const std::string& complaint : typed.complaints) Complain(kUsage, complaint);
  if (!typed.complaints.empty()) return kUsage;
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  common::Signals signals;
  const auto database = DatabaseAccess::Open(*state, options.database);
  if (!database) return Complain(kCannotStart, database.error().message);
  common::PgConnection& connection = (*database)->connection();
  const auto wallets = ChooseWallets(options, connection);
  if (!wallets) return Complain(kCannotStart, wallets.error().message);
  if (wallets->empty()) return Complain(kDone, "no wallet is completed yet; nothing to audit");
  nlohmann::json all = nlohmann::json::array();
  std::int64_t good = 0;
  std::int64_t compared = 0;
  for (const std::string& wallet : *wallets) {
    if (signals.Drain().stops > 0) return kInterrupted;
    const Finding finding = Compare(connection, DataUrl(options, *state), wallet);
    ++compared;
    good += finding.is_good() ? 1 : 0;
    if (options.is_json) {
      all.push_back(ToJson(finding));
    } else {
      PrintFinding(finding);
    }
  }
  if (options.is_json) {
    Print(all.dump(2));
  } else {
    Print(fmt::format("{} of {} wallets are the same as at the Data API.", Grouped(good),
                      Grouped(compared)));
  }
  return good == compared ? kDone : kIncomplete;
}

}  // namespace cli
