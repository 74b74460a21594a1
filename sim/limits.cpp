#include "sim/limits.h"

#include <algorithm>
#include <cmath>

#include "common/options.h"

namespace sim {

common::Result<NamedLimit> ParseLimit(std::string_view text) {
  const std::size_t equals = text.find('=');
  const auto endpoint = ParseEndpoint(text.substr(0, equals));
  if (equals == std::string_view::npos || !endpoint) {
    return common::Error{common::ErrorKind::kRejected,
                         "'" + std::string(text) + "' names none of data_trades, data_other, " +
                             "gamma_markets, gamma_other, clob, subgraph, rpc, dome"};
  }
  if (text.substr(equals + 1) == "0") return NamedLimit{*endpoint, {}};
  const auto rate = common::ParseRate(text);
  if (!rate) return rate.error();
  return NamedLimit{*endpoint,
                    {std::llround(rate->count), std::max(1LL, std::llround(rate->seconds * 1000))}};
}

Limits::Verdict Limits::Ask(Endpoint endpoint, std::int64_t now_ms) {
  Window& window = windows_[Index(endpoint)];
  if (window.limit.count <= 0) return {0, 0};
  auto& admitted = window.admitted;
  while (!admitted.empty() && admitted.front() <= now_ms - window.limit.window_ms) {
    admitted.pop_front();
  }
  // The request comes through once the one `count` places before it has left the window.
  const auto count = static_cast<std::size_t>(window.limit.count);
  std::int64_t at_ms = now_ms;
  if (admitted.size() >= count) {
    at_ms = std::max(now_ms, admitted[admitted.size() - count] + window.limit.window_ms);
  }
  const std::int64_t wait_ms = at_ms - now_ms;
  if (wait_ms > queue_ms_) return {std::nullopt, (wait_ms + 999) / 1000};
  admitted.push_back(at_ms);
  return {wait_ms, 0};
}

std::array<Limit, kEndpoints> PublishedLimits() {
  constexpr std::int64_t kTenSeconds = 10'000;
  return {{{200, kTenSeconds},
           {150, kTenSeconds},  // the strictest of its routes: positions
           {300, kTenSeconds},
           {500, kTenSeconds},
           {9000, kTenSeconds},
           {50, kTenSeconds},
           {1000, kTenSeconds},  // as providers of nodes have it
           {500, kTenSeconds}}};
}

}  // namespace sim
