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

}  // namespace

Response Router::AnswerControl(const Request& request) {
  if (request.path == "/sim/healthz") return Plain("ok\n");
  if (request.path == "/sim/stats") return JsonResponse(200, StatsText());
  if (request.path == "/sim/wallets") return Plain(WalletsText(world_, false));
  if (request.path == "/sim/oracle") return TellOracle(request);
  if (request.path == "/sim/reorg" && request.method == "POST") return Reorganise(request);
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

// {"depth":N}: the last N blocks are told as a fork, until {"depth":0}.
Response Router::Reorganise(const Request& request) {
  constexpr std::int64_t kDeepest = 100'000'000;
  const Json json = Json::parse(request.body, nullptr, false);
  const bool is_number =
      json.is_object() && json.contains("depth") && json["depth"].is_number_integer() &&
      json["depth"].get<std::int64_t>() >= 0 && json["depth"].get<std::int64_t>() <= kDeepest;
  if (!is_number) return JsonResponse(400, R"({"error":"depth is a number of blocks"})");
  const auto [from, to] = rpc_.Fork(json["depth"].get<std::int64_t>(), request.now);
  return JsonResponse(200, Json{{"from", from}, {"to", to}}.dump());
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
