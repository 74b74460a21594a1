// Markets and events, as Gamma or the CLOB tells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"

namespace worker::store {

// Who told how a market ended, in order of authority.
enum class ResolutionSource : std::uint8_t { kChain = 1, kDataApi = 2, kClob = 3, kGamma = 4 };

// What a share of the only winner pays, in millionths.
inline constexpr std::int64_t kWholePayout = 1'000'000;

// A share of outcome i pays payouts[i] / sum of payouts; the sum is above zero.
struct Resolution {
  ResolutionSource source = ResolutionSource::kGamma;
  std::vector<std::int64_t> payouts;  // index-aligned with the market's outcomes
  common::UnixSeconds at = 0;         // 0: not told

  friend bool operator==(const Resolution&, const Resolution&) = default;
};

// kCtf: a position id of ConditionalTokens. kProtocolV2: a positionId of the PositionManager.
enum class TokenEra : std::uint8_t { kCtf = 1, kProtocolV2 = 2 };

// What every market and event is tagged with says nothing of its category.
inline constexpr std::string_view kTagOfAll = "All";

// A market with its event. What is not known is empty, zero or nothing.
struct MarketInfo {
  common::ConditionId condition;
  std::string gamma_id;
  std::string slug;
  std::string question;
  std::string category;
  bool category_is_weak = false;  // its own tags say so, in an order of theirs: others know better
  std::vector<std::string> tags;
  std::vector<std::string> outcomes;
  std::vector<common::TokenId> tokens;  // index-aligned with outcomes, or empty
  std::optional<bool> neg_risk;
  std::optional<bool> closed;
  std::string end_date;  // ISO 8601; empty: unknown
  std::string event_id;  // Gamma's; empty: none
  std::string event_slug;
  std::string event_title;
  std::string event_category;
  std::vector<std::string> event_tags;

  TokenEra era = TokenEra::kCtf;  // of `tokens`
  // The positionIds of a market that has CTF tokens as well: index-aligned with outcomes, or empty.
  std::vector<common::TokenId> position_ids;
  std::string group_title;         // what tells it from the other markets of its event
  std::string question_id;         // 0x and whole bytes of hex, lower case
  std::string neg_risk_market_id;  // the same, of the group
  std::string volume;              // a decimal that is not negative, as the upstream wrote it
  std::string version;             // Gamma's, "v2" for Protocol V2
  common::UnixSeconds created_at = 0;
  common::UnixSeconds started_at = 0;
  common::UnixSeconds closed_at = 0;
  common::UnixSeconds updated_at = 0;  // Gamma's own stamp
  std::optional<Resolution> resolution;
};

// An event by itself, from Gamma's list of events or beside a market.
struct EventInfo {
  std::string event_id;  // Gamma's
  std::string slug;
  std::string title;
  std::string category;
  std::vector<std::string> tags;
  std::optional<bool> neg_risk;
  std::optional<bool> closed;
  std::string neg_risk_market_id;
  std::string end_date;  // ISO 8601
  std::string volume;    // a decimal that is not negative
  common::UnixSeconds created_at = 0;
  common::UnixSeconds started_at = 0;
  common::UnixSeconds closed_at = 0;
  common::UnixSeconds updated_at = 0;
};

}  // namespace worker::store
