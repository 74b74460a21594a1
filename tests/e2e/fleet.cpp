#include "tests/e2e/fleet.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>
#include <httplib.h>
#include <stdlib.h>

#include "common/postgres.h"

namespace e2e {
namespace {

constexpr Seconds kStartDeadline{30};
constexpr time_t kHttpTimeoutSeconds = 60;
// Short timings, so that a test sees a lease end; heartbeats are still several to a lease.
const Arguments kShortTimings = {"--lease-ms", "4000", "--heartbeat-ms", "300",
                                 "--grace-ms", "700",  "--adoption-ms",  "3000"};

std::string Program(const std::string& name) {
  return std::string(SEINE_BIN_DIR) + "/" + name;
}

// Empty, too, for what is no file of ours, as /dev/full.
std::string ReadFile(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return "";
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Arguments Joined(Arguments first, const Arguments& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::unique_ptr<httplib::Client> ClientOf(const std::string& host_and_port) {
  auto client = std::make_unique<httplib::Client>("http://" + host_and_port);
  client->set_read_timeout(kHttpTimeoutSeconds);
  client->set_connection_timeout(kHttpTimeoutSeconds);
  return client;
}

Json Parsed(const httplib::Result& result) {
  if (!result) return nullptr;
  return Json::parse(result->body, nullptr, false);
}

// What a row says where no upstream can tell the token's condition.
constexpr char kUnknownCondition[] = "unknown";

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

// The fifth field is taken out of each line.
std::vector<std::string> WithoutCondition(std::vector<std::string> lines) {
  constexpr int kFieldsBefore = 4;
  for (std::string& line : lines) {
    std::size_t begin = 0;
    for (int field = 0; field < kFieldsBefore; ++field) begin = line.find('\t', begin) + 1;
    line.erase(begin, line.find('\t', begin) - begin);
  }
  return lines;
}

// Lines of the first, as often as they are missing in the second. Both are sorted.
std::vector<std::string> Difference(const std::vector<std::string>& first,
                                    const std::vector<std::string>& second) {
  std::vector<std::string> result;
  std::set_difference(first.begin(), first.end(), second.begin(), second.end(),
                      std::back_inserter(result));
  return result;
}

void ExpectNone(const std::string& what, const std::vector<std::string>& lines) {
  EXPECT_EQ(lines.size(), 0U) << what << ", first: " << (lines.empty() ? "" : lines.front());
}

}  // namespace

Arguments WorldSize::AsArguments() const {
  return Joined(
      {"--seed", seed, "--wallets", std::to_string(wallets), "--fills", std::to_string(fills)},
      more);
}

Fleet::Fleet(tests::PostgresServer& postgres, Timings timings)
    : timings_(timings), database_url_(postgres.CreateDatabase()) {
  std::string pattern = std::filesystem::temp_directory_path() / "seine-e2e-XXXXXX";
  directory_ = mkdtemp(pattern.data());
}

Fleet::~Fleet() {
  if (testing::Test::HasFailure()) DumpLogs();
  workers_.clear();
  earlier_coordinators_.clear();
  coordinator_.reset();
  simulator_.reset();
  std::filesystem::remove_all(directory_);
}

std::string Fleet::WorkerDirectory(const std::string& id) const {
  return StateDirectory() + "/workers/" + id;
}

void Fleet::StartSimulator(const WorldSize& world, const Arguments& arguments) {
  const std::string port_file = directory_ + "/sim.port";
  Arguments command = {Program("seine-sim"), "serve",       "--listen",
                       "127.0.0.1:0",        "--port-file", port_file};
  command = Joined(Joined(std::move(command), world.AsArguments()), arguments);
  simulator_ = std::make_unique<Process>(command, Environment{}, directory_ + "/sim.log");
  ASSERT_TRUE(Eventually(kStartDeadline * 3, [&] { return !ReadFile(port_file).empty(); }))
      << ReadFile(directory_ + "/sim.log");
  simulator_url_ = "127.0.0.1:" + std::to_string(std::stoi(ReadFile(port_file)));
}

Arguments Fleet::SimulatorUrls() const {
  const std::string base = "http://" + simulator_url_;
  return {"--data-url", base + "/data/v2", "--gamma-url",    base + "/gamma",
          "--clob-url", base + "/clob",    "--subgraph-url", base + "/subgraph",
          "--rpc-url",  base + "/rpc",     "--dome-url",     base + "/dome"};
}

void Fleet::StartCoordinator(const Arguments& arguments, const Environment& environment) {
  const std::string info = StateDirectory() + "/coordinator.json";
  std::filesystem::remove(info);
  std::filesystem::create_directories(StateDirectory());
  Arguments command = {Program("seine-coordinator"),
                       "--database",
                       database_url_,
                       "--state-dir",
                       StateDirectory(),
                       "--listen",
                       last_listen_,
                       "--http",
                       last_http_};
  for (const char* name :
       {"data_trades", "data_other", "gamma_markets", "gamma_other", "clob", "subgraph", "rpc"}) {
    command = Joined(std::move(command), {"--rate", std::string(name) + "=0"});
  }
  if (timings_ == Timings::kShort) command = Joined(std::move(command), kShortTimings);
  command = Joined(std::move(command), arguments);
  const std::string log = StateDirectory() + "-coordinator.log";
  coordinator_ = std::make_unique<Process>(command, environment, log);
  ASSERT_TRUE(Eventually(kStartDeadline, [&] { return Get("/healthz").is_null() == false; }))
      << ReadFile(log);
  last_listen_ = ListenAddress();  // a restarted coordinator is found where it was
  last_http_ = HttpAddress();
}

Process& Fleet::StartAnotherCoordinator() {
  earlier_coordinators_.push_back(std::move(coordinator_));
  state_name_ = "state-" + std::to_string(earlier_coordinators_.size() + 1);
  last_listen_ = "tcp://127.0.0.1:0";
  last_http_ = "127.0.0.1:0";
  StartCoordinator();
  return *earlier_coordinators_.back();
}

std::string Fleet::ListenAddress() const {
  const Json info = Json::parse(ReadFile(StateDirectory() + "/coordinator.json"), nullptr, false);
  return info.value("listen", "");
}

std::string Fleet::HttpAddress() const {
  const Json info = Json::parse(ReadFile(StateDirectory() + "/coordinator.json"), nullptr, false);
  return info.is_object() ? info.value("http", "") : "";
}

void Fleet::StartWorker(const std::string& id, const Environment& environment,
                        const Arguments& arguments) {
  Arguments command = {Program("seine-worker")};
  const auto add = [&](const std::string& option, const std::string& value) {
    const bool is_given = std::find(arguments.begin(), arguments.end(), option) != arguments.end();
    if (!is_given) command = Joined(std::move(command), {option, value});
  };
  add("--connect", last_listen_);
  add("--database", database_url_);
  add("--id", id);
  add("--state-dir", StateDirectory());
  command = Joined(Joined(std::move(command), SimulatorUrls()), arguments);
  workers_.insert_or_assign(id, Process(command, environment, directory_ + "/" + id + ".log"));
}

Json Fleet::Get(const std::string& path) {
  return GetFrom(HttpAddress(), path);
}

Json Fleet::GetFrom(const std::string& address, const std::string& path) {
  if (address.empty()) return nullptr;
  const auto result = ClientOf(address)->Get(path.c_str());
  if (!result || result->status != 200) return nullptr;
  const Json json = Json::parse(result->body, nullptr, false);
  return json.is_discarded() ? Json(result->body) : json;
}

long long Fleet::MetricOf(const std::string& address, const std::string& name) {
  const Json text = GetFrom(address, "/metrics");
  if (!text.is_string()) return -1;
  for (const std::string& line : Lines(text.get<std::string>())) {
    if (line.starts_with(name + " ")) return std::llround(std::stod(line.substr(name.size() + 1)));
  }
  return -1;
}

Json Fleet::Post(const std::string& path, const Json& body) {
  std::string key = ReadFile(StateDirectory() + "/admin.key");
  key.erase(std::remove(key.begin(), key.end(), '\n'), key.end());
  const httplib::Headers headers = {{"x-api-key", key}};
  return Parsed(
      ClientOf(HttpAddress())->Post(path.c_str(), headers, body.dump(), "application/json"));
}

std::string Fleet::Upload(const std::string& lines) {
  std::string key = ReadFile(StateDirectory() + "/admin.key");
  key.erase(std::remove(key.begin(), key.end(), '\n'), key.end());
  const httplib::Headers headers = {{"x-api-key", key}};
  const std::string selection = std::to_string(std::hash<std::string>{}(lines));
  const std::string path = "/api/admin/wallets?discovered_by=list&selection=" + selection;
  const auto result = ClientOf(HttpAddress())->Post(path.c_str(), headers, lines, "text/plain");
  EXPECT_TRUE(result && result->status / 100 == 2) << (result ? result->body : "no answer");
  return selection;
}

int Fleet::Ingest(const Json& request) {
  const Json answer = Post("/api/admin/ingest", request);
  return answer.is_object() ? answer.value("run", 0) : 0;
}

std::vector<std::string> Fleet::Wallets() {
  return Lines(AskSimulator("/sim/wallets"));
}

int Fleet::StartRun(const std::string& source) {
  return StartRunOf(Wallets(), source);
}

int Fleet::StartRunOf(const std::vector<std::string>& wallets, const std::string& source) {
  const int run = AskForRun(wallets, source);
  EXPECT_NE(run, 0) << "the coordinator took no run";
  return run;
}

int Fleet::AskForRun(const std::vector<std::string>& wallets, const std::string& source) {
  std::string lines;
  for (const std::string& wallet : wallets) lines += wallet + "\n";
  return Ingest({{"action", "process"}, {"source", source}, {"selection", Upload(lines)}});
}

Json Fleet::Run(int run) {
  return Get("/api/runs?run=" + std::to_string(run));
}

bool Fleet::AwaitWorkers(int live, Seconds timeout) {
  return Eventually(timeout, [&] {
    const Json status = Get("/api/status");
    return status.is_object() && status["fleet"].value("live", 0) >= live;
  });
}

bool Fleet::AwaitFinished(int run, Seconds timeout) {
  return Eventually(timeout, [&] {
    const Json answer = Run(run);
    return answer.is_object() &&
           (answer.value("state", "") == "finished" || answer.value("state", "") == "cancelled");
  });
}

long long Fleet::StoredTrades() {
  const std::string count = Value("SELECT count(*) FROM trade");
  return count.empty() ? -1 : std::stoll(count);
}

bool Fleet::AwaitTrades(long long at_least, Seconds timeout) {
  return Eventually(timeout, [&] { return StoredTrades() >= at_least; });
}

std::string Fleet::AskSimulator(const std::string& path) {
  const auto result = ClientOf(simulator_url_)->Get(path.c_str());
  EXPECT_TRUE(result && result->status == 200) << path;
  return result ? result->body : "";
}

Json Fleet::SimulatorStats() {
  return Parsed(ClientOf(simulator_url_)->Get("/sim/stats"));
}

void Fleet::SetFaults(const Json& faults) {
  TellSimulator("/sim/faults", faults);
}

void Fleet::TellSimulator(const std::string& path, const Json& body) {
  const auto result = ClientOf(simulator_url_)->Post(path.c_str(), body.dump(), "application/json");
  ASSERT_TRUE(result && result->status == 200) << (result ? result->body : "no answer");
}

std::string Fleet::Value(const std::string& sql) {
  auto connection = common::PgConnection::Open(database_url_);
  if (!connection) return "";
  const auto rows = connection->Exec(sql);
  if (!rows || rows->size() == 0) return "";
  return std::string(rows->Text(0, 0));
}

int Fleet::StartAction(const Json& request) {
  const int run = Ingest(request);
  EXPECT_NE(run, 0) << "the coordinator took no run: " << request.dump();
  return run;
}

std::string Fleet::StoredRows(const std::string& source) {
  std::string sql =
      "SELECT concat_ws(E'\\t', wallet_address, extract(epoch FROM traded_at)::bigint, "
      "transaction_hash, token_id, coalesce(condition_id, 'unknown'), side, (size * "
      "1000000)::bigint, "
      "(usdc_amount * 1000000)::bigint";
  const bool is_chain = source == "subgraph" || source == "rpc";
  if (is_chain) sql += ", (fee * 1000000)::bigint, role, exchange_version";
  if (source == "rpc") sql += ", log_index";
  sql += ") FROM trades_raw";
  auto connection = common::PgConnection::Open(database_url_);
  EXPECT_TRUE(connection.has_value());
  const auto rows = connection->Exec(sql);
  EXPECT_TRUE(rows.has_value()) << rows.error().message;
  std::string text;
  for (int row = 0; row < rows->size(); ++row) text.append(rows->Text(row, 0)).append("\n");
  return text;
}

void Fleet::ExpectOracle(const std::string& source) {
  const std::vector<std::string> expected =
      Sorted(Lines(AskSimulator("/sim/oracle?source=" + source)));
  const std::vector<std::string> stored = Sorted(Lines(StoredRows(source)));
  EXPECT_FALSE(expected.empty());
  ExpectNone("missing",
             Difference(Sorted(WithoutCondition(expected)), Sorted(WithoutCondition(stored))));
  ExpectNone("surplus",
             Difference(Sorted(WithoutCondition(stored)), Sorted(WithoutCondition(expected))));
  std::vector<std::string> resolved;
  std::copy_if(
      stored.begin(), stored.end(), std::back_inserter(resolved),
      [](const std::string& line) { return line.find(kUnknownCondition) == std::string::npos; });
  ExpectNone("wrongly resolved", Difference(resolved, expected));
}

void Fleet::ExpectOutcome(int run, const std::string& outcome) {
  ASSERT_TRUE(AwaitFinished(run)) << "run " << run << " did not finish: " << Run(run).dump();
  EXPECT_EQ(Run(run).value("outcome", ""), outcome) << Run(run).dump();
}

std::string Fleet::Log(const std::string& name) const {
  return ReadFile(directory_ + "/" + name + ".log");
}

void Fleet::DumpLogs() const {
  constexpr std::size_t kTail = 4000;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    if (entry.path().extension() != ".log") continue;
    const std::string text = ReadFile(entry.path());
    const std::size_t begin = text.size() > kTail ? text.size() - kTail : 0;
    std::cerr << "---- " << entry.path().filename() << "\n" << text.substr(begin) << "\n";
  }
}

}  // namespace e2e
