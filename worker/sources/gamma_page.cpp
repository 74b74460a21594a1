#include "worker/sources/gamma_page.h"

#include <optional>
#include <string>
#include <utility>

#include "worker/sources/error_body.h"
#include "worker/sources/json_dom.h"

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

// Gamma keeps lists in strings that hold a JSON array; newer keys are arrays themselves.
std::vector<std::string> ListOf(dom::element market, std::string_view key) {
  dom::element value;
  if (market[key].get(value) != simdjson::SUCCESS) return {};
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return PlacesOf(value);
  dom::parser parser;
  dom::element list;
  if (parser.parse(text.data(), text.size()).get(list) != simdjson::SUCCESS) return {};
  return PlacesOf(list);
}

// What every event is tagged with says nothing of its category.
constexpr std::string_view kTagOfAll = "All";

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

void ReadEvent(dom::element market, store::MarketInfo& info) {
  dom::array events;
  if (market["events"].get_array().get(events) != simdjson::SUCCESS || events.size() == 0) return;
  const dom::element event = events.at(0).value();
  info.event_id = TextOf(event, "id");
  info.event_slug = TextOf(event, "slug");
  info.event_title = TextOf(event, "title");
  info.event_category = TextOf(event, "category");
  info.event_tags = TagLabels(event);
}

// The market's own category, else the event's, else the first label known of either.
std::string CategoryOf(dom::element market, const store::MarketInfo& info) {
  std::string own = TextOf(market, "category");
  if (!own.empty()) return own;
  if (!info.event_category.empty()) return info.event_category;
  for (const auto* labels : {&info.event_tags, &info.tags}) {
    for (const std::string& label : *labels) {
      if (label != kTagOfAll) return label;
    }
  }
  return {};
}

std::optional<store::MarketInfo> ReadMarket(dom::element market) {
  const auto condition = common::ParseConditionId(TextOf(market, "conditionId"));
  if (!condition) return std::nullopt;
  store::MarketInfo info;
  info.condition = *condition;
  info.gamma_id = TextOf(market, "id");
  info.slug = TextOf(market, "slug");
  info.question = TextOf(market, "question");
  info.tags = TagLabels(market);
  info.outcomes = ListOf(market, "outcomes");
  std::vector<std::string> tokens = ListOf(market, "clobTokenIds");
  if (tokens.empty()) tokens = ListOf(market, "positionIds");
  for (const std::string& text : tokens) {
    const auto token = common::TokenId::ParseDecimal(text);
    if (!token) return std::nullopt;  // a gap would shift the outcomes that follow
    info.tokens.push_back(*token);
  }
  // outcomes[i] is tokens[i]'s: lists that do not match tell nothing, and the CLOB is asked
  // instead.
  if (info.tokens.empty() || info.outcomes.size() != info.tokens.size()) return std::nullopt;
  info.neg_risk = FlagOf(market, "negRisk");
  info.closed = FlagOf(market, "closed");
  info.end_date = TextOf(market, "endDate");
  ReadEvent(market, info);
  info.category = CategoryOf(market, info);
  return info;
}

}  // namespace

common::Result<std::vector<store::MarketInfo>> ParseGammaMarkets(std::string_view body) {
  dom::parser parser;
  dom::element document;
  if (const auto code = parser.parse(body.data(), body.size()).get(document)) {
    return common::Error{
        common::ErrorKind::kTransient,
        std::string("Gamma's answer is no complete JSON: ") + simdjson::error_message(code)};
  }
  dom::array list;
  if (document.get_array().get(list) != simdjson::SUCCESS &&
      document["markets"].get_array().get(list) != simdjson::SUCCESS) {
    if (auto told = ParseErrorBody(body))
      return common::Error{common::ErrorKind::kTransient, told->message};
    return common::Error{common::ErrorKind::kTransient,
                         "Gamma's answer is no list of markets: " + Evidence(body)};
  }
  std::vector<store::MarketInfo> markets;
  for (const dom::element market : list) {
    if (auto info = ReadMarket(market)) markets.push_back(std::move(*info));
  }
  return markets;
}

}  // namespace worker::sources
