#include "coordinator/admin_server.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <sys/random.h>
#include <unistd.h>

#include "common/logging.h"
#include "common/mailbox.h"
#include "common/options.h"
#include "common/published.h"
#include "coordinator/ingest_body.h"
#include "coordinator/status_text.h"

namespace coordinator {
namespace {

using common::Error;
using common::ErrorKind;
using common::Result;
using httplib::Request;
using httplib::Response;
using nlohmann::json;

constexpr std::size_t kLongestBody = std::size_t{4} << 20U;
constexpr std::size_t kMostWalletsAtOnce = 50'000;
constexpr std::size_t kThreads = 8;
constexpr int kMostWorkers = 1000;
constexpr int kMostRuns = 1000;
constexpr int kMostFailed = 1000;
constexpr common::Duration kCountEvery = std::chrono::seconds(1);

void Answer(Response& response, int status, const std::string& body) {
  response.status = status;
  response.set_content(body, "application/json");
}

void Refuse(Response& response, int status, const std::string& text) {
  Answer(response, status,
         json{{"error", text}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

// A database that is away is 503; what it refuses is the caller's mistake.
void Refuse(Response& response, const Error& error, int rejected = 409) {
  Refuse(response, error.kind == ErrorKind::kRejected ? rejected : 503, error.message);
}

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

std::optional<json> ReadObject(const Request& request, Response& response) {
  json body = json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  if (body.is_object()) return body;
  Refuse(response, 400, "the body is not a JSON object");
  return std::nullopt;
}

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
  void Post(const std::string& pattern, std::function<void(const Request&, Response&)> handler);
  void Ingest(const Request& request, Response& response);
  void AddWallets(const Request& request, Response& response);
  void Retry(const Request& request, Response& response);
  void Audit(const Request& request, Response& response);
  void Order(const Request& request, Response& response);
  void DryRunAnswer(const RunWish& wish, Response& response);
  void Counting();
};

// --- Reading -----------------------------------------------------------------------------------

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

// --- Changing ----------------------------------------------------------------------------------

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
  const auto added = ledger.AddWallets(selection, discovered_by, lines.wallets,
                                       request.get_param_value("due") == "1");
  if (!added) return Refuse(response, added.error());
  Answer(response, 200, json{{"wallets", added->wallets}, {"new", added->fresh}}.dump());
}

void AdminServer::State::DryRunAnswer(const RunWish& wish, Response& response) {
  const auto view = Look();
  const auto plan =
      ledger.PlanDry(wish, std::max({1, view->status.live, view->status.settings.desired}));
  if (!plan) return Refuse(response, plan.error(), 400);
  const std::string endpoint = EndpointOf(wish);
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
  if (order->is_dry) return DryRunAnswer(order->wish, response);
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
  if (list != body->end() && list->is_array()) {
    for (const json& one : *list) {
      const auto wallet =
          one.is_string() ? common::WalletAddress::Parse(one.get<std::string>()) : std::nullopt;
      if (!wallet) return Refuse(response, 400, "no wallet address: " + one.dump().substr(0, 80));
      wallets.push_back(*wallet);
    }
  }
  const auto all = body->find("all");
  const bool is_all = all != body->end() && all->is_boolean() && all->get<bool>();
  if (wallets.empty() != is_all || wallets.size() > kMostWalletsAtOnce) {
    return Refuse(response, 400, "say which: {\"wallets\":[...]} or {\"all\":true}");
  }
  const auto run = ledger.Retry(wallets);
  if (!run) return Refuse(response, run.error(), 404);
  Resync();
  Answer(response, 202,
         json{{"run", run->run.value},
              {"attached", run->attached},
              {"wallets", run->wallets},
              {"units", run->units}}
             .dump());
}

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
        workers->get<std::int64_t>() < 0 || workers->get<std::int64_t>() > kMostWorkers) {
      return Refuse(response, 400, fmt::format("workers is 0 to {}", kMostWorkers));
    }
    const auto set = ledger.SetDesired(workers->get<int>());
    if (!set) return Refuse(response, set.error());
    Resync();
    Answer(response, 202, json{{"workers", *workers}}.dump());
  });
  Post(R"(/api/admin/workers/([^/]+)/(restart|kill|drain))",
       [this](const Request& request, Response& response) { Order(request, response); });
}

void AdminServer::State::Route() {
  server.new_task_queue = [] {
    return new httplib::ThreadPool(kThreads);
  };  // owned by the server
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

// Counting a million wallets takes a while, so nobody's request waits for it.
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

Result<std::string> ReadApiKey(const std::string& state_dir) {
  const char* const given = std::getenv("SEINE_API_KEY");
  if (given != nullptr && *given != '\0') return std::string(given);
  const std::string path = state_dir + "/admin.key";
  std::ifstream file(path);
  std::string key;
  if (file && std::getline(file, key) && key.size() >= 16) return key;
  unsigned char bytes[32];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
    return Error{ErrorKind::kTransient, "no random bytes from the system"};
  }
  key.clear();
  for (const unsigned char byte : bytes) key += fmt::format("{:02x}", byte);
  const std::string fresh = path + ".new";
  const int made = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string line = key + "\n";
  const bool written = made >= 0 &&
                       write(made, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       fsync(made) == 0;
  if (made >= 0) close(made);
  if (!written || rename(fresh.c_str(), path.c_str()) != 0) {
    return Error{ErrorKind::kRejected, "cannot write " + path};
  }
  return key;
}

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
