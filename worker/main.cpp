// seine-worker: options -> objects -> run.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <vector>

#include <unistd.h>

#include "common/logging.h"
#include "common/postgres.h"
#include "common/signals.h"
#include "proto/channel.h"
#include "worker/checkpoint.h"
#include "worker/curl_http.h"
#include "worker/jobs/walks.h"
#include "worker/options.h"
#include "worker/sources/data_api.h"
#include "worker/sources/dome.h"
#include "worker/sources/rpc.h"
#include "worker/sources/subgraph.h"
#include "worker/store/postgres_trade_store.h"
#include "worker/worker.h"

namespace worker {
namespace {

constexpr common::Duration kStorePatience = std::chrono::seconds(2);

int Refuse(int code, const std::string& reason) {
  common::LogError("cannot_start", {{"code", code}, {"reason", reason}});
  return code;
}

std::string RandomBytes16() {
  std::string bytes;
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t word = common::EntropySeed();
    for (unsigned shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<char>(static_cast<unsigned char>(word >> shift)));
    }
  }
  return bytes;
}

SessionIdentity IdentityOf(const common::WorkerId& id, const Checkpoint& checkpoint) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return {id, RandomBytes16(), host.data(), getpid(), checkpoint.state_dir_id(), SEINE_VERSION};
}

common::Result<proto::ClientOptions> ClientOptionsOf(const WorkerOptions& options,
                                                     const common::WorkerId& id) {
  proto::ClientOptions client;
  client.connect = options.connect;
  if (options.keys_dir.empty()) return client;
  auto keys = proto::KeyFolder(options.keys_dir).ReadClient(id, options.server_key);
  if (!keys) return keys.error();
  client.keys = std::move(*keys);
  return client;
}

PaceLimits PaceLimitsOf(const WorkerOptions& options) {
  PaceLimits limits;
  limits.in_flight = std::max(limits.in_flight, options.in_flight);
  limits.host_pause = std::chrono::milliseconds(options.host_pause_ms);
  return limits;
}

int RunWorker(const WorkerOptions& options) {
  common::Signals signals;
  const common::SystemClock clock;
  const common::WorkerId id{options.id};
  const auto directory = std::filesystem::path(options.state_dir) / "workers" / id.value;
  std::filesystem::create_directories(directory);
  auto checkpoint = Checkpoint::Open(directory.string(), id);
  if (!checkpoint) {
    const bool is_taken = checkpoint.error().kind == common::ErrorKind::kRejected;
    return Refuse(is_taken ? kExitFenced : kExitLost, checkpoint.error().message);
  }
  if (!checkpoint->notice().empty()) {
    common::LogWarning("checkpoint", {{"notice", checkpoint->notice()}});
  }
  const auto url = common::ResolveDatabaseUrl(options.database, options.state_dir);
  if (!url) return Refuse(kExitLost, url.error().message);
  const auto client = ClientOptionsOf(options, id);
  if (!client) return Refuse(kExitLost, client.error().message);
  proto::Context context;
  auto channel = proto::ClientChannel::Open(context, *client);
  if (!channel) return Refuse(kExitLost, channel.error().message);

  CurlLimits curl_limits;
  curl_limits.host_connections = std::max<long>(curl_limits.host_connections, options.in_flight);
  CurlHttp http(curl_limits);
  const sources::DataApi data_api(options.upstreams.data_url);
  const sources::Subgraph subgraph(options.upstreams.subgraph_url);
  const sources::Rpc rpc(options.upstreams.rpc_url);
  const sources::Dome dome(options.upstreams.dome_url, sources::DomeKeyOfEnvironment());
  std::vector<const sources::TradeSource*> fetched{&data_api, &subgraph, &dome};
  if (!options.upstreams.rpc_url.empty()) fetched.push_back(&rpc);
  Resolver resolver(options.upstreams);
  Session session(IdentityOf(id, *checkpoint), checkpoint->highest_term(), common::EntropySeed());
  Pace pace(PaceLimitsOf(options), common::EntropySeed(), clock.Now());
  store::PostgresTradeStore trades(*url);
  StoreLoop store(trades, *checkpoint, clock, common::EntropySeed());
  WorkerLimits limits;
  limits.in_flight = static_cast<std::uint32_t>(options.in_flight);
  Worker worker(
      {clock, signals, **channel, http,
       [&](common::Duration timeout, std::span<const int> fds) { http.Wait(timeout, fds); },
       fetched, resolver, session, pace, store, jobs::WalksOf(options.upstreams)},
      limits, common::EntropySeed());
  store.Start();
  const int code = worker.Run();
  // A database that hangs must not keep the process: what it has not committed is fetched again.
  if (!store.Stop(kStorePatience)) std::_Exit(code);
  return code;
}

}  // namespace
}  // namespace worker

int main(int argc, char** argv) {
  worker::WorkerOptions options;
  if (const auto code = worker::ReadOptions(argc, argv, options)) return *code;
  common::SetUpLogging("seine-worker", options.log_level);
  try {
    return worker::RunWorker(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "seine-worker: cannot start: %s\n", error.what());
    return worker::kExitLost;
  }
}
