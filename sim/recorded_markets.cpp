#include "sim/recorded_markets.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/decimal.h"
#include "common/ids.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::uint64_t kConditionStream = 41;
constexpr std::uint64_t kTokenStream = 42;
// Above the ids that Gamma has given out so far.
constexpr std::uint64_t kFirstMadeId = 900'000'000;
constexpr std::uint32_t kNoToken = std::numeric_limits<std::uint32_t>::max();

// The instant a recording closed; a closed market is never told as an open one.
common::UnixSeconds ClosedAt(const JsonFields& market, std::string_view time) {
  if (TextOf(market, "closed") != "true") return 0;
  return std::max<common::UnixSeconds>(1, ParseTime(TextOf(market, time)));
}

// The name of the outcome that is not the told one.
std::string OtherOutcome(const std::string& told) {
  constexpr std::array<std::pair<const char*, const char*>, 4> kPairs = {
      {{"Yes", "No"}, {"No", "Yes"}, {"Up", "Down"}, {"Down", "Up"}}};
  for (const auto& [one, other] : kPairs) {
    if (told == one) return other;
  }
  return told.empty() ? "Yes" : "Other";
}

}  // namespace

MarketBook::MarketBook(WorldParts& parts) : parts_(parts) {
  parts_.events.emplace_back();  // the event of markets without one: it has no id
}

std::uint32_t MarketBook::AddMarket(Market market) {
  const auto number = static_cast<std::uint32_t>(parts_.markets.size());
  if (market.id.empty()) market.id = std::to_string(kFirstMadeId + number);
  if (market.slug.empty()) market.slug = fmt::format("unknown-{}", number);
  market.condition_id = ToLower(market.condition_id);
  market.tokens.assign(market.outcomes.size(), kNoToken);
  parts_.events[market.event].markets.push_back(number);
  markets_.emplace(market.condition_id, number);
  parts_.markets.push_back(std::move(market));
  return number;
}

std::uint32_t MarketBook::AddToken(std::uint32_t market, std::size_t outcome,
                                   const std::string& decimal) {
  const auto number = static_cast<std::uint32_t>(parts_.tokens.size());
  Market& owner = parts_.markets[market];
  if (outcome >= owner.tokens.size()) {
    owner.tokens.resize(outcome + 1, kNoToken);
    owner.outcomes.resize(outcome + 1);
  }
  parts_.tokens.push_back({decimal, market, static_cast<std::uint32_t>(outcome)});
  owner.tokens[outcome] = number;
  tokens_.emplace(decimal, number);
  return number;
}

void MarketBook::AddGamma(std::string_view raw) {
  const JsonFields fields = ReadFields(raw);
  if (markets_.count(ToLower(TextOf(fields, "conditionId"))) > 0) return;
  Market market;
  market.raw = raw;
  market.id = TextOf(fields, "id");
  market.condition_id = TextOf(fields, "conditionId");
  market.question_id = TextOf(fields, "questionID");
  market.slug = TextOf(fields, "slug");
  market.question = TextOf(fields, "question");
  market.category = TextOf(fields, "category");
  market.icon = TextOf(fields, "icon");
  market.group_item_title = TextOf(fields, "groupItemTitle");
  market.outcomes = ReadElements(TextOf(fields, "outcomes"));
  market.created = ParseTime(TextOf(fields, "createdAt"));
  market.ends = ParseTime(TextOf(fields, "endDate"));
  market.closed_at = ClosedAt(fields, "closedTime");
  market.neg_risk = TextOf(fields, "negRisk") == "true";
  const auto prices = ReadElements(TextOf(fields, "outcomePrices"));
  for (const std::string& price : prices) {
    market.prices.push_back(common::ParseMillionths(price).value_or(0));
  }
  const auto won = std::find(prices.begin(), prices.end(), "1");
  if (market.closed_at != 0 && won != prices.end()) {
    market.winner = static_cast<std::int32_t>(won - prices.begin());
  }
  const auto events = ReadElements(TextOf(fields, "events"));
  if (!events.empty()) market.event = EventFor(events.front());
  if (market.neg_risk) {
    parts_.events[market.event].neg_risk_market_id = TextOf(fields, "negRiskMarketID");
  }
  const auto tokens = ReadElements(TextOf(fields, "clobTokenIds"));
  market.outcomes.resize(tokens.size());
  market.prices.resize(tokens.size());
  const std::uint32_t number = AddMarket(std::move(market));
  for (std::size_t i = 0; i < tokens.size(); ++i) AddToken(number, i, tokens[i]);
}

std::uint32_t MarketBook::EventFor(std::string_view raw) {
  const JsonFields event = ReadFields(raw);
  const auto next = static_cast<std::uint32_t>(parts_.events.size());
  const auto [at, is_new] = events_.emplace(TextOf(event, "id"), next);
  if (!is_new) return at->second;
  Event added;
  added.raw = raw;
  added.id = TextOf(event, "id");
  added.slug = TextOf(event, "slug");
  added.title = TextOf(event, "title");
  added.created = ParseTime(TextOf(event, "startDate"));
  added.ends = ParseTime(TextOf(event, "endDate"));
  added.closed = TextOf(event, "closed") == "true";
  parts_.events.push_back(std::move(added));
  return next;
}

void MarketBook::AddClob(std::string_view raw) {
  const JsonFields fields = ReadFields(raw);
  if (markets_.count(ToLower(TextOf(fields, "condition_id"))) > 0) return;
  Market market;
  market.condition_id = TextOf(fields, "condition_id");
  market.question_id = TextOf(fields, "question_id");
  market.slug = TextOf(fields, "market_slug");
  market.question = TextOf(fields, "question");
  market.icon = TextOf(fields, "icon");
  market.ends = ParseTime(TextOf(fields, "end_date_iso"));
  market.closed_at = ClosedAt(fields, "end_date_iso");
  market.neg_risk = TextOf(fields, "neg_risk") == "true";
  market.known_by = KnownBy::kClob;
  // The CLOB knows tags, and no event: one without id holds them.
  market.event = static_cast<std::uint32_t>(parts_.events.size());
  Event event;
  event.neg_risk_market_id = TextOf(fields, "neg_risk_market_id");
  for (const std::string& label : ReadElements(TextOf(fields, "tags"))) {
    event.tags.push_back(TagFor(label));
  }
  parts_.events.push_back(std::move(event));
  std::vector<std::string> decimals;
  for (const std::string& element : ReadElements(TextOf(fields, "tokens"))) {
    const JsonFields token = ReadFields(element);
    if (TextOf(token, "winner") == "true") {
      market.winner = static_cast<std::int32_t>(decimals.size());
    }
    decimals.push_back(TextOf(token, "token_id"));
    market.outcomes.push_back(TextOf(token, "outcome"));
  }
  const std::uint32_t number = AddMarket(std::move(market));
  for (std::size_t i = 0; i < decimals.size(); ++i) {
    // Some markets of the first days have no tokens.
    if (!decimals[i].empty()) AddToken(number, i, decimals[i]);
  }
}

std::uint32_t MarketBook::TagFor(const std::string& label) {
  const auto next = static_cast<std::uint32_t>(parts_.tags.size());
  const auto [at, is_new] = tags_.emplace(label, next);
  if (is_new) parts_.tags.push_back({std::to_string(kFirstMadeId + next), label, Slug(label)});
  return at->second;
}

std::uint32_t MarketBook::MarketOf(const TokenHint& hint) {
  Market market;
  market.condition_id = hint.condition_id;
  if (market.condition_id.empty()) {
    market.condition_id = Hex(MadeHash(parts_.seed, kConditionStream, parts_.markets.size()));
  }
  const auto known = markets_.find(ToLower(market.condition_id));
  if (known != markets_.end()) return known->second;
  market.slug = hint.slug;
  market.question = hint.title;
  market.icon = hint.icon;
  market.outcomes.resize(2);
  market.known_by = KnownBy::kNobody;
  return AddMarket(std::move(market));
}

std::uint32_t MarketBook::TokenFor(const TokenHint& hint) {
  const auto known = tokens_.find(hint.decimal);
  if (known != tokens_.end()) return known->second;
  const std::uint32_t number = MarketOf(hint);
  const Market& market = parts_.markets[number];
  // A second outcome of its kind stands second; else the order of the recording counts.
  std::size_t outcome = hint.outcome == "No" || hint.outcome == "Down" ? 1 : 0;
  if (outcome >= market.tokens.size() || market.tokens[outcome] != kNoToken) {
    const auto free = std::find(market.tokens.begin(), market.tokens.end(), kNoToken);
    outcome = static_cast<std::size_t>(free - market.tokens.begin());
  }
  const std::uint32_t token = AddToken(number, outcome, hint.decimal);
  parts_.markets[number].outcomes[outcome] = hint.outcome;
  return token;
}

void MarketBook::Complete() {
  for (std::uint32_t number = 0; number < parts_.markets.size(); ++number) {
    for (std::size_t i = 0; i < parts_.markets[number].tokens.size(); ++i) {
      Market& market = parts_.markets[number];
      if (market.outcomes[i].empty()) {
        const std::size_t other = i == 0 ? 1 : 0;
        market.outcomes[i] =
            OtherOutcome(other < market.outcomes.size() ? market.outcomes[other] : "");
      }
      if (market.tokens[i] != kNoToken) continue;
      common::TokenId id;
      id.bytes = MadeHash(parts_.seed, kTokenStream, parts_.tokens.size());
      AddToken(number, i, id.ToDecimal());
    }
  }
}

}  // namespace sim
