#include "sim/gamma_rows.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sim/market_builder.h"
#include "sim/prices.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::uint64_t kFormStream = 31;

void AppendFlag(std::string& out, std::string_view key, bool value) {
  AppendJsonString(out, key);
  out += value ? ":true," : ":false,";
}

// "[\"Yes\", \"No\"]": an array inside a string, with the blank that the real one has.
void AppendListText(std::string& out, std::string_view key, const std::vector<std::string>& list) {
  std::string inner = "[";
  for (const std::string& text : list) {
    if (inner.size() > 1) inner += ", ";
    AppendJsonString(inner, text);
  }
  AppendTextPair(out, key, inner + ']');
}

void AppendPositions(std::string& out, const std::vector<std::string>& positions) {
  out += R"("version":"v2","positionIds":[)";
  for (const std::string& position : positions) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, position);
  }
  out += "],";
}

std::string FineTime(common::UnixSeconds instant, std::uint64_t draw) {
  std::string text = IsoTime(instant);
  text.pop_back();
  return text + fmt::format(".{:06}Z", draw % 1'000'000);
}

// Resolved prices are 1 and 0, or equal shares; open ones are in thousandths.
std::vector<std::string> Prices(const Market& market) {
  std::vector<std::string> texts;
  for (const std::int64_t price : PricesOf(market))
    AppendMillionths(texts.emplace_back(), price, false);
  return texts;
}

void AppendTimes(std::string& out, const Market& market, std::uint64_t draw) {
  const common::UnixSeconds created = std::max(market.created, kWorldStart);
  AppendTextPair(out, "startDate", FineTime(created + 900, draw >> 8));
  AppendTextPair(out, "startDateIso", IsoDay(created + 900));
  AppendTextPair(out, "createdAt", FineTime(created, draw >> 12));
  AppendTextPair(out, "updatedAt", FineTime(std::max(market.closed_at, created) + 60, draw >> 16));
  if (draw % 100 != 0) {  // one in a hundred has no end
    AppendTextPair(out, "endDate", IsoTime(market.ends));
    AppendTextPair(out, "endDateIso", IsoDay(market.ends));
  }
  if (market.closed_at != 0) AppendTextPair(out, "closedTime", SpacedTime(market.closed_at));
}

void AppendFees(std::string& out, const Market& market) {
  AppendFlag(out, "feesEnabled", market.fee_permille > 0);
  if (market.fee_permille == 0) {
    out += R"("feeType":null,)";
    return;
  }
  out += fmt::format(
      R"("feeType":"taker_fees","feeSchedule":{{"exponent":1,"rate":0.{:03},"takerOnly":true,"rebateRate":0.25}},)",
      market.fee_permille);
}

void AppendGroup(std::string& out, const Market& market, const Event& event) {
  AppendFlag(out, "negRisk", market.neg_risk);
  AppendTextPair(out, "groupItemTitle", market.group_item_title);
  if (!market.neg_risk) return;
  AppendTextPair(out, "negRiskMarketID", event.neg_risk_market_id);
  AppendTextPair(out, "negRiskRequestID", market.question_id);
}

// Keys that nobody asked for, some of them only now and then.
void AppendUnasked(std::string& out, std::int64_t volume, std::uint64_t draw) {
  std::string amount;
  AppendMillionths(amount, volume, false);
  out += fmt::format(
      R"("volume":"{}","volumeNum":{},"liquidity":"{}","liquidityNum":{},"volumeClob":{},)", amount,
      amount, draw % 9973, draw % 9973, amount);
  out += R"("marketMakerAddress":"","new":false,"featured":false,"restricted":true,)"
         R"("enableOrderBook":true,"orderPriceMinTickSize":0.001,"orderMinSize":5,)"
         R"("hasReviewedDates":true,"umaBond":"500","umaReward":"5","cyom":false,)"
         R"("rewardsMaxSpread":3.5,"umaResolutionStatuses":"[]","rfqEnabled":false,)";
  if (draw % 3 == 0) out += R"("clobRewards":[{"id":"1","rewardsAmount":0}],"lastTradePrice":0.7,)";
  if (draw % 5 == 0) out += R"("comboStatus":{"eligible":false,"reasons":["size"]},)";
}

void AppendTags(std::string& out, const World& world, const std::vector<std::uint32_t>& tags) {
  out += '[';
  for (const std::uint32_t tag : tags) {
    if (out.back() != '[') out += ',';
    AppendGammaTag(out, world.tags()[tag]);
  }
  out += ']';
}

}  // namespace

const char* UmaStatus(const Market& market) {
  if (market.closed_at != 0) return "resolved";
  const std::uint64_t draw = (DrawOf(market, kFormStream) >> 20) % 400;
  if (draw == 0) return "disputed";
  return draw < 5 ? "proposed" : "";
}

void AppendGammaMarket(std::string& out, const World& world, const Market& market,
                       const MarketForm& form) {
  if (!market.raw.empty()) {
    out += market.raw;
    return;
  }
  const std::uint64_t draw = DrawOf(market, kFormStream);
  const Event& event = world.events()[market.event];
  std::vector<std::string> tokens;
  for (const std::uint32_t token : market.tokens) tokens.push_back(world.tokens()[token].decimal);
  out += '{';
  AppendTextPair(out, "id", market.id);
  AppendTextPair(out, "question", market.question);
  // Protocol V2 has ids of 31 bytes, and positions instead of tokens.
  AppendTextPair(out, "conditionId",
                 market.has_positions ? "0x" + market.condition_id.substr(4) : market.condition_id);
  AppendTextPair(out, "slug", market.slug);
  AppendTextPair(out, "icon", market.icon);
  AppendTextPair(out, "image", market.icon);
  AppendTextPair(out, "description",
                 "This market resolves to \"" + market.outcomes[0] + "\" or not.");
  AppendListText(out, "outcomes", market.outcomes);
  AppendListText(out, "outcomePrices", Prices(market));
  if (market.has_positions) {
    AppendPositions(out, tokens);
  } else {
    AppendListText(out, "clobTokenIds", tokens);
  }
  AppendTextPair(out, "questionID", market.question_id);
  if (!market.category.empty()) AppendTextPair(out, "category", market.category);
  AppendTimes(out, market, draw);
  AppendFlag(out, "active", true);  // stays so after closing
  AppendFlag(out, "closed", market.closed_at != 0);
  AppendFlag(out, "archived", false);
  AppendFlag(out, "acceptingOrders", market.closed_at == 0);
  if (*UmaStatus(market) != '\0') AppendTextPair(out, "umaResolutionStatus", UmaStatus(market));
  AppendGroup(out, market, event);
  AppendFees(out, market);
  const auto number = static_cast<std::uint32_t>(&market - world.markets().data());
  AppendUnasked(out, world.VolumeOf(number), draw);
  if (form.with_events && !event.id.empty()) {
    out += R"("events":[{)";
    AppendGammaEventFields(out, world, event);
    out += "}],";
  }
  if (form.with_tags) {
    out += R"("tags":)";
    AppendGammaTags(out, world, market);
    out += ',';
  }
  out.back() = '}';
}

common::UnixSeconds ClosedAt(const World& world, const Event& event) {
  common::UnixSeconds closed_at = 0;
  if (!event.closed) return closed_at;
  for (const std::uint32_t market : event.markets) {
    closed_at = std::max(closed_at, world.markets()[market].closed_at);
  }
  return closed_at;
}

std::int64_t VolumeOf(const World& world, const Event& event) {
  std::int64_t volume = 0;
  for (const std::uint32_t market : event.markets) volume += world.VolumeOf(market);
  return volume;
}

void AppendGammaEventFields(std::string& out, const World& world, const Event& event) {
  if (!event.raw.empty()) {
    out.append(event.raw, 1, event.raw.size() - 2);
    return;
  }
  const common::UnixSeconds created = std::max(event.created, kWorldStart);
  AppendTextPair(out, "id", event.id);
  AppendTextPair(out, "ticker", event.slug);
  AppendTextPair(out, "slug", event.slug);
  AppendTextPair(out, "title", event.title);
  AppendTextPair(out, "startDate", FineTime(created, event.id.size() * 257));
  AppendTextPair(out, "creationDate", FineTime(created, event.id.size() * 255));
  if (event.ends != 0) AppendTextPair(out, "endDate", IsoTime(event.ends));
  AppendFlag(out, "active", true);
  AppendFlag(out, "closed", event.closed);
  AppendFlag(out, "archived", false);
  AppendFlag(out, "showAllOutcomes", true);
  AppendFlag(out, "enableNegRisk", !event.neg_risk_market_id.empty());
  if (!event.neg_risk_market_id.empty()) {
    AppendFlag(out, "negRisk", true);
    AppendTextPair(out, "negRiskMarketID", event.neg_risk_market_id);
  }
  AppendTextPair(out, "createdAt", FineTime(created, event.id.size() * 253));
  const common::UnixSeconds closed_at = ClosedAt(world, event);
  AppendTextPair(out, "updatedAt",
                 FineTime(std::max(closed_at, created) + 60, event.id.size() * 251));
  if (closed_at != 0) AppendTextPair(out, "closedTime", IsoTime(closed_at));
  out += R"("volume":)";
  AppendMillionths(out, VolumeOf(world, event), false);
  out += R"(,"commentCount":26,"cumulativeMarkets":false)";
}

void AppendGammaTag(std::string& out, const Tag& tag) {
  out += '{';
  AppendTextPair(out, "id", tag.id);
  AppendTextPair(out, "label", tag.label);
  AppendTextPair(out, "slug", tag.slug);
  AppendTextPair(out, "createdAt", FineTime(kWorldStart, tag.label.size() * 3571));
  out += R"("requiresTranslation":false})";
}

void AppendGammaTags(std::string& out, const World& world, const Event& event) {
  AppendTags(out, world, event.tags);
}

void AppendGammaTags(std::string& out, const World& world, const Market& market) {
  const auto& tags = world.events()[market.event].tags;
  AppendTags(out, world, {tags.rbegin(), tags.rend()});
}

}  // namespace sim
