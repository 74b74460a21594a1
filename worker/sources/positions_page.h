// The Data API's /positions and /value: what a wallet holds, or held, as the upstream reckons it.
//
// Amounts are rounded by the upstream, and holdings below 0.1 share are left out: good for a second
// look at what trades add up to, never instead of them. Statuses overlap, so a wallet is walked by
// kOpen, kClosed and kLost, and whoever stores them takes each token once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "worker/http.h"
#include "worker/sources/page_end.h"

namespace worker::sources {

// kOpen has what can be redeemed, but not what is redeemable and worth nothing: that is kLost.
enum class PositionStatus : std::uint8_t { kOpen, kClosed, kLost };

// Of one wallet, or of one condition.
struct PositionsQuery {
  std::optional<common::WalletAddress> wallet = {};
  std::optional<common::ConditionId> condition = {};
  PositionStatus status = PositionStatus::kOpen;
};

// Amounts in millionths; nothing where the upstream does not tell.
struct Position {
  common::WalletAddress wallet;
  common::TokenId token;
  std::optional<common::ConditionId> condition;
  std::optional<std::int64_t> size;        // held now
  std::optional<std::int64_t> total_size;  // bought in all
  std::optional<std::int64_t> avg_price;
  std::optional<std::int64_t> entry_cost;
  std::optional<std::int64_t> entry_fees;
  std::optional<std::int64_t> current_price;
  std::optional<std::int64_t> current_value;
  std::optional<std::int64_t> realized_pnl;
  std::optional<std::int64_t> unrealized_pnl;
  std::string status;  // the upstream's own word
  std::string outcome;
  std::optional<int> outcome_index;
  common::UnixSeconds first_entry_at = 0;  // 0: not told
  common::UnixSeconds last_event_at = 0;
};

struct PositionsPage {
  std::vector<Position> positions;
  std::vector<std::string> refused;  // rows whose token cannot be read
  PageEnd end;
};

// `position` is what EncodePageEnd made of the page before; empty: the first page.
HttpRequest PositionsRequest(const std::string& data_url, const PositionsQuery& query,
                             std::string_view position);

// kTransient: an error body, no complete JSON, rows of another wallet or condition, a pagination
// that contradicts itself or stands still. kMalformed: a row lacks what identifies it, or an amount
// is no number.
common::Result<PositionsPage> ParsePositionsPage(const PositionsQuery& query,
                                                 std::string_view position, std::string_view body);

HttpRequest ValueRequest(const std::string& data_url, const common::WalletAddress& wallet);

// In millionths; nothing for a wallet that the upstream does not know.
common::Result<std::optional<std::int64_t>> ParseValue(const common::WalletAddress& wallet,
                                                       std::string_view body);

}  // namespace worker::sources
