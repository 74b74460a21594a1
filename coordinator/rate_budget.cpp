#include "coordinator/rate_budget.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace coordinator {
namespace {

using common::Duration;
using common::Instant;
using common::SessionId;

// Shares of the limit that are divided evenly, whatever the demand.
constexpr double kFloorPart = 0.02;
// Shares are told twice a second; after this long a lowered one has been heard.
constexpr Duration kSettle = std::chrono::milliseconds(1500);
constexpr double kUnlimited = 1e6;
constexpr double kBurstSeconds = 0.2;
constexpr double kThrottledFactor = 0.7;
// So few refusals are of requests that were early by chance, at the edge of the upstream's window.
constexpr double kJitterPart = 0.005;
constexpr double kJitterFactor = 0.98;
constexpr double kLatelySeconds = 60;
constexpr double kLowestFactor = 0.05;
constexpr Duration kThrottledPause = std::chrono::seconds(5);  // between two lowerings
constexpr Duration kGrowthAfter = std::chrono::seconds(10);
constexpr double kGrowthPerSecond = 0.02;  // of the limit
constexpr double kSmoothing = 0.5;
// More requests waiting than this say no more than that a worker is busy.
constexpr double kMostWaiting = 8;
// A share is not lowered for less than this part of it: what it gives up lies idle for kSettle.
constexpr double kWorthLowering = 0.1;
constexpr double kStarving = 0.5;  // of what is due to a session

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::vector<EndpointLimit> DefaultLimits() {
  return {{"data_trades", 19.0}, {"data_other", 14.25}, {"gamma_markets", 28.5},
          {"gamma_other", 47.5}, {"clob", 850.0},       {"subgraph", 4.8},
          {"rpc", 25.0},         {"dome", 9.5}};
}

RateBudget::RateBudget(std::vector<EndpointLimit> limits) {
  for (EndpointLimit& limit : limits) endpoints_[limit.endpoint].per_s = limit.per_s;
}

void RateBudget::Join(SessionId session, Instant now) {
  for (auto& [name, endpoint] : endpoints_) {
    endpoint.holders.emplace(session, Holder{}).first->second.reported_at = now;
  }
  Divide(now);
}

void RateBudget::Leave(SessionId session, Instant now) {
  for (auto& [name, endpoint] : endpoints_) endpoint.holders.erase(session);
  Divide(now);
}

void RateBudget::Report(SessionId session, const std::vector<Use>& uses, Instant now) {
  for (const Use& use : uses) {
    const auto endpoint = endpoints_.find(use.endpoint);
    if (endpoint == endpoints_.end()) continue;
    const auto holder = endpoint->second.holders.find(session);
    if (holder == endpoint->second.holders.end()) continue;
    ReportOne(endpoint->second, holder->second, use, now);
  }
}

void RateBudget::ReportOne(Endpoint& endpoint, Holder& holder, const Use& use, Instant now) {
  const double elapsed_s = Seconds(now - holder.reported_at);
  // The first report may carry the history of an earlier session.
  if (holder.reported && use.requests >= holder.requests && elapsed_s > 0) {
    const auto asked = static_cast<double>(use.requests - holder.requests);
    holder.used_per_s += kSmoothing * (asked / elapsed_s - holder.used_per_s);
    endpoint.asked_lately =
        std::min(endpoint.asked_lately + asked, endpoint.per_s * kLatelySeconds);
  }
  if (holder.reported && use.throttled > holder.throttled) {
    Lower(endpoint, use.throttled - holder.throttled, now);
  }
  const double wanted =
      std::min(static_cast<double>(use.waiting), kMostWaiting) + holder.used_per_s;
  // Demand is believed at once when it rises, and slowly when it falls.
  holder.demand =
      wanted > holder.demand ? wanted : holder.demand + kSmoothing * (wanted - holder.demand);
  holder.requests = use.requests;
  holder.throttled = use.throttled;
  holder.reported_at = now;
  holder.reported = true;
}

void RateBudget::Lower(Endpoint& endpoint, std::uint64_t refused, Instant now) {
  const bool is_first = endpoint.throttled == 0;
  endpoint.throttled += refused;
  endpoint.refused_lately += static_cast<double>(refused);
  if (endpoint.factor < 1 && now - endpoint.lowered_at < kThrottledPause) return;
  const double by_chance = std::max(is_first ? 1.0 : 0.0, endpoint.asked_lately * kJitterPart);
  const double by = endpoint.refused_lately <= by_chance ? kJitterFactor : kThrottledFactor;
  endpoint.factor = std::max(kLowestFactor, endpoint.factor * by);
  endpoint.lowered_at = endpoint.grown_at = now;
  endpoint.asked_lately = endpoint.refused_lately = 0;
}

void RateBudget::Divide(Instant now) {
  for (auto& [name, endpoint] : endpoints_) {
    if (endpoint.factor < 1 && now - endpoint.lowered_at >= kGrowthAfter) {
      endpoint.factor =
          std::min(1.0, endpoint.factor + kGrowthPerSecond * Seconds(now - endpoint.grown_at));
    }
    endpoint.grown_at = now;
    DivideOne(endpoint, now);
  }
}

void RateBudget::DivideOne(Endpoint& endpoint, Instant now) {
  if (endpoint.per_s <= 0 || endpoint.holders.empty()) return;
  const double limit = endpoint.per_s * endpoint.factor;
  const auto count = static_cast<double>(endpoint.holders.size());
  double demand = 0;
  for (const auto& [session, holder] : endpoint.holders) demand += holder.demand;
  const double floor = limit * kFloorPart / count;
  const auto target = [&](const Holder& holder) {
    if (demand <= 0) return limit / count;
    return floor + limit * (1 - kFloorPart) * holder.demand / demand;
  };

  // Where one has next to nothing, or too much is out, every little is worth it.
  double told = 0;
  bool starves = false;
  for (const auto& [session, holder] : endpoint.holders) {
    told += holder.share;
    starves = starves || holder.share < target(holder) * kStarving;
  }
  const double worth = starves || told > limit ? 0 : kWorthLowering;
  double outstanding = 0;
  for (auto& [session, holder] : endpoint.holders) {
    const double wanted = target(holder);
    if (wanted < holder.share * (1 - worth)) {
      // One that is falling keeps its time: demand that fades away would put the end off for ever.
      if (holder.held <= holder.share) {
        holder.settling = wanted;
        holder.lowered_at = now;
      }
      holder.share = wanted;
    }
    if (holder.held > holder.share && now - holder.lowered_at >= kSettle) {
      holder.held = std::max(holder.share, holder.settling);
      holder.settling = holder.share;
      holder.lowered_at = now;
    }
    outstanding += holder.held;
  }
  const double free = std::max(0.0, limit - outstanding);
  double missing = 0;
  for (const auto& [session, holder] : endpoint.holders) {
    missing += std::max(0.0, target(holder) - holder.held);
  }
  if (missing <= 0) return;
  const double part = std::min(1.0, free / missing);
  for (auto& [session, holder] : endpoint.holders) {
    const double more = std::max(0.0, target(holder) - holder.held) * part;
    // What a session gave up and still counts is its own to take back.
    holder.share = std::max(holder.share, std::min(target(holder), holder.held + more));
    holder.held = std::max(holder.held, holder.share);
    holder.settling = std::max(holder.settling, holder.share);
  }
}

std::vector<RateBudget::Share> RateBudget::SharesOf(SessionId session) const {
  std::vector<Share> shares;
  for (const auto& [name, endpoint] : endpoints_) {
    const auto holder = endpoint.holders.find(session);
    if (holder == endpoint.holders.end()) continue;
    const double per_s = endpoint.per_s <= 0 ? kUnlimited : holder->second.share;
    shares.push_back({name, per_s, std::max(1.0, per_s * kBurstSeconds)});
  }
  return shares;
}

std::vector<RateBudget::Status> RateBudget::statuses() const {
  std::vector<Status> statuses;
  for (const auto& [name, endpoint] : endpoints_) {
    Status status{name, endpoint.per_s * endpoint.factor, 0, endpoint.throttled};
    for (const auto& [session, holder] : endpoint.holders) status.used_per_s += holder.used_per_s;
    statuses.push_back(status);
  }
  return statuses;
}

double RateBudget::Outstanding(const std::string& name) const {
  const auto endpoint = endpoints_.find(name);
  if (endpoint == endpoints_.end()) return 0;
  double sum = 0;
  for (const auto& [session, holder] : endpoint->second.holders) sum += holder.held;
  return sum;
}

}  // namespace coordinator
