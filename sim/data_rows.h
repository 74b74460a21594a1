// How the Data API writes a fill, an activity and what belongs to a token or a wallet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/activity.h"
#include "sim/world.h"

namespace sim {

// The Data API's word for an outcome that is not labelled yet, or that there is none.
inline constexpr int kUnlabelledOutcome = 999;

class DataRows {
 public:
  explicit DataRows(const World& world) : world_(world), token_texts_(world.tokens().size()) {}

  // A row of /v2/trades.
  void AppendTrade(std::string& out, const Fill& fill);
  // Rows of /v2/activity.
  void AppendTradeActivity(std::string& out, const Fill& fill);
  void AppendActivity(std::string& out, std::uint32_t wallet, const ActivityRow& row) const;

 private:
  struct TokenText {
    std::string head;      // token and condition
    std::string labelled;  // title to outcome index
    std::string fresh;     // the same, before the labels have arrived
  };

  const TokenText& TextOf(std::uint32_t number);
  // Fills of the last hour have no labels yet.
  const std::string& Labels(const Fill& fill);

  const World& world_;
  std::vector<TokenText> token_texts_;  // each made when it is needed first
};

// `"key":12.5,`, as exact as it is; rounded to four decimals as money and prices are.
void AppendExactPair(std::string& out, std::string_view key, std::int64_t millionths);
void AppendRoundedPair(std::string& out, std::string_view key, std::int64_t millionths);

std::string NameOf(std::uint32_t wallet);
std::string PseudonymOf(const Wallet& wallet);
// name to profile_image_optimized, as all feeds end with.
void AppendProfile(std::string& out, const World& world, std::uint32_t wallet);

// What a BUY cost, or a SELL brought, with the fee.
std::int64_t UsdcWithFee(const Fill& fill);

}  // namespace sim
