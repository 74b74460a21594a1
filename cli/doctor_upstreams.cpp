#include "cli/doctor_upstreams.h"

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/format.h"
#include "cli/upstream_client.h"

namespace cli {
namespace {

constexpr double kMaxClockSkew_s = 30;
constexpr std::int64_t kMaxDataLag_s = 600;

void CheckClock(Findings& findings, const UpstreamAnswer& answer) {
  const auto date = ParseHttpDate(answer.date);
  if (!date) return;
  const double skew_s = std::fabs(std::difftime(std::time(nullptr), *date));
  if (skew_s > kMaxClockSkew_s) {
    findings.Say(Verdict::kWarn, fmt::format("this clock is {} off the Data API's", Span(skew_s)),
                 "set it (timedatectl set-ntp true): freshness is judged by it");
  } else {
    findings.Say(Verdict::kOk, "the clock agrees with the Data API's");
  }
}

// Prints reachability; returns the answer where it is worth reading.
std::optional<UpstreamAnswer> CheckReach(Findings& findings, const char* name,
                                         const std::string& url, const std::string& body = "",
                                         int expected = 200, const std::string& shown = "") {
  const auto answer = AskUpstream(url, body);
  if (!answer) {
    findings.Say(Verdict::kFail, fmt::format("{}: {}", name, answer.error().message),
                 "check the network, a proxy, or the URL's option");
    return std::nullopt;
  }
  if (answer->status == 429) {
    findings.Say(Verdict::kWarn, fmt::format("{} throttles us (429)", name), "lower --rate");
    return std::nullopt;
  }
  if (answer->status >= 500 || answer->status == 403) {
    findings.Say(Verdict::kFail, fmt::format("{} answers {}", name, answer->status),
                 answer->status == 403 ? "this address may be blocked" : "try again later");
    return std::nullopt;
  }
  if (answer->status != expected) {
    findings.Say(
        Verdict::kWarn,
        fmt::format("{} answers {} to {}", name, answer->status, shown.empty() ? url : shown),
        fmt::format("{} was expected; is the URL right?", expected));
    return std::nullopt;
  }
  findings.Say(Verdict::kOk, fmt::format("{} answers {} in {:.0f} ms", name, answer->status,
                                         answer->seconds * 1000));
  return *answer;
}

void CheckDataFreshness(Findings& findings, const UpstreamAnswer& answer) {
  const nlohmann::json status = nlohmann::json::parse(answer.body, nullptr, false);
  const nlohmann::json& inner =
      status.is_object() && status.contains("data") ? status["data"] : status;
  if (!inner.is_object() || !inner.contains("age_seconds")) return;
  double lag_s = inner.value("age_seconds", 0.0);
  if (inner.contains("serving") && inner["serving"].is_object()) {
    lag_s += inner["serving"].value("lag_seconds", 0.0);
  }
  if (lag_s > kMaxDataLag_s) {
    findings.Say(Verdict::kWarn, "the Data API is " + Span(lag_s) + " behind",
                 "wallets become complete only up to then");
  } else {
    findings.Say(Verdict::kOk, "the Data API is " + Span(lag_s) + " behind");
  }
}

void CheckSubgraphFreshness(Findings& findings, const UpstreamAnswer& answer) {
  const nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
  if (!body.is_object() || body.contains("errors") || !body.contains("data")) {
    findings.Say(Verdict::kWarn, "the subgraph answers with errors",
                 "only --source subgraph needs it");
    return;
  }
  const nlohmann::json& events = body["data"].value("orderFilledEvents", nlohmann::json::array());
  if (events.empty() || !events[0].contains("timestamp")) return;
  const std::int64_t newest = std::atoll(events[0]["timestamp"].get<std::string>().c_str());
  findings.Say(Verdict::kOk, "the subgraph's newest fill is of " + Utc(newest) +
                                 " UTC (a closed archive since 2026-04-28)");
}

void CheckNode(Findings& findings, const std::string& url) {
  const std::optional<std::string> origin = PublicOrigin(url);
  if (!origin) {
    findings.Say(Verdict::kFail, "--rpc-url is no http or https URL");
    return;
  }
  const auto answer = CheckReach(
      findings, "RPC node", url,
      R"({"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]})", 200, *origin);
  if (!answer) return;
  const nlohmann::json body = nlohmann::json::parse(answer->body, nullptr, false);
  if (body.is_object() && body.contains("result") && body["result"].is_string()) return;
  findings.Say(Verdict::kWarn, "the RPC node at " + *origin + " tells no block number",
               "is the URL right, and does its key allow eth_blockNumber?");
}

}  // namespace

void CheckUpstreams(Findings& findings, const std::map<std::string, std::string>& urls) {
  const auto url = [&](const char* variable, const char* real) {
    const auto at = urls.find(variable);
    return at != urls.end() ? at->second : std::string(real);
  };
  if (const auto answer =
          CheckReach(findings, "Data API",
                     url("SEINE_DATA_URL", "https://data-api.polymarket.com/v2") + "/status")) {
    CheckClock(findings, *answer);
    CheckDataFreshness(findings, *answer);
  }
  CheckReach(findings, "Gamma",
             url("SEINE_GAMMA_URL", "https://gamma-api.polymarket.com") +
                 "/markets/keyset?limit=1&closed=false");
  CheckReach(findings, "CLOB",
             url("SEINE_CLOB_URL", "https://clob.polymarket.com") + "/markets-by-token/1", "", 404);
  if (const auto answer = CheckReach(
          findings, "subgraph",
          url("SEINE_SUBGRAPH_URL",
              "https://api.goldsky.com/api/public/project_cl6mb8i9h0003e201j6li0diw/subgraphs/"
              "orderbook-subgraph/0.0.1/gn"),
          R"({"query":"{ orderFilledEvents(first: 1, orderBy: timestamp, orderDirection: desc) { timestamp } }"})")) {
    CheckSubgraphFreshness(findings, *answer);
  }
  if (const auto node = urls.find("SEINE_RPC_URL"); node != urls.end()) {
    CheckNode(findings, node->second);
  }
}

}  // namespace cli
