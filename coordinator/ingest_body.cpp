#include "coordinator/ingest_body.h"

#include <algorithm>
#include <cctype>
#include <set>

#include <nlohmann/json.hpp>

namespace coordinator {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::Result;
using common::Status;
using nlohmann::json;

Error Wrong(const std::string& text) {
  return {ErrorKind::kRejected, text};
}

const std::set<std::string>& SourcesOf(const std::string& action) {
  static const std::set<std::string> kOfWallets = {"auto", "data-api", "subgraph", "rpc", "dome"};
  static const std::set<std::string> kOfRanges = {"subgraph", "rpc"};
  static const std::set<std::string> kOfBoth = {"auto", "data-api", "subgraph", "rpc"};
  static const std::set<std::string> kOfNone = {"auto"};
  if (action == "process") return kOfWallets;
  if (action == "range") return kOfRanges;
  return action == "refresh" || action == "full" ? kOfBoth : kOfNone;
}

bool TakesWallets(const std::string& action) {
  return action == "process" || action == "activity" || action == "positions";
}

Status CheckNames(const json& body) {
  static const std::set<std::string> kNames = {
      "action", "source", "selection", "wallets", "max_wallets", "all", "from", "to", "dry_run"};
  for (const auto& one : body.items()) {
    if (!kNames.contains(one.key())) return Wrong("unknown name: " + one.key().substr(0, 80));
  }
  return Done{};
}

Status ReadWord(const json& body, const char* name, std::string& word) {
  const auto found = body.find(name);
  if (found == body.end()) return Done{};
  if (!found->is_string()) return Wrong(std::string(name) + " is a text");
  word = found->get<std::string>();
  return Done{};
}

Status ReadTruth(const json& body, const char* name, bool& truth) {
  const auto found = body.find(name);
  if (found == body.end()) return Done{};
  if (!found->is_boolean()) return Wrong(std::string(name) + " is true or false");
  truth = found->get<bool>();
  return Done{};
}

Status ReadNumber(const json& body, const char* name, std::int64_t least,
                  std::optional<std::int64_t>& number) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return Done{};
  if (!found->is_number_integer() || found->get<std::int64_t>() < least) {
    return Wrong(std::string(name) + " is a number, " + std::to_string(least) + " or more");
  }
  number = found->get<std::int64_t>();
  return Done{};
}

Status ReadWallets(const json& body, IngestOrder& order) {
  const auto list = body.find("wallets");
  if (list == body.end()) return Done{};
  if (!order.is_dry || !list->is_array() || list->empty() || list->size() > kMostWalletsAtOnce) {
    return Wrong("wallets is a list of " + std::to_string(kMostWalletsAtOnce) +
                 " addresses at most, for a dry run; else hand them over and name the selection");
  }
  order.wallets.reserve(list->size());
  for (const json& one : *list) {
    const auto wallet =
        one.is_string() ? common::WalletAddress::Parse(one.get<std::string>()) : std::nullopt;
    if (!wallet) return Wrong("no wallet address: " + one.dump().substr(0, 80));
    order.wallets.push_back(*wallet);
  }
  return Done{};
}

Status CheckWallets(const RunWish& wish, bool names_wallets) {
  if (!wish.selection.empty() && !IsSelection(wish.selection)) {
    return Wrong("selection is 1 to 64 letters, digits, - or _");
  }
  const bool is_list = names_wallets || !wish.selection.empty();
  const int ways = (is_list ? 1 : 0) + (wish.all || wish.max_wallets > 0 ? 1 : 0);
  if (!TakesWallets(wish.action) && is_list) {
    return Wrong("a run of " + wish.action + " takes no selection");
  }
  const bool has_most = wish.action == "process" || wish.action == "refresh";
  if (!has_most && wish.max_wallets > 0) {
    return Wrong("a run of " + wish.action + " takes no max_wallets");
  }
  if (ways > 1) return Wrong("selection, and all or max_wallets, exclude each other");
  return Done{};
}

}  // namespace

bool IsSelection(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

Result<IngestOrder> ParseIngest(const std::string& text) {
  static const std::set<std::string> kActions = {"process", "markets",  "discover",  "refresh",
                                                 "range",   "activity", "positions", "full"};
  const json body = json::parse(text.empty() ? "{}" : text, nullptr, false);
  if (!body.is_object()) return Wrong("the body is not a JSON object");
  if (const Status known = CheckNames(body); !known) return known.error();
  IngestOrder order;
  if (const Status read = ReadTruth(body, "dry_run", order.is_dry); !read) return read.error();
  RunWish& wish = order.wish;
  wish.action.clear();
  if (const Status read = ReadWord(body, "action", wish.action); !read) return read.error();
  if (!kActions.contains(wish.action)) {
    return Wrong(
        "action is \"process\", \"markets\", \"discover\", \"refresh\", \"range\", \"activity\", "
        "\"positions\" or \"full\"");
  }
  const std::set<std::string>& sources = SourcesOf(wish.action);
  wish.source = sources.contains("auto") ? "auto" : "";
  if (const Status read = ReadWord(body, "source", wish.source); !read) return read.error();
  if (!sources.contains(wish.source)) {
    std::string names;
    for (const std::string& one : sources) names += (names.empty() ? "" : ", ") + one;
    return Wrong("source of " + wish.action + " is one of: " + names);
  }
  if (const Status read = ReadWord(body, "selection", wish.selection); !read) return read.error();
  // A slip there must not mean all wallets.
  if (wish.selection.empty() && body.contains("selection")) {
    return Wrong("selection is 1 to 64 letters, digits, - or _");
  }
  if (const Status read = ReadTruth(body, "all", wish.all); !read) return read.error();
  std::optional<std::int64_t> most;
  if (const Status read = ReadNumber(body, "max_wallets", 1, most); !read) return read.error();
  wish.max_wallets = most.value_or(0);
  if (const Status read = ReadNumber(body, "from", 0, wish.from); !read) return read.error();
  if (const Status read = ReadNumber(body, "to", 0, wish.to); !read) return read.error();
  if (wish.action != "range" && (wish.from || wish.to)) {
    return Wrong("only a range has from and to");
  }
  if (const Status read = ReadWallets(body, order); !read) return read.error();
  if (const Status good = CheckWallets(wish, !order.wallets.empty()); !good) return good.error();
  return order;
}

std::string EndpointOf(const RunWish& wish) {
  if (wish.action == "markets") return "gamma_markets";
  if (wish.action == "activity" || wish.action == "positions") return "data_other";
  return wish.source == "subgraph" || wish.source == "rpc" || wish.source == "dome" ? wish.source
                                                                                    : "data_trades";
}

}  // namespace coordinator
