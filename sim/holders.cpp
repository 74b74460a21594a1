#include "sim/holders.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/contracts.h"
#include "sim/data_api.h"
#include "sim/data_parameters.h"
#include "sim/data_rows.h"
#include "sim/list_page.h"
#include "sim/prices.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr const char* kHoldersEndpoint = "holders";
constexpr std::uint64_t kContractStream = 71;

// The adapter keeps tokens of converted positions, and now and then something lies in an exchange.
void AddContracts(const World& world, std::uint32_t number,
                  std::vector<std::vector<Holder>>& holders) {
  const Market& market = world.markets()[number];
  if (world.recorded() || world.FillsIn(number).empty() || holders.size() != 2) return;
  const std::uint64_t draw = DrawOf(market, kContractStream);
  const auto amount = static_cast<std::int64_t>(1 + draw % 5'000'000'000);
  const auto add = [&](const char* address, std::size_t outcome) {
    if (const std::uint32_t* wallet = world.FindWallet(address)) {
      holders[outcome].push_back({*wallet, amount});
    }
  };
  if (market.neg_risk) add(kNegRiskAdapter, 1);
  if (draw % 4 == 0) add(kExchanges[0], 0);
}

struct HoldersQuery {
  std::vector<std::uint32_t> markets;
  std::int64_t least = 1;
  std::int64_t limit = 100;
  std::optional<FeedPosition> after;
};

ParameterFailure ReadHoldersQuery(const World& world, const Request& request, HoldersQuery& query) {
  if (auto failure = RefuseOffset(request)) return failure;
  std::optional<std::vector<std::uint32_t>> markets;
  if (auto failure = ReadMarkets(world, request, markets)) return failure;
  if (!markets || request.Get("event_id")) {
    return ParameterError{"condition", "condition is required"};
  }
  query.markets = *std::move(markets);
  if (const auto text = request.Get("min_balance")) {
    const auto least = ParseMillionths(*text);
    if (!least) return ParameterError{"min_balance", "min_balance is not a number"};
    query.least = std::max<std::int64_t>(1, *least);
  }
  return ReadPage(world, request, kHoldersEndpoint, query.limit, query.after);
}

void AppendHolder(std::string& out, const World& world, const Token& token, const Holder& holder) {
  const Wallet& wallet = world.wallets()[holder.wallet];
  const bool is_user = wallet.kind == WalletKind::kUser;
  out += R"({"proxy_wallet":")";
  AppendHex(out, wallet.address.bytes);
  out += R"(","bio":"",)";
  AppendTextPair(out, "token_id", token.decimal);
  AppendTextPair(out, "pseudonym", is_user ? PseudonymOf(wallet) : "");
  AppendExactPair(out, "amount", holder.amount);
  out += is_user ? R"("display_username_public":true,)" : R"("display_username_public":false,)";
  out += "\"outcome_index\":";
  AppendInteger(out, token.outcome);
  out += ',';
  AppendTextPair(out, "name", is_user ? NameOf(holder.wallet) : "");
  out += R"("profile_image":"","profile_image_optimized":"","verified":false})";
}

struct Group {
  std::uint32_t token = 0;
  std::vector<Holder> holders;
};

std::vector<Group> GroupsOf(const World& world, const HoldersQuery& query, Books& books) {
  std::vector<Group> groups;
  for (const std::uint32_t market : query.markets) {
    auto holders = HoldersOf(world, market, books);
    for (std::size_t outcome = 0; outcome < holders.size(); ++outcome) {
      std::erase_if(holders[outcome],
                    [&](const Holder& holder) { return holder.amount < query.least; });
      groups.push_back({world.markets()[market].tokens[outcome], std::move(holders[outcome])});
    }
  }
  return groups;
}

}  // namespace

std::vector<std::vector<Holder>> HoldersOf(const World& world, std::uint32_t market, Books& books) {
  std::map<std::uint32_t, std::vector<std::int64_t>> amounts;
  const std::size_t outcomes = world.markets()[market].tokens.size();
  for (const HoldingOf& held : books.OfMarket(market)) {
    auto& of_wallet = amounts[held.wallet];
    of_wallet.resize(outcomes);
    of_wallet[world.tokens()[held.token].outcome] += held.holding.size;
  }
  std::vector<std::vector<Holder>> holders(outcomes);
  for (auto& [wallet, of_wallet] : amounts) {
    const std::int64_t pairs =
        outcomes == 2 ? std::min(of_wallet[0], of_wallet[1]) : std::int64_t{0};
    for (std::size_t i = 0; i < outcomes; ++i) {
      if (of_wallet[i] > pairs) holders[i].push_back({wallet, of_wallet[i] - pairs});
    }
  }
  AddContracts(world, market, holders);
  for (auto& of_outcome : holders) {
    std::sort(of_outcome.begin(), of_outcome.end(), [](const Holder& a, const Holder& b) {
      return std::pair(-a.amount, a.wallet) < std::pair(-b.amount, b.wallet);
    });
  }
  return holders;
}

// A page holds so many rows of each token; a token without rows left is not told any more.
Response AnswerHolders(const World& world, const Request& request, Books& books) {
  HoldersQuery query;
  if (const auto error = ReadHoldersQuery(world, request, query)) {
    return DataError(400, "invalid_request", error->message, error->parameter);
  }
  const auto groups = GroupsOf(world, query, books);
  std::size_t longest = 0;
  for (const Group& group : groups) longest = std::max(longest, group.holders.size());
  const bool is_start = !query.after || query.after->direction == FeedPosition::kStart;
  const auto at = std::min(
      longest, is_start ? std::size_t{0} : static_cast<std::size_t>(query.after->sequence));
  Response response;
  const auto anchor = [&](std::size_t index) {
    return FeedPosition{query.limit, 0, static_cast<std::int64_t>(index + 1)};
  };
  const ListPage page = CutPage(request, {world.seed(), kHoldersEndpoint, query.limit, query.after},
                                at, longest, anchor, response);
  std::string& out = response.body;
  out = "{\"data\":[";
  for (const auto& [token, holders] : groups) {
    if (page.begin >= std::min(page.end, holders.size())) continue;
    if (out.back() != '[') out += ',';
    out += '{';
    AppendTextPair(out, "token_id", world.tokens()[token].decimal);
    out += R"("holders":[)";
    for (std::size_t i = page.begin; i < std::min(page.end, holders.size()); ++i) {
      if (out.back() != '[') out += ',';
      AppendHolder(out, world, world.tokens()[token], holders[i]);
      ++response.rows;
    }
    out += "]}";
  }
  AppendPagination(out, query.limit, page.more, page.next);
  return response;
}

}  // namespace sim
