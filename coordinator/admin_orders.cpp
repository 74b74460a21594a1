// Wallets that are handed over, and runs: begun, planned dry, tried again, cancelled, written down.

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "coordinator/admin_state.h"
#include "coordinator/ingest_body.h"

namespace coordinator {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

struct Lines {
  std::vector<common::WalletAddress> wallets;
  std::string bad;  // the first line that is no address
};

Lines ReadLines(const std::string& body) {
  Lines lines;
  for (std::size_t from = 0; from < body.size();) {
    std::size_t to = body.find('\n', from);
    if (to == std::string::npos) to = body.size();
    std::string line = body.substr(from, to - from);
    from = to + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    const auto wallet = common::WalletAddress::Parse(line);
    if (!wallet) {
      lines.bad = line.substr(0, 80);
      return lines;
    }
    lines.wallets.push_back(*wallet);
  }
  return lines;
}

}  // namespace

void AdminServer::State::AddWallets(const Request& request, Response& response) {
  const std::string selection = request.get_param_value("selection");
  if (!IsSelection(selection)) {
    return Refuse(response, 400, "selection is 1 to 64 letters, digits, - or _");
  }
  std::string discovered_by = request.get_param_value("discovered_by");
  if (discovered_by.empty()) discovered_by = "list";
  if (!IsSelection(discovered_by)) return Refuse(response, 400, "discovered_by is not a word");
  const Lines lines = ReadLines(request.body);
  if (!lines.bad.empty()) return Refuse(response, 400, "no wallet address: " + lines.bad);
  if (lines.wallets.size() > kMostWalletsAtOnce) {
    return Refuse(response, 413,
                  fmt::format("at most {} wallets in a request", kMostWalletsAtOnce));
  }
  const auto added = ledger.AddWallets(selection, discovered_by, lines.wallets);
  if (!added) return Refuse(response, added.error());
  Answer(response, 200, json{{"wallets", added->wallets}, {"new", added->fresh}}.dump());
}

void AdminServer::State::DryRunAnswer(const IngestOrder& order, Response& response) {
  const auto view = Look();
  const int workers = std::max({1, view->status.live, view->status.settings.desired});
  const auto plan = ledger.PlanDry(order.wish, workers, order.wallets);
  if (!plan) return Refuse(response, plan.error(), 400);
  const std::string endpoint = EndpointOf(order.wish);
  double per_s = 0;
  for (const auto& rate : view->status.rates) {
    if (rate.endpoint == endpoint) per_s = rate.limit_per_s;
  }
  const double seconds = per_s > 0 ? static_cast<double>(plan->requests) / per_s : 0;
  Answer(response, 200,
         json{{"wallets", plan->wallets},
              {"chunks", plan->chunks},
              {"requests", plan->requests},
              {"seconds", seconds},
              {"endpoint", endpoint},
              {"rate_per_second", per_s}}
             .dump());
}

void AdminServer::State::Ingest(const Request& request, Response& response) {
  const auto order = ParseIngest(request.body);
  if (!order) return Refuse(response, 400, order.error().message);
  if (order->is_dry) return DryRunAnswer(*order, response);
  const auto run = ledger.CreateRun(order->wish);
  if (!run) return Refuse(response, run.error(), 400);
  Resync();
  Answer(response, 202, json{{"run", run->run.value}, {"attached", run->attached}}.dump());
}

// Audits are done by the operator's command, for this program never fetches: it says when one is
// due, and takes down what came of it.
void AdminServer::State::Audit(const Request& request, Response& response) {
  const auto body = ReadObject(request, response);
  if (!body) return;
  if (body->value("claim", json()) == json(true)) {
    const auto due = ledger.ClaimSchedule("audit");
    if (!due) return Refuse(response, due.error());
    return Answer(response, 200, json{{"due", *due}}.dump());
  }
  const json started_at = body->value("started_at", json());
  const json wallets = body->value("wallets", json());
  const json complete = body->value("complete", json());
  if (!started_at.is_number_integer() || !wallets.is_number_integer() || !complete.is_boolean()) {
    return Refuse(response, 400, "say {\"claim\":true}, or started_at, wallets and complete");
  }
  const auto noted = ledger.NoteRun("audit", started_at.get<std::int64_t>(),
                                    wallets.get<std::int64_t>(), complete.get<bool>());
  if (!noted) return Refuse(response, noted.error());
  Answer(response, 200, "{}");
}

void AdminServer::State::Retry(const Request& request, Response& response) {
  const auto body = ReadObject(request, response);
  if (!body) return;
  std::vector<common::WalletAddress> wallets;
  const auto list = body->find("wallets");
  const bool is_named = list != body->end();
  if (is_named && list->is_array()) {
    for (const json& one : *list) {
      const auto wallet =
          one.is_string() ? common::WalletAddress::Parse(one.get<std::string>()) : std::nullopt;
      if (!wallet) return Refuse(response, 400, "no wallet address: " + one.dump().substr(0, 80));
      wallets.push_back(*wallet);
    }
  }
  const auto all = body->find("all");
  const bool is_all = all == body->end() ? !is_named : *all == json(true);
  // A list that holds none, by a slip, must not mean all.
  if (is_all == is_named || wallets.empty() == is_named || wallets.size() > kMostWalletsAtOnce) {
    return Refuse(response, 400, "say which: {\"wallets\":[...]}, or {\"all\":true} or nothing");
  }
  const auto run = ledger.Retry(wallets);
  if (!run) return Refuse(response, run.error(), 404);
  const bool is_nothing = run->run.value == 0;
  if (!is_nothing) Resync();
  Answer(response, is_nothing ? 200 : 202,
         json{{"run", is_nothing ? json(nullptr) : json(run->run.value)},
              {"attached", run->attached},
              {"wallets", run->wallets},
              {"units", run->units}}
             .dump());
}

void AdminServer::State::RouteRuns() {
  Post("/api/admin/wallets",
       [this](const Request& request, Response& response) { AddWallets(request, response); });
  Post("/api/admin/ingest",
       [this](const Request& request, Response& response) { Ingest(request, response); });
  Post("/api/admin/retry",
       [this](const Request& request, Response& response) { Retry(request, response); });
  Post("/api/admin/audit",
       [this](const Request& request, Response& response) { Audit(request, response); });
  Post("/api/admin/cancel", [this](const Request& request, Response& response) {
    const auto body = ReadObject(request, response);
    if (!body) return;
    const auto run = body->find("run");
    if (run == body->end() || !run->is_number_integer()) {
      return Refuse(response, 400, "say which: {\"run\":ID}");
    }
    const auto cancelled = ledger.Cancel({run->get<std::int64_t>()});
    if (!cancelled) return Refuse(response, cancelled.error());
    Resync();
    Answer(response, 202, json{{"run", *run}}.dump());
  });
}

}  // namespace coordinator
