#include "cli/audit_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/format.h"
#include "cli/terminal.h"
#include "common/decimal.h"

namespace cli {
namespace {

std::string Difference(const char* side, const SideCount& ours, const SideCount& theirs) {
  if (ours == theirs) return "";
  return fmt::format("  {}: {} trades of {} shares here, {} of {} there", side,
                     Grouped(ours.trades), common::FormatMillionths(ours.size),
                     Grouped(theirs.trades), common::FormatMillionths(theirs.size));
}

void PrintFinding(const WalletFinding& finding) {
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

nlohmann::json ToJson(const WalletFinding& finding) {
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

}  // namespace

void AuditReport::Add(const WalletFinding& finding) {
  ++wallets_;
  good_wallets_ += finding.is_good() ? 1 : 0;
  if (is_json_) {
    all_.push_back(ToJson(finding));
  } else {
    PrintFinding(finding);
  }
}

void AuditReport::Add(const ConditionFinding& finding) {
  ++conditions_;
  good_conditions_ += finding.is_good() ? 1 : 0;
  if (is_json_) {
    all_.push_back(ToJson(finding));
  } else {
    PrintCondition(finding);
  }
}

void AuditReport::Finish() const {
  if (is_json_) return Print(nlohmann::json(all_).dump(2));
  if (wallets_ > 0) {
    Print(fmt::format("{} of {} wallets are the same as at the Data API.", Grouped(good_wallets_),
                      Grouped(wallets_)));
  }
  if (conditions_ > 0) {
    Print(fmt::format("{} of {} conditions are the same as at the Data API and Gamma.",
                      Grouped(good_conditions_), Grouped(conditions_)));
  }
}

}  // namespace cli
