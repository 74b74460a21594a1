#include "sim/market_builder.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/random.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::uint64_t kMarketStream = 6;
constexpr std::uint64_t kConditionHash = 7;
constexpr std::uint64_t kQuestionHash = 8;
constexpr std::uint64_t kTokenHash = 9;
constexpr std::uint64_t kGroupHash = 10;
constexpr common::UnixSeconds kDay = 86'400;
constexpr std::string_view kIcon = "https://polymarket-upload.s3.us-east-2.amazonaws.com/";

struct Topic {
  const char* label;
  const char* slug;
};
// The first eight are categories, the others mere tags.
constexpr std::array<Topic, 12> kTopics = {{{"Politics", "politics"},
                                            {"Sports", "sports"},
                                            {"Crypto", "crypto"},
                                            {"Finance", "finance"},
                                            {"Tech", "tech"},
                                            {"Culture", "pop-culture"},
                                            {"World", "world"},
                                            {"Weather", "weather"},
                                            {"All", "all"},
                                            {"Recurring", "recurring"},
                                            {"Hide From New", "hide-from-new"},
                                            {"Breaking News", "breaking-news"}}};
constexpr std::uint64_t kCategories = 8;

constexpr std::array<const char*, 12> kPlaces = {"Dallas", "Karachi", "São Paulo", "Oslo",
                                                 "Lagos",  "Quito",   "Perth",     "Kyiv",
                                                 "Tunis",  "Lima",    "Osaka",     "Zürich"};
constexpr std::array<const char*, 10> kTeamNames = {
    "Falcons", "Harriers", "Kestrels", "Ospreys", "Magpies",
    "Rooks",   "Wrens",    "Shrikes",  "Larks",   "Team \"Zero\""};

enum class Style { kYesNo, kNoYes, kTeams, kUpDown };

class Builder {
 public:
  Builder(std::uint64_t seed, std::uint32_t positions_each, WorldParts& parts)
      : seed_(seed),
        positions_each_(positions_each),
        random_(Mix(seed, kMarketStream)),
        parts_(parts) {}

  void AddTags() {
    for (std::size_t i = 0; i < kTopics.size(); ++i) {
      parts_.tags.push_back({std::to_string(100 + i * 7), kTopics[i].label, kTopics[i].slug});
    }
  }

  // An event with one market, or a group of up to eight.
  void AddEvent(std::uint32_t most) {
    const bool group = most >= 3 && random_.Chance(1, 5);
    const auto count =
        group ? static_cast<std::uint32_t>(random_.Between(3, std::min<std::int64_t>(8, most)))
              : 1U;
    const auto number = static_cast<std::uint32_t>(parts_.events.size());
    Event event;
    event.id = std::to_string(20'000 + number * 3);
    SetLife(event);
    const std::uint64_t topic = random_.Below(kCategories);
    event.tags.push_back(static_cast<std::uint32_t>(topic));
    if (random_.Chance(1, 2)) event.tags.insert(event.tags.begin(), 8);  // "All" comes first
    if (random_.Chance(1, 3)) {
      event.tags.push_back(9 + static_cast<std::uint32_t>(random_.Below(3)));
    }
    if (group) event.neg_risk_market_id = Hex(MadeHash(seed_, kGroupHash, number));
    event.title = fmt::format("{} in {} #{}", kTopics[topic].label, Pick(kPlaces), number);
    event.slug = Slug(event.title);
    parts_.events.push_back(std::move(event));
    for (std::uint32_t i = 0; i < count; ++i) AddMarket(number, topic, i);
  }

 private:
  template <std::size_t N>
  const char* Pick(const std::array<const char*, N>& from) {
    return from[random_.Below(N)];
  }

  // A tenth of the events is open from the first day to the last.
  void SetLife(Event& event) {
    if (parts_.events.empty() || random_.Chance(1, 10)) {
      event.ends = kWorldEnd + 30 * kDay;
      return;
    }
    event.created = random_.Between(kWorldStart, kWorldEnd - 2 * kDay);
    event.ends = event.created + random_.Between(1, 200) * kDay;
    event.closed = event.ends < kWorldEnd;
  }

  void AddMarket(std::uint32_t event_number, std::uint64_t topic, std::uint32_t in_group) {
    const Event& event = parts_.events[event_number];
    const auto number = static_cast<std::uint32_t>(parts_.markets.size());
    Market market;
    market.id = std::to_string(500'000 + number * 11);
    Hash32 condition = MadeHash(seed_, kConditionHash, number);
    market.has_positions = positions_each_ > 0 && number % positions_each_ == positions_each_ - 1;
    if (market.has_positions) condition[0] = 0;
    market.condition_id = Hex(condition);
    market.question_id = Hex(MadeHash(seed_, kQuestionHash, number));
    market.event = event_number;
    market.created = event.created;
    market.ends = event.ends;
    if (event.closed) {
      market.closed_at = event.ends + random_.Between(0, 7200);
      market.winner = static_cast<std::int32_t>(random_.Below(2));
      if (random_.Chance(1, 50)) market.winner = -1;
    }
    market.neg_risk = !event.neg_risk_market_id.empty();
    if (event.created < kWorldStart + 200 * kDay && random_.Chance(1, 2)) {
      market.category = kTopics[topic].label;
    }
    constexpr std::array<std::int32_t, 4> kRates = {0, 50, 70, 72};
    market.fee_permille = kRates[random_.Below(4)];
    if (number > 0 && random_.Chance(3, 200)) market.known_by = KnownBy::kClob;
    if (number > 0 && random_.Chance(1, 150)) market.known_by = KnownBy::kNobody;
    Name(market, event, number, in_group);
    AddTokens(market, number);
    parts_.events[event_number].markets.push_back(number);
    parts_.markets.push_back(std::move(market));
  }

  void Name(Market& market, const Event& event, std::uint32_t number, std::uint32_t in_group) {
    const Style style = market.neg_risk ? Style::kYesNo : PickStyle();
    if (style == Style::kTeams) {
      const std::string first = Pick(kTeamNames);
      market.outcomes = {first, fmt::format("{} United", Pick(kPlaces))};
      market.question = fmt::format("{} vs. {} ({})", first, market.outcomes[1], number);
    } else if (style == Style::kUpDown) {
      market.outcomes = {"Up", "Down"};
      market.question = fmt::format("Bitcoin Up or Down - interval {}", number);
    } else {
      market.outcomes = {"Yes", "No"};
      if (style == Style::kNoYes) std::swap(market.outcomes[0], market.outcomes[1]);
      market.question =
          fmt::format("Will \"{}\" of {} happen in {}?", in_group + 1, event.title, Pick(kPlaces));
      if (market.neg_risk) market.group_item_title = fmt::format("Option {}", in_group + 1);
    }
    market.slug = fmt::format("{}-{}", Slug(market.question), number);
    market.icon = fmt::format("{}{}.jpg", kIcon, event.slug);
  }

  Style PickStyle() {
    const std::uint64_t draw = random_.Below(100);
    if (draw < 12) return Style::kNoYes;
    if (draw < 27) return Style::kTeams;
    return draw < 38 ? Style::kUpDown : Style::kYesNo;
  }

  void AddTokens(Market& market, std::uint32_t number) {
    for (std::uint32_t outcome = 0; outcome < 2; ++outcome) {
      common::TokenId id;
      id.bytes = MadeHash(seed_, kTokenHash, std::uint64_t{number} * 2 + outcome);
      market.tokens.push_back(static_cast<std::uint32_t>(parts_.tokens.size()));
      parts_.tokens.push_back({id.ToDecimal(), number, outcome});
    }
  }

  const std::uint64_t seed_;
  const std::uint32_t positions_each_;
  Random random_;
  WorldParts& parts_;
};

}  // namespace

void BuildMarkets(std::uint64_t seed, std::uint32_t markets, std::uint32_t positions_each,
                  WorldParts& parts) {
  Builder builder(seed, positions_each, parts);
  builder.AddTags();
  while (parts.markets.size() < markets) {
    builder.AddEvent(markets - static_cast<std::uint32_t>(parts.markets.size()));
  }
}

}  // namespace sim
