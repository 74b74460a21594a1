// What the HTTP threads share; only the .cpp files of the admin server include it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "common/mailbox.h"
#include "common/published.h"
#include "coordinator/admin_server.h"
#include "coordinator/ingest_body.h"
#include "coordinator/status_text.h"

namespace coordinator {

struct AdminServer::State {
  State(std::string key, AdminLedger admin_ledger, Coordinator& the_coordinator,
        const common::Clock& the_clock)
      : api_key(std::move(key)),
        ledger(std::move(admin_ledger)),
        coordinator(the_coordinator),
        clock(the_clock),
        stopped(1) {}

  const std::string api_key;
  const AdminLedger ledger;
  Coordinator& coordinator;
  const common::Clock& clock;
  std::string address;
  httplib::Server server;
  common::Published<Census> census;
  common::Mailbox<int> stopped;  // closed when it is time to end
  std::jthread counting;
  std::jthread serving;

  std::shared_ptr<const View> Look() const {
    auto view = coordinator.view().Get();
    return view != nullptr ? view : std::make_shared<const View>();
  }
  Census Counted() const {
    const auto counted = census.Get();
    return counted == nullptr ? Census{} : *counted;
  }
  void Resync() { coordinator.Tell(ResyncCommand{}); }

  void Route();
  void RouteReads();
  void RouteRuns();
  void RouteFleet();
  void Post(const std::string& pattern,
            std::function<void(const httplib::Request&, httplib::Response&)> handler);
  void Ingest(const httplib::Request& request, httplib::Response& response);
  void AddWallets(const httplib::Request& request, httplib::Response& response);
  void Retry(const httplib::Request& request, httplib::Response& response);
  void Audit(const httplib::Request& request, httplib::Response& response);
  void Order(const httplib::Request& request, httplib::Response& response);
  void DryRunAnswer(const IngestOrder& order, httplib::Response& response);
  void Counting();
};

void Answer(httplib::Response& response, int status, const std::string& body);
void Refuse(httplib::Response& response, int status, const std::string& text);
// A database that is away is 503; what it refuses is the caller's mistake.
void Refuse(httplib::Response& response, const common::Error& error, int rejected = 409);
// Refuses a body that is no object.
std::optional<nlohmann::json> ReadObject(const httplib::Request& request,
                                         httplib::Response& response);

}  // namespace coordinator
