// What anybody may read.

#include <algorithm>
#include <cstdlib>

#include "coordinator/admin_state.h"

namespace coordinator {
namespace {

using httplib::Request;
using httplib::Response;

constexpr int kMostRuns = 1000;
constexpr int kMostFailed = 1000;

}  // namespace

void AdminServer::State::RouteReads() {
  server.Get("/healthz",
             [](const Request&, Response& response) { response.set_content("ok", "text/plain"); });
  server.Get("/readyz", [this](const Request&, Response& response) {
    const auto view = Look();
    if (view->database == "ok" && view->status.active) {
      return response.set_content("ok", "text/plain");
    }
    response.status = 503;
    response.set_content(view->database == "ok" ? "the coordinator's lease is not held yet"
                                                : "database " + view->database,
                         "text/plain");
  });
  server.Get("/metrics", [this](const Request&, Response& response) {
    response.set_content(MetricsText(*Look(), Counted()), "text/plain; version=0.0.4");
  });
  server.Get("/api/status", [this](const Request&, Response& response) {
    Answer(response, 200, StatusJson(*Look(), Counted(), clock.WallNow()));
  });
  // Counted now: who asks wants to know what a run that has just ended has left.
  server.Get("/api/freshness", [this](const Request&, Response& response) {
    const auto counted = ledger.Count();
    if (!counted) return Refuse(response, counted.error());
    Answer(response, 200, FreshnessJson(*counted, clock.WallNow()));
  });
  server.Get("/api/workers", [this](const Request&, Response& response) {
    Answer(response, 200, WorkersJson(*Look()));
  });
  server.Get("/api/runs", [this](const Request& request, Response& response) {
    if (request.has_param("run")) {
      const common::RunId id{std::atoll(request.get_param_value("run").c_str())};
      const auto run = ledger.Run(id);
      if (!run) return Refuse(response, run.error(), 404);
      const auto failed = ledger.FailedOf(id, kMostFailed);
      if (!failed) return Refuse(response, failed.error());
      return Answer(response, 200, RunJson(*run, *failed, *Look()));
    }
    const int asked =
        request.has_param("limit") ? std::atoi(request.get_param_value("limit").c_str()) : 20;
    const auto runs = ledger.Runs(std::clamp(asked, 1, kMostRuns));
    if (!runs) return Refuse(response, runs.error());
    Answer(response, 200, RunsJson(*runs, *Look()));
  });
  server.Get(R"(/api/wallets/([^/]+))", [this](const Request& request, Response& response) {
    const auto asked = common::WalletAddress::Parse(request.matches[1].str());
    if (!asked) return Refuse(response, 400, "a wallet is 0x and 40 hex digits");
    const auto wallet = ledger.Wallet(*asked);
    if (!wallet) return Refuse(response, wallet.error());
    if (!wallet->has_value()) return Refuse(response, 404, "this wallet is not known");
    Answer(response, 200, WalletJson(**wallet));
  });
}

}  // namespace coordinator
