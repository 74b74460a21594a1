// The fleet as the operator wants it: paused, its size, and each worker.

#include <algorithm>

#include <fmt/format.h>

#include "common/options.h"
#include "coordinator/admin_state.h"

namespace coordinator {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

constexpr int kMostWorkersWished = 1000;

}  // namespace

void AdminServer::State::Order(const Request& request, Response& response) {
  const auto worker = common::ParseWorkerId(request.matches[1].str());
  const std::string verb = request.matches[2].str();
  if (!worker) return Refuse(response, 400, "no worker id: " + request.matches[1].str());
  const auto view = Look();
  const bool known = std::any_of(
      view->status.workers.begin(), view->status.workers.end(),
      [&](const WorkerStatus& one) { return one.id == worker->value && one.state != "gone"; });
  const auto& stops = view->status.settings.stopped;
  const bool is_stopped = std::find(stops.begin(), stops.end(), worker->value) != stops.end();
  if (!known && !(verb == "restart" && is_stopped)) {
    return Refuse(response, 404, "no worker " + worker->value + " is here");
  }
  if (verb != "kill") {
    const auto set = ledger.SetStopped(worker->value, verb == "drain");
    if (!set) return Refuse(response, set.error());
    Resync();
  }
  const proto::DrainMode mode = verb == "drain"     ? proto::GRACEFUL
                                : verb == "restart" ? proto::QUICK
                                                    : proto::NOW;
  coordinator.Tell(DrainCommand{*worker, mode});
  Answer(response, 202, json{{"worker", worker->value}, {"order", verb}}.dump());
}

void AdminServer::State::RouteFleet() {
  const auto pause = [this](bool paused) {
    return [this, paused](const Request&, Response& response) {
      const auto set = ledger.SetPaused(paused);
      if (!set) return Refuse(response, set.error());
      Resync();
      Answer(response, 202, json{{"paused", paused}}.dump());
    };
  };
  Post("/api/admin/pause", pause(true));
  Post("/api/admin/resume", pause(false));
  Post("/api/admin/scale", [this](const Request& request, Response& response) {
    const auto body = ReadObject(request, response);
    if (!body) return;
    const auto workers = body->find("workers");
    if (workers == body->end() || !workers->is_number_integer() ||
        workers->get<std::int64_t>() < 0 || workers->get<std::int64_t>() > kMostWorkersWished) {
      return Refuse(response, 400, fmt::format("workers is 0 to {}", kMostWorkersWished));
    }
    const auto set = ledger.SetDesired(workers->get<int>());
    if (!set) return Refuse(response, set.error());
    Resync();
    Answer(response, 202, json{{"workers", *workers}}.dump());
  });
  Post(R"(/api/admin/workers/([^/]+)/(restart|kill|drain))",
       [this](const Request& request, Response& response) { Order(request, response); });
}

}  // namespace coordinator
