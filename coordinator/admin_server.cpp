#include "coordinator/admin_server.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/options.h"
#include "coordinator/admin_state.h"

namespace coordinator {
namespace {

using common::Error;
using common::ErrorKind;
using common::Result;
using httplib::Request;
using httplib::Response;

constexpr std::size_t kLongestBody = std::size_t{4} << 20U;
constexpr std::size_t kThreads = 8;
constexpr common::Duration kCountEvery = std::chrono::seconds(1);

// Takes the same time wherever the first difference is.
bool SameKey(const std::string& given, const std::string& expected) {
  unsigned difference = given.size() == expected.size() ? 0U : 1U;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const char byte = given.empty() ? '\0' : given[i % given.size()];
    const auto left = static_cast<unsigned>(static_cast<unsigned char>(byte));
    difference |= left ^ static_cast<unsigned char>(expected[i]);
  }
  return difference == 0;
}

}  // namespace

// --- Routes ------------------------------------------------------------------------------------

void AdminServer::State::Post(const std::string& pattern,
                              std::function<void(const Request&, Response&)> handler) {
  server.Post(pattern,
              [this, handler = std::move(handler)](const Request& request, Response& response) {
                if (!SameKey(request.get_header_value("x-api-key"), api_key)) {
                  return Refuse(response, 401,
                                "the header x-api-key is missing or wrong (see admin.key in the "
                                "state directory)");
                }
                handler(request, response);
              });
}

void AdminServer::State::Route() {
  server.new_task_queue = [] {
    // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): the server's to delete.
    return new httplib::ThreadPool(kThreads);
  };
  server.set_payload_max_length(kLongestBody);
  server.set_read_timeout(10, 0);
  server.set_write_timeout(10, 0);
  // Not SO_REUSEPORT, with which a second coordinator would share the port unnoticed.
  server.set_socket_options([](auto socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_error_handler([](const Request& request, Response& response) {
    if (!response.body.empty()) return;
    const char* const text = response.status == 404   ? "there is no such route"
                             : response.status == 413 ? "the body is too long"
                                                      : "this request cannot be understood";
    Refuse(response, response.status, text);
    static_cast<void>(request);
  });
  // A POST without a body and without its length, as `curl -X POST` sends it, is one of length 0;
  // the library would wait for the end of the connection. The request is its own, not a constant.
  server.set_pre_routing_handler([](const Request& request, Response&) {
    if (request.method == "POST" && !request.has_header("Content-Length") &&
        !request.has_header("Transfer-Encoding")) {
      const_cast<Request&>(request).headers.emplace("Content-Length", "0");
    }
    return httplib::Server::HandlerResponse::Unhandled;
  });
  RouteReads();
  RouteRuns();
  RouteFleet();
}

// In its own thread: no request waits for the database.
void AdminServer::State::Counting() {
  while (!stopped.closed()) {
    const common::Instant before = clock.Now();
    const auto counted = ledger.Count();
    if (counted) census.Set(*counted);
    const common::Duration took = clock.Now() - before;
    stopped.WaitPop(std::max<common::Duration>(kCountEvery, 10 * took));
  }
}

// --- Life --------------------------------------------------------------------------------------

AdminServer::AdminServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& http,
                                                        std::string api_key, AdminLedger ledger,
                                                        Coordinator& coordinator,
                                                        const common::Clock& clock) {
  const auto address = common::ParseHostPort(http);
  if (!address) return address.error();
  auto state = std::make_unique<State>(std::move(api_key), std::move(ledger), coordinator, clock);
  state->Route();
  int port = address->port;
  const bool bound = port == 0 ? (port = state->server.bind_to_any_port(address->host)) > 0
                               : state->server.bind_to_port(address->host, port);
  if (!bound) {
    return Error{ErrorKind::kRejected,
                 "cannot bind " + http + ": is another coordinator there? Choose with --http"};
  }
  state->address = fmt::format("{}:{}", address->host, port);
  State& it = *state;
  state->counting = std::jthread([&it] { it.Counting(); });
  state->serving = std::jthread([&it] { it.server.listen_after_bind(); });
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(state)));
}

AdminServer::~AdminServer() {
  // A server that is not listening yet would not hear that it is to stop.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (!state_->server.is_running() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  state_->server.stop();
  state_->stopped.Close();
}

const std::string& AdminServer::address() const {
  return state_->address;
}

}  // namespace coordinator
