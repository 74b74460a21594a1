// The routes under /sim: what the router tells of itself, and how it is told what to do.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/oracle.h"
#include "sim/oracle_rows.h"
#include "sim/router.h"
#include "sim/text.h"

namespace sim {
namespace {

using Json = nlohmann::json;

Response Plain(std::string text) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(text);
  return response;
}

// A number of 0 to a hundred million behind a key of a JSON object.
std::optional<std::int64_t> CountIn(const std::string& body, const char* key) {
  constexpr std::int64_t kMost = 100'000'000;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains(key) || !json[key].is_number_integer()) {
    return std::nullopt;
  }
  const auto count = json[key].get<std::int64_t>();
  return count < 0 || count > kMost ? std::nullopt : std::optional(count);
}

}  // namespace

Response Router::AnswerControl(const Request& request) {
  if (request.path == "/sim/healthz") return Plain("ok\n");
  if (request.path == "/sim/stats") return JsonResponse(200, StatsText());
  if (request.path == "/sim/wallets") return Plain(WalletsText(world_, false));
  if (request.path == "/sim/oracle") return TellOracle(request);
  if (request.path == "/sim/close" && request.method == "POST") return CloseMarkets(request);
  if (request.path == "/sim/reorg" && request.method == "POST") return Reorganise(request);
  if (request.path == "/sim/live" && request.method == "POST") return ChangeLife(request);
  if (request.path == "/sim/faults" && request.method == "POST") return ChangeFaults(request.body);
  return JsonResponse(404, R"({"error":"no such route"})");
}

// ?what=trades&source=data-api, and ?wallet= as often as wanted.
Response Router::TellOracle(const Request& request) const {
  const auto what = ParseOracleSubject(request.Get("what").value_or("trades"));
  if (!what)
    return JsonResponse(
        400,
        R"({"error":"what is trades, wallets, markets, events, tokens, activity or positions"})");
  const auto source = common::ParseSource(request.Get("source").value_or("data-api"));
  if (!source) {
    return JsonResponse(400, R"({"error":"source is data-api, subgraph, rpc or dome"})");
  }
  OracleQuestion question{*what, *source, std::nullopt};
  for (const std::string_view wallet : request.All("wallet")) {
    if (!question.wallets) question.wallets.emplace();
    question.wallets->push_back(ToLower(wallet));
  }
  return Plain(OracleText(world_, question));
}

// {"count":N}: resolves N open markets now, each of which was traded. The winner is the first
// outcome of one and the second of the next. Returns their conditions.
Response Router::CloseMarkets(const Request& request) {
  const auto count = CountIn(request.body, "count");
  if (!count) return JsonResponse(400, R"({"error":"count is a number of markets"})");
  Json closed = Json::array();
  for (std::uint32_t number = 0; number < world_.markets().size(); ++number) {
    const Market& market = world_.markets()[number];
    const bool can = market.closed_at == 0 && market.tokens.size() == 2 &&
                     market.known_by == KnownBy::kGammaAndClob && !world_.FillsIn(number).empty();
    if (!can || closed.size() >= static_cast<std::size_t>(*count)) continue;
    world_.Close(number, request.now, static_cast<std::int32_t>(closed.size() % 2));
    closed.push_back(market.condition_id);
  }
  return JsonResponse(200, Json{{"closed", closed}}.dump());
}

// {"depth":N}: the last N blocks are told as a fork, until {"depth":0}.
Response Router::Reorganise(const Request& request) {
  const auto depth = CountIn(request.body, "depth");
  if (!depth) return JsonResponse(400, R"({"error":"depth is a number of blocks"})");
  const auto [from, to] = rpc_.Fork(*depth, request.now);
  return JsonResponse(200, Json{{"from", from}, {"to", to}}.dump());
}

// {"growing":false} ends the fills of --live; "head_after_newest":N has the chain go on from there,
// as --rpc-head-after-newest does.
Response Router::ChangeLife(const Request& request) {
  const Json json = Json::parse(request.body, nullptr, false);
  if (!json.is_object() || !json.contains("growing") || !json["growing"].is_boolean()) {
    return JsonResponse(400, R"({"error":"growing is true or false"})");
  }
  grows_ = json["growing"].get<bool>();
  if (const auto blocks = CountIn(request.body, "head_after_newest")) {
    rpc_.StandBehindNewest(*blocks);
  }
  return JsonResponse(200, R"({"ok":true})");
}

// {"profile":"mild","faults":["503=0.2"],"latency_ms":N,"burst":N}; what is left out is as the
// profile has it, and the profile is none.
Response Router::ChangeFaults(std::string_view body) {
  const auto refuse = [](const std::string& message) {
    return JsonResponse(400, Json{{"error", message}}.dump());
  };
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return refuse("the body is not a JSON object");
  try {
    auto setting = ProfileSetting(json.value("profile", "none"));
    if (!setting) return refuse(setting.error().message);
    for (const auto& text : json.value("faults", std::vector<std::string>{})) {
      const auto added = AddFault(text, *setting);
      if (!added) return refuse(added.error().message);
    }
    setting->latency_ms = json.value("latency_ms", setting->latency_ms);
    setting->burst = json.value("burst", setting->burst);
    faults_.Set(*std::move(setting));
  } catch (const Json::exception& error) {
    return refuse(error.what());
  }
  return JsonResponse(200, R"({"ok":true})");
}

std::string Router::StatsText() const {
  Json requests = Json::object();
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    requests[ToString(static_cast<Endpoint>(i))] = requests_[i];
  }
  Json responses = Json::object();
  for (const auto& [status, count] : responses_) responses[std::to_string(status)] = count;
  Json faults = Json::object();
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    if (faults_.count(kind) > 0) faults[ToString(kind)] = faults_.count(kind);
  }
  return Json{{"requests", requests},
              {"responses", responses},
              {"faults", faults},
              {"rows", rows_},
              {"fills", world_.fills().size()},
              {"max_in_flight", max_in_flight_},
              {"over_limit", over_limit_}}
      .dump();
}

}  // namespace sim
