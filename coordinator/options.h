// What `seine-coordinator` can be told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/options.h"
#include "coordinator/rate_budget.h"

namespace coordinator {

struct Options {
  std::string database = "embedded";
  std::string state_dir = "./runtime";
  std::string listen = "tcp://127.0.0.1:5600";
  std::string http = "127.0.0.1:8600";
  std::string keys_dir;
  bool insecure = false;
  std::string log_level = "info";
  std::vector<EndpointLimit> limits = DefaultLimits();
  // What begins by itself, and how often.
  std::vector<common::ScheduleEntry> schedule = {
      {"refresh", 1'800}, {"discover", 21'600}, {"audit", 86'400}};
  int lease_ms = 15'000;
  int heartbeat_ms = 1'000;
  int grace_ms = 2'000;
  int adoption_ms = 15'000;
  int stall_ms = 120'000;
};

// Nothing: go on with `options`. Otherwise main returns the number.
std::optional<int> ReadOptions(int argc, const char* const* argv, Options& options);

// "data_trades=200/10s", or "data_trades=0" for no limit. Replaces the limit of that name by 98 %
// of this one: the rest is room for requests that are early.
common::Status SetLimit(const std::string& text, std::vector<EndpointLimit>& limits);

// "refresh=30m", "refresh=off", or "off" for all. Replaces the entry of that name.
common::Status SetSchedule(const std::string& text, std::vector<common::ScheduleEntry>& schedule);

}  // namespace coordinator
