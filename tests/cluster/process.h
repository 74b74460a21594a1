// A worker's process in the cluster, as long as it lives. For the cluster's own files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/cluster/cluster.h"

namespace tests::cluster {

struct Cluster::Job {
  worker::ChunkTask task;
  std::size_t next = 0;
  std::set<std::size_t> in_flight;
  std::set<std::size_t> released;
  std::vector<worker::WalletOutcome> outcomes;
  std::uint64_t rows = 0;
  bool told = false;  // Finished was said
};

struct Cluster::Process {
  common::WorkerId id;
  std::uint64_t life = 0;
  bool alive = false;
  std::string connection;
  std::unique_ptr<worker::Session> session;
  std::map<worker::Lease, Job> jobs;
  std::uint64_t requests = 0;
  common::SessionId hears;  // whose message it reads
  double rate = 0;          // as it was told last
  common::SessionId told_by;
  common::Instant told_at{};
  bool drained = false;
};

}  // namespace tests::cluster
