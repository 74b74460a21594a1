// seine-sim: serves a simulated Polymarket, and tells what a correct sync of it holds.
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "sim/http_server.h"
#include "sim/options.h"
#include "sim/oracle.h"
#include "sim/router.h"
#include "sim/world_builder.h"

namespace sim {
namespace {

constexpr std::int64_t kLiveTickMs = 50;

std::int64_t MonotonicMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Whole or not at all: a reader never sees half a number.
void WritePortFile(const std::string& path, std::uint16_t port) {
  const std::string draft = path + ".new";
  std::ofstream(draft) << port << '\n';
  std::filesystem::rename(draft, path);
}

void Serve(const ServeOptions& options) {
  const auto world = BuildWorld(options.world);
  Router router(*world, options);
  HttpServer server(options.listen, options.gzip,
                    {[&router](const HttpRequest& request) {
                       return router.Answer(request, MonotonicMs(), WallMs() / 1000);
                     },
                     [&router] {
                       router.Done();
                     }});
  std::optional<LiveFeed> feed;
  if (options.live > 0) {
    feed.emplace(*world, options.live);
    server.Every(kLiveTickMs, [&feed, &router] {
      if (router.grows()) feed->Grow(WallMs());
    });
  }
  server.StopOnSignals();
  fmt::print("listening on http://127.0.0.1:{}\n", server.port());
  std::fflush(stdout);
  if (!options.port_file.empty()) WritePortFile(options.port_file, server.port());
  server.Run();
}

std::optional<std::vector<std::string>> ReadWallets(const std::string& path) {
  if (path.empty()) return std::nullopt;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("--wallet: cannot read " + path);
  std::vector<std::string> wallets;
  for (std::string line; file >> line;) wallets.push_back(line);
  return wallets;
}

void Print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw std::runtime_error("cannot write to stdout");
  }
}

void TellOracle(const OracleOptions& options) {
  OracleQuestion question = options.question;
  question.wallets = ReadWallets(options.wallet_file);
  Print(OracleText(*BuildWorld(options.world), question));
}

void Run(const Options& options) {
  switch (options.command) {
    case Options::Command::kHelp:
      return Print(options.help);
    case Options::Command::kServe:
      return Serve(options.serve);
    case Options::Command::kWallets:
      return Print(WalletsText(*BuildWorld(options.serve.world), options.with_contracts));
    case Options::Command::kOracle:
      return TellOracle(options.oracle);
  }
}

}  // namespace
}  // namespace sim

int main(int argc, char** argv) {
  try {
    sim::Options options;
    const int code = sim::ParseOptions(argc, argv, options);
    if (code >= 0) return code;
    sim::Run(options);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "seine-sim: %s\n", error.what());
    return 1;
  }
}
