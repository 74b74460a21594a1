// The position of a walk that is under way: "2;<end>;<oldest refused>;<last second>;<hash of the
// last page>;<offset>;<fills of the last second>;<order>;<log index>;...;<pagination key>". Version
// 1 has no fills.
#include "worker/sources/dome.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "common/check.h"
#include "common/environment.h"
#include "worker/sources/dome_page.h"
#include "worker/sources/json_text.h"
#include "worker/sources/page_end.h"
#include "worker/sources/position_number.h"
#include "worker/sources/subgraph_events.h"
#include "worker/sources/tally.h"

namespace worker::sources {
namespace {

constexpr common::UnixSeconds kOverlap = 600;  // a refresh reads these seconds again

struct DomePosition {
  std::int64_t end = 0;  // the last second that is asked for, on every page; 0: not begun
  std::int64_t refused_at = 0;
  std::int64_t boundary = std::numeric_limits<std::int64_t>::max();
  std::int64_t hash = 0;
  std::int64_t offset = 0;
  // Of the fills in the last second, as far as their log indexes are told: the order with its
  // transaction, and the log index, in the order of the list.
  std::vector<std::pair<std::int64_t, std::int64_t>> fills;
  std::string key;
};

std::string Encode(const DomePosition& position) {
  std::string text =
      fmt::format("2;{};{};{};{};{};{};", position.end, position.refused_at, position.boundary,
                  position.hash, position.offset, position.fills.size());
  for (const auto& [order, log] : position.fills) text += fmt::format("{};{};", order, log);
  return text + position.key;
}

DomePosition Decode(std::string_view text) {
  DomePosition position;
  const auto version = TakeNumber(text);
  if (!version || *version < 1 || *version > 2) return {};
  for (std::int64_t* number : {&position.end, &position.refused_at, &position.boundary,
                               &position.hash, &position.offset}) {
    const auto value = TakeNumber(text);
    if (!value) return {};
    *number = *value;
  }
  const auto fills = version == 1 ? 0 : TakeNumber(text);
  if (!fills) return {};
  for (std::int64_t i = 0; i < *fills; ++i) {
    const auto order = TakeNumber(text);
    const auto log = TakeNumber(text);
    if (!order || !log) return {};
    position.fills.emplace_back(*order, *log);
  }
  position.key = text;
  return position;
}

common::UnixSeconds AskedFrom(const common::Cursor& cursor) {
  const common::UnixSeconds again = cursor.complete_to == 0 ? 1 : cursor.complete_to + 1 - kOverlap;
  return std::max({common::UnixSeconds{1}, cursor.owned_from, again});
}

// The last second to ask for: an archive may end before the first second that is wanted, and an
// upside-down span would be refused.
common::UnixSeconds AskedTo(const DomePosition& position, const common::Cursor& cursor,
                            common::UnixSeconds horizon) {
  return position.end != 0 ? position.end : std::max(horizon, AskedFrom(cursor));
}

// What identifies the page's rows, to know a repeated one; never negative.
std::int64_t HashOf(const DomePage& page) {
  StableHash hash;
  for (const DomeOrder& order : page.orders) {
    hash.Add(static_cast<std::uint64_t>(order.ts));
    if (!order.trade) continue;
    AddBytes(hash, order.trade.value().tx.bytes);
    hash.Add(static_cast<std::uint64_t>(order.trade.value().event_key));
  }
  return static_cast<std::int64_t>(hash.value() >> 1U);
}

// An order can be filled several times in one transaction, and a list that moves under its offset
// tells a fill twice. The first one keeps the order's key, as if there were no others.
void TellApart(DomePosition& position, common::Trade& trade) {
  if (!trade.log_index) return;
  StableHash hash;
  AddBytes(hash, trade.tx.bytes);
  hash.Add(static_cast<std::uint64_t>(trade.event_key));
  const auto order = static_cast<std::int64_t>(hash.value() >> 1U);
  std::uint64_t ordinal = 0;
  for (const auto& [other, log] : position.fills) {
    if (other != order) continue;
    if (log == *trade.log_index) break;
    ++ordinal;
  }
  const std::pair<std::int64_t, std::int64_t> fill(order, *trade.log_index);
  if (std::ranges::find(position.fills, fill) == position.fills.end()) {
    position.fills.push_back(fill);
  }
  if (ordinal == 0) return;
  hash.Add(ordinal);
  trade.event_key = static_cast<std::int64_t>(hash.value());
}

// Each token once, with what its rows tell of it.
std::vector<TokenHint> HintsOfOrders(const DomePage& page) {
  std::vector<common::TokenId> tokens;
  for (const DomeOrder& order : page.orders) {
    if (order.trade) tokens.push_back(order.hint.token);
  }
  std::vector<TokenHint> hints = HintsOf(std::move(tokens));
  for (const DomeOrder& order : page.orders) {
    const auto found = std::lower_bound(
        hints.begin(), hints.end(), order.hint.token,
        [](const TokenHint& hint, const common::TokenId& token) { return hint.token < token; });
    if (found == hints.end() || found->token != order.hint.token) continue;
    if (!found->condition) found->condition = order.hint.condition;
    if (found->outcome.empty()) found->outcome = order.hint.outcome;
  }
  return hints;
}

}  // namespace

std::string DomeKeyOfEnvironment() {
  return common::Variable("SEINE_DOME_KEY");
}

Dome::Dome(std::string base_url, const std::string& key)
    : base_url_(std::move(base_url)), json_(std::make_unique<JsonText>()) {
  const auto is_plain = [](char c) {
    return c > ' ' && c < 0x7f;
  };
  if (!std::all_of(key.begin(), key.end(), is_plain)) {
    throw std::invalid_argument("SEINE_DOME_KEY has characters that no key has");
  }
  if (!key.empty()) headers_.push_back("Authorization: Bearer " + key);
}

Dome::~Dome() = default;

HttpRequest Dome::RequestOf(std::string url) const {
  return {.endpoint = Endpoint::kDome, .url = std::move(url), .body = {}, .headers = headers_};
}

HttpRequest Dome::FreshnessRequest() const {
  return RequestOf(base_url_ + "/orders?limit=1");
}

// The newest second may go on, so it is not proven.
common::Result<common::UnixSeconds> Dome::ParseFreshness(std::string_view body,
                                                         common::UnixSeconds now) const {
  const common::Result<DomePage> page = ReadDomePage(*json_, body);
  if (!page) return page.error();
  if (page->orders.empty()) return Implausible("it holds no order");
  return std::min(now, page->orders.front().ts - 1);
}

HttpRequest Dome::PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                              common::UnixSeconds horizon) const {
  CHECK(cursor.source == id());
  const DomePosition position = Decode(cursor.position);
  std::string url = fmt::format("{}/orders?user={}&start_time={}&end_time={}&limit={}", base_url_,
                                wallet.ToString(), AskedFrom(cursor),
                                AskedTo(position, cursor, horizon), kDomePageSize);
  if (!position.key.empty()) {
    url += "&pagination_key=" + EscapeQuery(position.key);
  } else if (position.offset != 0) {
    url += fmt::format("&offset={}", position.offset);
  }
  return RequestOf(std::move(url));
}

common::Result<Page> Dome::ParsePage(const common::WalletAddress& wallet,
                                     const common::Cursor& cursor, common::UnixSeconds horizon,
                                     std::string_view body) const {
  CHECK(cursor.source == id());
  common::Result<DomePage> read = ReadDomePage(*json_, body);
  if (!read) return read.error();
  DomePosition position = Decode(cursor.position);
  position.end = AskedTo(position, cursor, horizon);
  const bool is_first = position.offset == 0;
  const std::int64_t hash = HashOf(*read);
  if (!is_first && read->orders.empty()) return Implausible("no orders although there were more");
  if (!is_first && hash == position.hash) return Implausible("it repeats");
  if (!is_first && read->has_more && !position.key.empty() &&
      read->pagination_key == position.key) {
    return Implausible("its key stands still");
  }
  Page page;
  for (const DomeOrder& order : read->orders) {
    if (order.user != wallet) return Implausible("an order of " + order.user.ToString());
    if (order.ts > position.boundary) return Implausible("its orders repeat or are not in order");
    if (order.ts > position.end || order.ts < AskedFrom(cursor)) {
      return Implausible("an order outside of the asked time");
    }
    if (order.ts != position.boundary) position.fills.clear();
    position.boundary = order.ts;
    if (order.trade) {
      page.trades.push_back(order.trade.value());
      TellApart(position, page.trades.back());
      continue;
    }
    page.refused.push_back(fmt::format("order at {}: {}", order.ts, order.trade.error().message));
    position.refused_at = order.ts;  // newest first, so this is the oldest
  }
  page.hints = HintsOfOrders(*read);
  page.next = cursor;
  if (read->has_more) {
    position.hash = hash;
    position.offset += static_cast<std::int64_t>(read->orders.size());
    position.key = std::move(read->pagination_key);
    page.next.position = Encode(position);
    return page;
  }
  page.last = true;
  page.next.position.clear();
  page.next.complete_to = std::max(cursor.complete_to, std::min(position.end, horizon));
  if (position.refused_at != 0) {
    page.next.complete_to = std::min(page.next.complete_to, position.refused_at - 1);
    page.shortfall = fmt::format("an order at {} cannot be a trade", position.refused_at);
  }
  return page;
}

}  // namespace worker::sources
