#include "cli/wallet_choice.h"

#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/database_access.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/run_command.h"
#include "cli/terminal.h"

namespace cli {
namespace {

constexpr std::size_t kMaxShownComplaints = 1000;

bool PrintComplaints(const WalletList& list) {
  for (std::size_t i = 0; i < list.complaints.size() && i < kMaxShownComplaints; ++i) {
    Complain(kUsage, list.complaints[i]);
  }
  if (!list.complaints.empty()) {
    SayLine(Grouped(static_cast<std::int64_t>(list.complaints.size())) +
            " of the addresses cannot be used; nothing was started.");
  }
  return list.complaints.empty();
}

}  // namespace

bool NamesWallets(const Options& options) {
  return !options.wallets.empty() || !options.wallets_file.empty() ||
         !options.wallets_query.empty();
}

bool ReadWallets(const Options& options, WalletList& list) {
  for (const std::string& wallet : options.wallets) list.Add(wallet, "argument");
  if (options.wallets_file == "-") {
    list.AddLines(std::cin, "stdin");
  } else if (!options.wallets_file.empty()) {
    std::ifstream file(options.wallets_file);
    if (!file || std::filesystem::is_directory(options.wallets_file)) {
      Complain(kUsage, options.wallets_file + ": the file of --wallets cannot be read");
      return false;
    }
    list.AddLines(file, options.wallets_file);
  }
  if (!PrintComplaints(list)) return false;
  const bool is_file = !options.wallets_file.empty() && options.wallets_query.empty();
  if (!is_file || !list.wallets.empty()) return true;
  Complain(kUsage, options.wallets_file + " holds no address");
  return false;
}

std::optional<int> QueryWallets(const Options& options, const StateDir& state, WalletList& list) {
  if (options.wallets_query.empty()) return std::nullopt;
  const auto database = DatabaseAccess::Open(state, DatabaseOf(options, state));
  if (!database) return Complain(kCannotStart, database.error().message);
  common::PgConnection& connection = (*database)->connection();
  const auto begun = connection.ExecScript("BEGIN READ ONLY");
  if (!begun) return Complain(kCannotStart, begun.error().message);
  const auto rows = connection.Exec(options.wallets_query);
  if (!rows) return Complain(kUsage, "--wallets-query: " + rows.error().message);
  (void)connection.ExecScript("ROLLBACK");
  for (int i = 0; i < rows->size(); ++i) {
    std::string text(rows->IsNull(i, 0) ? "" : rows->Text(i, 0));
    if (text.starts_with("\\x")) text[0] = '0';  // a bytea
    list.Add(text, fmt::format("--wallets-query, row {}", i + 1));
  }
  if (!PrintComplaints(list)) return kUsage;
  if (list.wallets.empty()) return Complain(kUsage, "--wallets-query returned no address");
  return std::nullopt;
}

std::string DiscoveredBy(const Options& options) {
  if (!options.wallets_query.empty()) return "query";
  return options.wallets_file.empty() ? "list" : "file";
}

}  // namespace cli
