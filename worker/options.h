// What the worker's operator may choose.
#pragma once

#include <optional>
#include <string>

#include "common/logging.h"
#include "worker/upstreams.h"

namespace worker {

struct WorkerOptions {
  std::string connect = "tcp://127.0.0.1:5600";
  std::string id;
  std::string state_dir = "./runtime";
  std::string keys_dir;    // empty: a coordinator without keys
  std::string server_key;  // empty: coordinator.pub in keys_dir
  std::string database = "embedded";
  Upstreams upstreams;
  int in_flight = 32;  // wallets
  int host_pause_ms = 30'000;
  common::LogLevel log_level = common::LogLevel::kInfo;
};

// A number: main returns it (see common::ParseOptions). Nothing: `options` is filled.
std::optional<int> ReadOptions(int argc, const char* const* argv, WorkerOptions& options);

}  // namespace worker
