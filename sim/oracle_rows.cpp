#include "sim/oracle_rows.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sim/amounts.h"
#include "sim/books.h"
#include "sim/oracle.h"
#include "sim/positions.h"
#include "sim/prices.h"
#include "sim/text.h"

namespace sim {
namespace {

using Lines = std::vector<std::string>;

constexpr std::array<std::string_view, 7> kSubjects = {"trades", "wallets",  "markets",  "events",
                                                       "tokens", "activity", "positions"};

bool IsKnown(const World& world, std::uint32_t market) {
  return world.markets()[market].known_by == KnownBy::kGammaAndClob;
}

std::string AddressOfWallet(const World& world, std::uint32_t wallet) {
  return Hex(world.wallets()[wallet].address.bytes);
}

std::vector<std::uint32_t> Traders(const World& world, const OracleQuestion& question) {
  std::vector<std::uint32_t> numbers;
  const auto add = [&](std::uint32_t wallet) {
    const bool is_user = world.wallets()[wallet].kind == WalletKind::kUser;
    if (is_user && !world.FillsOf(wallet).empty()) numbers.push_back(wallet);
  };
  if (!question.wallets) {
    for (std::uint32_t i = 0; i < world.wallets().size(); ++i) add(i);
    return numbers;
  }
  for (const std::string& address : *question.wallets) {
    if (const std::uint32_t* number = world.FindWallet(address)) add(*number);
  }
  return numbers;
}

std::string TagsOf(const World& world, const Event& event) {
  std::string text;
  for (const std::uint32_t tag : event.tags) {
    if (!text.empty()) text += '|';
    text += world.tags()[tag].label;
  }
  return text;
}

// Its own, else the first label of its event.
std::string CategoryOf(const World& world, const Market& market) {
  if (!market.category.empty()) return market.category;
  for (const std::uint32_t tag : world.events()[market.event].tags) {
    if (world.tags()[tag].label != "All") return world.tags()[tag].label;
  }
  return {};
}

Lines MarketLines(const World& world) {
  Lines lines;
  for (std::uint32_t number = 0; number < world.markets().size(); ++number) {
    if (!IsKnown(world, number)) continue;
    const Market& market = world.markets()[number];
    const Event& event = world.events()[market.event];
    lines.push_back(fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{:d}\t{:d}\t{}\t{}",
                                market.condition_id, market.id, market.question_id, market.slug,
                                event.id, CategoryOf(world, market), TagsOf(world, event),
                                market.neg_risk, market.closed_at != 0,
                                fmt::join(PayoutsOf(market), ","), world.VolumeOf(number)));
  }
  return lines;
}

Lines EventLines(const World& world) {
  Lines lines;
  for (const Event& event : world.events()) {
    const auto known = std::count_if(event.markets.begin(), event.markets.end(),
                                     [&](std::uint32_t market) { return IsKnown(world, market); });
    if (known == 0 || event.id.empty()) continue;
    lines.push_back(fmt::format("{}\t{}\t{}\t{}\t{:d}\t{}\t{}", event.id, event.slug, event.title,
                                event.neg_risk_market_id, event.closed, TagsOf(world, event),
                                known));
  }
  return lines;
}

Lines TokenLines(const World& world) {
  Lines lines;
  for (const Token& token : world.tokens()) {
    if (!IsKnown(world, token.market)) continue;
    const Market& market = world.markets()[token.market];
    lines.push_back(fmt::format("{}\t{}\t{}\t{}", token.decimal, market.condition_id, token.outcome,
                                market.outcomes[token.outcome]));
  }
  return lines;
}

Lines WalletLines(const World& world, const OracleQuestion& question) {
  Lines lines;
  for (const std::uint32_t wallet : Traders(world, question)) {
    lines.push_back(AddressOfWallet(world, wallet));
  }
  return lines;
}

Lines ActivityLines(const World& world, const OracleQuestion& question) {
  Lines lines;
  Books books(world);
  for (const std::uint32_t wallet : Traders(world, question)) {
    for (const ActivityRow& row : books.OfWallet(wallet).rows) {
      const bool is_tip = row.type == ActivityType::kTip;
      lines.push_back(
          fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", AddressOfWallet(world, wallet), row.ts,
                      Hex(TxHashOf(world, row)), ToString(row.type),
                      row.market == kNoMarket ? "" : world.markets()[row.market].condition_id,
                      !is_tip ? "" : (row.key % 2 == 0 ? "IN" : "OUT"), row.size, row.usdc));
    }
  }
  return lines;
}

std::string Rounded(std::int64_t millionths) {
  std::string text;
  AppendMillionths(text, RoundedToFour(millionths), false);
  return text;
}

Lines PositionLines(const World& world, const OracleQuestion& question) {
  Lines lines;
  Books books(world);
  for (const std::uint32_t wallet : Traders(world, question)) {
    for (const Position& position : PositionsOf(world, books.OfWallet(wallet).holdings)) {
      const Token& token = world.tokens()[position.token];
      lines.push_back(fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                                  AddressOfWallet(world, wallet), token.decimal,
                                  world.markets()[token.market].condition_id,
                                  ToString(position.status), position.size, position.bought,
                                  Rounded(position.average_price), Rounded(position.entry_cost),
                                  Rounded(position.current_price), Rounded(position.current_value),
                                  Rounded(position.realized), Rounded(position.unrealized)));
    }
  }
  return lines;
}

Lines LinesOf(const World& world, const OracleQuestion& question) {
  switch (question.what) {
    case OracleSubject::kTrades:
      return OracleLines(world, question.source, question.wallets);
    case OracleSubject::kWallets:
      return WalletLines(world, question);
    case OracleSubject::kMarkets:
      return MarketLines(world);
    case OracleSubject::kEvents:
      return EventLines(world);
    case OracleSubject::kTokens:
      return TokenLines(world);
    case OracleSubject::kActivity:
      return ActivityLines(world, question);
    case OracleSubject::kPositions:
      return PositionLines(world, question);
  }
  return {};
}

}  // namespace

std::optional<OracleSubject> ParseOracleSubject(std::string_view text) {
  const auto found = std::find(kSubjects.begin(), kSubjects.end(), text);
  if (found == kSubjects.end()) return std::nullopt;
  return static_cast<OracleSubject>(found - kSubjects.begin());
}

std::string OracleText(const World& world, const OracleQuestion& question) {
  Lines lines = LinesOf(world, question);
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text.append(line) += '\n';
  return text;
}

}  // namespace sim
