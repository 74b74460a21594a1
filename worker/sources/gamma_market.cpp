// Gamma keeps the lists of a market (clobTokenIds, outcomes, outcomePrices) in strings that hold a
// JSON array; newer keys (positionIds) are arrays themselves. Unknown keys are common and missing
// ones are normal. closedTime has a form of its own, see iso_time.h.
#include "worker/sources/gamma_market.h"

#include <algorithm>
#include <utility>

#include "worker/sources/iso_time.h"
#include "worker/sources/json_dom.h"
#include "worker/sources/row_number.h"

namespace worker::sources {
namespace {

namespace dom = simdjson::dom;

// The texts of a list, in their places; a member that is no text leaves its place empty.
std::vector<std::string> PlacesOf(dom::element list) {
  std::vector<std::string> places;
  dom::array array;
  if (list.get_array().get(array) != simdjson::SUCCESS) return places;
  for (const dom::element item : array) {
    std::string_view text;
    const bool is_text = item.get_string().get(text) == simdjson::SUCCESS;
    places.emplace_back(is_text ? text : std::string_view());
  }
  return places;
}

std::vector<std::string> TagLabels(dom::element holder) {
  std::vector<std::string> labels;
  dom::array tags;
  if (holder["tags"].get_array().get(tags) != simdjson::SUCCESS) return labels;
  for (const dom::element tag : tags) {
    std::string label = TextOf(tag, "label");
    if (!label.empty()) labels.push_back(std::move(label));
  }
  return labels;
}

common::UnixSeconds TimeOf(dom::element holder, std::string_view key) {
  return ParseIsoTime(TextOf(holder, key)).value_or(0);
}

// 0x and whole bytes of hex in lower case; empty where it is anything else.
std::string HexOf(dom::element holder, std::string_view key) {
  constexpr std::size_t kLongest = 66;
  std::string text = TextOf(holder, key);
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  const bool is_hex = text.size() > 2 && text.size() % 2 == 0 && text.size() <= kLongest &&
                      text.starts_with("0x") &&
                      text.find_first_not_of("0123456789abcdef", 2) == std::string::npos;
  return is_hex ? text : std::string();
}

// A market's volume is a text. An event's is a number, which JavaScript wrote, so that its shortest
// form is the very text that it had.
std::string DecimalOf(dom::element holder, std::string_view key) {
  std::string text = TextOf(holder, key);
  dom::element value;
  if (text.empty() && holder[key].get(value) == simdjson::SUCCESS && value.is_number()) {
    text = simdjson::minify(value);
  }
  const auto number = RowNumber::Parse(text);
  return number && number->Millionths() ? text : std::string();
}

void TakeEvent(const store::EventInfo& event, store::MarketInfo& market) {
  market.event_id = event.event_id;
  market.event_slug = event.slug;
  market.event_title = event.title;
  market.event_category = event.category;
  market.event_tags = event.tags;
}

std::string FirstLabel(const std::vector<std::string>& labels) {
  const auto known = std::find_if(labels.begin(), labels.end(), [](const std::string& label) {
    return label != store::kTagOfAll;
  });
  return known == labels.end() ? std::string() : *known;
}

// The market's own category, else the event's, else the first label of the event. Lists of markets
// tell no labels of events: the market's own ones serve until the event's are told.
void TakeCategory(const std::string& own, store::MarketInfo& info) {
  info.category = own.empty() ? info.event_category : own;
  if (info.category.empty()) info.category = FirstLabel(info.event_tags);
  if (!info.category.empty()) return;
  info.category = FirstLabel(info.tags);
  info.category_is_weak = true;
}

}  // namespace

std::vector<std::string> GammaReader::ListOf(dom::element market, std::string_view key) {
  dom::element value;
  if (market[key].get(value) != simdjson::SUCCESS) return {};
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return PlacesOf(value);
  dom::element list;
  if (lists_.parse(text.data(), text.size()).get(list) != simdjson::SUCCESS) return {};
  return PlacesOf(list);
}

// outcomes[i] is tokens[i]'s: a gap or another length would shift the outcomes that follow.
std::vector<common::TokenId> GammaReader::TokensOf(dom::element market, std::string_view key,
                                                   std::size_t outcomes) {
  const std::vector<std::string> texts = ListOf(market, key);
  std::vector<common::TokenId> tokens;
  for (const std::string& text : texts) {
    if (const auto token = common::TokenId::ParseDecimal(text)) tokens.push_back(*token);
  }
  if (texts.empty() || (tokens.size() == texts.size() && texts.size() == outcomes)) return tokens;
  mismatch_ = true;
  return {};
}

void GammaReader::ReadTokens(dom::element market, store::MarketInfo& info) {
  info.tokens = TokensOf(market, "clobTokenIds", info.outcomes.size());
  info.position_ids = TokensOf(market, "positionIds", info.outcomes.size());
  if (!info.tokens.empty() || info.position_ids.empty()) return;
  info.tokens = std::exchange(info.position_ids, {});
  info.era = store::TokenEra::kProtocolV2;
}

// Closed alone says nothing, and other prices than 1 and 0 are last prices, not payouts.
void GammaReader::ReadOutcome(dom::element market, store::MarketInfo& info) {
  if (!info.closed.value_or(false)) return;
  std::vector<std::int64_t> payouts;
  for (const std::string& text : ListOf(market, "outcomePrices")) {
    const auto price = RowNumber::Parse(text);
    // The digits are looked at, so that 0.9999999 is not rounded to 1.
    const bool is_one = price && price->is_exact && price->digits == 1 && price->exponent == 0;
    const bool is_zero = price && price->is_exact && price->digits == 0;
    if (!is_one && !is_zero) return;
    payouts.push_back(is_one ? store::kWholePayout : 0);
  }
  const auto winners = std::count(payouts.begin(), payouts.end(), store::kWholePayout);
  if (winners != 1 || payouts.size() != info.outcomes.size()) return;
  info.resolution =
      store::Resolution{store::ResolutionSource::kGamma, std::move(payouts), info.closed_at};
}

std::optional<store::MarketInfo> GammaReader::ReadMarket(dom::element market,
                                                         const store::EventInfo* event) {
  mismatch_ = false;
  const auto condition = common::ParseConditionId(TextOf(market, "conditionId"));
  if (!condition) return std::nullopt;
  store::MarketInfo info;
  info.condition = *condition;
  info.gamma_id = TextOf(market, "id");
  info.slug = TextOf(market, "slug");
  info.question = TextOf(market, "question");
  info.tags = TagLabels(market);
  info.outcomes = ListOf(market, "outcomes");
  ReadTokens(market, info);
  info.neg_risk = FlagOf(market, "negRisk");
  info.closed = FlagOf(market, "closed");
  info.end_date = TextOf(market, "endDate");
  info.group_title = TextOf(market, "groupItemTitle");
  info.question_id = HexOf(market, "questionID");
  info.neg_risk_market_id = HexOf(market, "negRiskMarketID");
  info.volume = DecimalOf(market, "volume");
  info.version = TextOf(market, "version");
  info.created_at = TimeOf(market, "createdAt");
  info.started_at = TimeOf(market, "startDate");
  info.closed_at = TimeOf(market, "closedTime");
  info.updated_at = TimeOf(market, "updatedAt");
  ReadOutcome(market, info);
  const std::string own = TextOf(market, "category");
  dom::array events;
  if (event != nullptr) {
    TakeEvent(*event, info);
  } else if (market["events"].get_array().get(events) == simdjson::SUCCESS && events.size() != 0) {
    TakeEvent(ReadEvent(events.at(0).value()), info);
  }
  TakeCategory(own, info);
  return info;
}

store::EventInfo GammaReader::ReadEvent(dom::element event) {
  store::EventInfo info;
  info.event_id = TextOf(event, "id");
  info.slug = TextOf(event, "slug");
  info.title = TextOf(event, "title");
  info.tags = TagLabels(event);
  info.category = TextOf(event, "category");
  info.neg_risk = FlagOf(event, "negRisk");
  info.closed = FlagOf(event, "closed");
  info.neg_risk_market_id = HexOf(event, "negRiskMarketID");
  info.end_date = TextOf(event, "endDate");
  info.volume = DecimalOf(event, "volume");
  info.created_at = TimeOf(event, "createdAt");
  info.started_at = TimeOf(event, "startDate");
  info.closed_at = TimeOf(event, "closedTime");
  info.updated_at = TimeOf(event, "updatedAt");
  return info;
}

}  // namespace worker::sources
