#include "coordinator/options.h"

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>

#include "common/options.h"

namespace coordinator {

namespace {

// Requests paced to the very limit are refused whenever one is early.
constexpr double kOfLimit = 0.98;

}  // namespace

common::Status SetLimit(const std::string& text, std::vector<EndpointLimit>& limits) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const auto limit = std::find_if(limits.begin(), limits.end(),
                                  [&](const auto& one) { return one.endpoint == name; });
  if (equals == std::string::npos || limit == limits.end()) {
    std::string names;
    for (const EndpointLimit& one : limits) names += " " + one.endpoint;
    return common::Error{common::ErrorKind::kRejected,
                         "'" + text + "' is not ENDPOINT=N/10s; endpoints:" + names};
  }
  if (text.substr(equals + 1) == "0") {
    limit->per_s = 0;
    return common::Done{};
  }
  const auto rate = common::ParseRate(text);
  if (!rate) return rate.error();
  limit->per_s = kOfLimit * rate->per_s();
  return common::Done{};
}

common::Status SetSchedule(const std::string& text, std::vector<common::ScheduleEntry>& schedule) {
  if (text == "off") {
    for (common::ScheduleEntry& one : schedule) one.every_s = 0;
    return common::Done{};
  }
  const auto entry = common::ParseSchedule(text);
  if (!entry) return entry.error();
  for (common::ScheduleEntry& one : schedule) {
    if (one.name == entry->name) one.every_s = entry->every_s;
  }
  return common::Done{};
}

std::optional<int> ReadOptions(int argc, const char* const* argv, Options& options) {
  CLI::App app("Plans runs, leases chunks to workers, divides the rate budget.",
               "seine-coordinator");
  std::vector<std::string> rates;
  app.add_option("--database", options.database,
                 "PostgreSQL URL, or `embedded` for the cluster under the state directory")
      ->capture_default_str();
  app.add_option("--state-dir", options.state_dir, "Where the API key and coordinator.json are")
      ->capture_default_str();
  app.add_option("--listen", options.listen, "Address for workers; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--http", options.http, "Address of admin API and metrics")->capture_default_str();
  app.add_option(
      "--keys", options.keys_dir,
      "Key folder; without it workers are not authenticated, and only loopback is bound");
  app.add_flag("--insecure", options.insecure, "Bind other addresses without keys all the same");
  app.add_option("--rate", rates,
                 "ENDPOINT=N/10s, ENDPOINT=0 for no limit; may be given several times")
      ->delimiter(',');
  std::vector<std::string> schedule;
  app.add_option(
         "--schedule", schedule,
         "NAME=TIME or NAME=off for refresh (30m), discover (6h) and audit (1d), or off for "
         "all of them; may be given several times")
      ->delimiter(',');
  app.add_option("--lease-ms", options.lease_ms, "A worker's silence until its work is given away")
      ->check(CLI::Range(200, 3'600'000))
      ->capture_default_str();
  app.add_option("--heartbeat-ms", options.heartbeat_ms, "Between two beats of a worker")
      ->check(CLI::Range(20, 60'000))
      ->capture_default_str();
  app.add_option("--grace-ms", options.grace_ms, "For a worker whose connection was cut")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  app.add_option("--adoption-ms", options.adoption_ms,
                 "After a start: for holders of leases to come back")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  app.add_option("--stall-ms", options.stall_ms, "Beats without progress until work is taken back")
      ->check(CLI::Range(200, 86'400'000))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  if (const auto code = common::ParseOptions(app, argc, argv)) return code;
  for (const std::string& rate : rates) {
    const common::Status set = SetLimit(rate, options.limits);
    if (set) continue;
    std::cerr << "seine-coordinator: --rate: " << set.error().message << "\n";
    return 2;
  }
  for (const std::string& entry : schedule) {
    const common::Status set = SetSchedule(entry, options.schedule);
    if (set) continue;
    std::cerr << "seine-coordinator: --schedule: " << set.error().message << "\n";
    return 2;
  }
  return std::nullopt;
}

}  // namespace coordinator
