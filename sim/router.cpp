#include "sim/router.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "sim/text.h"

namespace sim {
namespace {

constexpr std::uint64_t kHtmlEach = 5;  // every so many refusals come from Cloudflare

Response CloudflarePage(int status, std::string_view title) {
  Response response;
  response.status = status;
  response.content_type = "text/html; charset=UTF-8";
  response.headers.emplace_back("Server", "cloudflare");
  response.body = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>{0}</title></head>\n"
      "<body><h1>Error {1}</h1><p>{0}</p><p>Cloudflare Ray ID: 8f00ba4</p></body></html>\n",
      title, status);
  return response;
}

// Bytes that no reader of JSON can take for anything else.
void Garble(std::string& body) {
  constexpr std::size_t kLength = 64;
  const std::size_t from = body.size() / 2;
  std::fill_n(body.begin() + static_cast<std::ptrdiff_t>(from),
              std::min(kLength, body.size() - from), static_cast<char>(0xff));
}

FaultSetting StartSetting(const ServeOptions& options) {
  auto setting = ProfileSetting(options.profile);
  if (!setting) throw std::runtime_error("--profile: " + setting.error().message);
  for (const std::string& text : options.faults) {
    const auto added = AddFault(text, *setting);
    if (!added) throw std::runtime_error("--fault: " + added.error().message);
  }
  if (options.latency_ms >= 0) setting->latency_ms = options.latency_ms;
  if (options.burst > 0) setting->burst = options.burst;
  return *setting;
}

}  // namespace

std::optional<Destination> Classify(std::string_view path) {
  const auto below = [path](std::string_view prefix) -> std::optional<std::string> {
    if (!path.starts_with(prefix)) return std::nullopt;
    const std::string_view rest = path.substr(prefix.size());
    if (!rest.empty() && rest.front() != '/') return std::nullopt;
    return rest.empty() ? "/" : std::string(rest);
  };
  if (auto rest = below("/data")) {
    const bool is_trades = *rest == "/v2/trades";
    return Destination{is_trades ? Endpoint::kDataTrades : Endpoint::kDataOther, *rest};
  }
  if (auto rest = below("/gamma")) {
    const bool is_markets = rest->starts_with("/markets");
    return Destination{is_markets ? Endpoint::kGammaMarkets : Endpoint::kGammaOther, *rest};
  }
  if (auto rest = below("/clob")) return Destination{Endpoint::kClob, *rest};
  if (auto rest = below("/rpc")) return Destination{Endpoint::kRpc, *rest};
  if (auto rest = below("/dome")) return Destination{Endpoint::kDome, *rest};
  if (auto rest = below("/subgraph")) return Destination{Endpoint::kSubgraph, *rest};
  return std::nullopt;
}

Router::Router(World& world, const ServeOptions& options)
    : world_(world),
      drip_ms_(options.drip_ms),
      hang_ms_(options.hang_ms),
      data_api_(world, options.cache_seconds),
      subgraph_(world),
      gamma_(world, options.unknown_after_seconds),
      clob_(world, options.unknown_after_seconds),
      rpc_(world, options.rpc),
      dome_(world),
      faults_(options.world.seed, StartSetting(options)) {
  if (options.profile != "none") {
    const auto published = PublishedLimits();
    for (std::size_t i = 0; i < kEndpoints; ++i) {
      limits_.Set(static_cast<Endpoint>(i), published[i]);
    }
  }
  constexpr std::int64_t kProfileQueueMs = 1000;
  const std::int64_t queue_ms = options.profile == "none" ? 0 : kProfileQueueMs;
  limits_.SetQueue(options.queue_ms >= 0 ? options.queue_ms : queue_ms);
  for (const std::string& text : options.limits) {
    const auto limit = ParseLimit(text);
    if (!limit) throw std::runtime_error("--limit: " + limit.error().message);
    limits_.Set(limit->endpoint, limit->limit);
  }
}

Reply Router::Answer(const HttpRequest& request, std::int64_t now_ms, common::UnixSeconds now) {
  ++in_flight_;
  Request parsed = ParseTarget(request.method, request.target);
  parsed.body = request.body;
  parsed.authorization = request.authorization;
  parsed.now = std::max(now, world_.newest());
  parsed.clock = now;
  if (parsed.path.starts_with("/sim/")) return {AnswerControl(parsed), {}};
  auto destination = Classify(parsed.path);
  if (!destination) return {JsonResponse(404, R"({"error":"no such upstream"})"), {}};
  max_in_flight_ = std::max(max_in_flight_, in_flight_);
  ++requests_[static_cast<std::size_t>(destination->endpoint)];
  parsed.path = std::move(destination->path);
  Reply reply = AnswerUpstream(destination->endpoint, std::move(parsed), request.target, now_ms);
  using How = WirePlan::How;
  const bool has_status = reply.plan.how != How::kReset && reply.plan.how != How::kHang;
  if (has_status) ++responses_[reply.response.status];
  if (has_status && reply.plan.how != How::kCut) rows_ += reply.response.rows;
  return reply;
}

Reply Router::AnswerUpstream(Endpoint endpoint, Request request, std::string_view target,
                             std::int64_t now_ms) {
  Reply reply;
  reply.plan.delay_ms = faults_.setting().latency_ms;
  const auto verdict = limits_.Ask(endpoint, now_ms);
  if (!verdict.delay_ms) {
    ++over_limit_;
    reply.response = Refused(endpoint, verdict.retry_after_s);
    return reply;
  }
  reply.plan.delay_ms += *verdict.delay_ms;
  const auto fault = faults_.Decide(endpoint, target, request.body);
  if (fault) request.page_fault = PageFaultOf(*fault, endpoint);
  reply.response = AskUpstream(endpoint, request);
  if (request.page_fault != PageFault::kNone) {
    if (reply.response.page_fault_done) faults_.Count(*fault);
  } else if (fault) {
    Spoil(*fault, endpoint, request.clock, reply);
  }
  return reply;
}

Response Router::AskUpstream(Endpoint endpoint, const Request& request) {
  switch (endpoint) {
    case Endpoint::kDataTrades:
    case Endpoint::kDataOther:
      return data_api_.Answer(request);
    case Endpoint::kSubgraph:
      return subgraph_.Answer(request);
    case Endpoint::kGammaMarkets:
    case Endpoint::kGammaOther:
      return gamma_.Answer(request);
    case Endpoint::kClob:
      return clob_.Answer(request);
    case Endpoint::kRpc:
      return rpc_.Answer(request);
    case Endpoint::kDome:
      return dome_.Answer(request);
  }
  return JsonResponse(404, R"({"error":"not found"})");
}

void Router::Spoil(FaultKind kind, Endpoint endpoint, common::UnixSeconds clock, Reply& reply) {
  Response& response = reply.response;
  WirePlan& plan = reply.plan;
  faults_.Count(kind);
  switch (kind) {
    case FaultKind::k429:
      response = Refused(endpoint, 1);
      break;
    case FaultKind::k503:
      response = CloudflarePage(503, "Service Temporarily Unavailable");
      break;
    case FaultKind::k522:
      response = CloudflarePage(522, "Connection timed out");
      break;
    case FaultKind::kErrors200:
      response = JsonResponse(
          200,
          endpoint == Endpoint::kRpc
              ? R"({"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error"}})"
              : R"({"errors":[{"message":"Store error: database unavailable"}]})");
      break;
    case FaultKind::kWrongContentType:
      response = CloudflarePage(200, "Just a moment...");
      break;
    case FaultKind::kGarbled:
      Garble(response.body);
      response.rows = 0;
      break;
    case FaultKind::kCut:
      plan.how = WirePlan::How::kCut;
      break;
    case FaultKind::kReset:
      plan.how = WirePlan::How::kReset;
      break;
    case FaultKind::kDrip:
      plan.how = WirePlan::How::kDrip;
      plan.duration_ms = drip_ms_;
      break;
    case FaultKind::kHang:
      plan.how = WirePlan::How::kHang;
      plan.duration_ms = hang_ms_;
      break;
    case FaultKind::kRetryAfterDate:
    case FaultKind::kRetryAfterAbsurd:
      response = RefusedOddly(kind, endpoint, clock);
      break;
    default:
      break;
  }
}

// By turns 429 and 503, and one absurd value after the other.
Response Router::RefusedOddly(FaultKind kind, Endpoint endpoint, common::UnixSeconds clock) {
  constexpr std::array<const char*, 6> kAbsurd = {
      "999999999", "-5", "soon", "1e400", "", "Fri, 31 Dec 9999 23:59:59 GMT"};
  const std::uint64_t turn = faults_.count(kind) - 1;
  Response response = (turn + turn / kAbsurd.size()) % 2 == 1
                          ? CloudflarePage(503, "Service Temporarily Unavailable")
                          : Refused(endpoint, 1);
  std::string pause =
      kind == FaultKind::kRetryAfterDate ? HttpTime(clock + 1) : kAbsurd[turn % kAbsurd.size()];
  std::erase_if(response.headers, [](const auto& header) { return header.first == "Retry-After"; });
  response.headers.emplace_back("Retry-After", std::move(pause));
  return response;
}

Response Router::Refused(Endpoint endpoint, std::int64_t retry_after_s) {
  Response response;
  if (++refusals_ % kHtmlEach == 0) {
    response = CloudflarePage(429, "You are being rate limited");
  } else if (endpoint == Endpoint::kDataTrades || endpoint == Endpoint::kDataOther) {
    response = DataError(429, "rate_limited", "too many requests", "");
  } else if (endpoint == Endpoint::kRpc) {
    response = JsonResponse(
        429,
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"request rate exceeded"}})");
  } else {
    response = JsonResponse(429, R"({"error":"Too Many Requests"})");
  }
  response.headers.emplace_back("Retry-After",
                                std::to_string(std::max<std::int64_t>(1, retry_after_s)));
  return response;
}

}  // namespace sim
