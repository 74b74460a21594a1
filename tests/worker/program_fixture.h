// The real seine-worker against the simulator and PostgreSQL; the test plays the coordinator.
#pragma once

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/channel.h"
#include "proto/seine.pb.h"
#include "tests/support/postgres_test.h"
#include "tests/worker/temporary_directory.h"

namespace worker {

using std::chrono::seconds;
using Arguments = std::vector<std::string>;

// A program that is killed with its owner.
class Child {
 public:
  Child(const std::string& program, Arguments arguments, const Arguments& environment = {}) {
    arguments.insert(arguments.begin(), std::string(SEINE_BIN_DIR) + "/" + program);
    pid_ = fork();
    if (pid_ != 0) return;
    for (const std::string& entry : environment) putenv(strdup(entry.c_str()));
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void Signal(int number) const { kill(pid_, number); }
  // 128 + the signal where one ended it; -1 if it has not ended in time.
  int Wait() {
    const auto until = std::chrono::steady_clock::now() + seconds(40);
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() >= until) return -1;
      poll(nullptr, 0, 5);
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

inline std::vector<std::string> OutputOf(const std::string& command) {
  std::vector<std::string> lines;
  std::FILE* const pipe = popen(command.c_str(), "r");
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    text.push_back(static_cast<char>(c));
  }
  pclose(pipe);
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class ProgramTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    tests::PostgresTest::SetUp();
    if (IsSkipped()) return;
    auto server = proto::ServerChannel::Open(context_, {"tcp://127.0.0.1:0", "", false});
    ASSERT_TRUE(server.has_value());
    server_ = std::move(*server);
  }

  // --- The simulator.
  void ServeWorld(const std::string& world, Arguments more = {}) {
    world_ = world;
    port_.clear();
    std::remove((directory_.path() + "/port").c_str());
    Arguments arguments = {"serve", "--listen", "127.0.0.1:0", "--port-file",
                           directory_.path() + "/port"};
    std::istringstream words(world);
    for (std::string word; words >> word;) arguments.push_back(word);
    arguments.insert(arguments.end(), more.begin(), more.end());
    simulator_.emplace("seine-sim", arguments);
    const auto until = std::chrono::steady_clock::now() + seconds(30);
    while (std::chrono::steady_clock::now() < until && port_.empty()) {
      std::ifstream file(directory_.path() + "/port");
      std::getline(file, port_);
      if (port_.empty()) poll(nullptr, 0, 10);
    }
    ASSERT_FALSE(port_.empty()) << "the simulator does not serve";
    const std::string sim = std::string(SEINE_BIN_DIR) + "/seine-sim ";
    addresses_ = OutputOf(sim + "wallets " + world_);
    expected_rows_ = OutputOf(sim + "oracle " + world_).size();
  }
  Arguments WorkerArguments(const std::string& id) const {
    const std::string base = "http://127.0.0.1:" + port_;
    return {"--connect",      server_->endpoint(),
            "--id",           id,
            "--state-dir",    directory_.path() + "/" + id,
            "--database",     url_,
            "--data-url",     base + "/data/v2",
            "--gamma-url",    base + "/gamma",
            "--clob-url",     base + "/clob",
            "--subgraph-url", base + "/subgraph",
            "--rpc-url",      base + "/rpc"};
  }

  // --- The coordinator.
  proto::Envelope Await(proto::Envelope::BodyCase kind,
                        std::chrono::seconds patience = seconds(60)) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
      for (const proto::Incoming& incoming : server_->Receive()) {
        connection_ = incoming.connection;
        if (incoming.message.has_beat()) {
          last_beat_ = incoming.message.beat();
          peak_rss_ = std::max(peak_rss_, last_beat_.rss_bytes());
          Acknowledge(last_beat_);
        }
        if (incoming.message.body_case() == kind) return incoming.message;
      }
      pollfd waiting{server_->fd(), POLLIN, 0};
      poll(&waiting, 1, 20);
    }
    ADD_FAILURE() << "no message of kind " << kind;
    return {};
  }
  void Send(const proto::Envelope& message) { server_->Send(connection_, message); }
  void Acknowledge(const proto::Beat& beat) {
    proto::Envelope message;
    message.mutable_beat_ack()->set_session(1);
    message.mutable_beat_ack()->set_sequence(beat.sequence());
    message.mutable_beat_ack()->set_term(1);
    Send(message);
  }
  void Welcome() {
    Await(proto::Envelope::kHello);
    proto::Envelope message;
    message.mutable_welcome()->set_session(1);
    message.mutable_welcome()->set_term(1);
    message.mutable_welcome()->set_heartbeat_ms(100);
    message.mutable_welcome()->set_lease_ms(15000);
    Send(message);
  }
  // A leased chunk of all the world's wallets, as the coordinator's ledger writes it.
  void AssignAll() {
    proto::Envelope message;
    auto& assign = *message.mutable_assign();
    assign.set_session(1);
    assign.set_term(1);
    assign.set_kind("trades");
    assign.set_source("auto");
    Query("INSERT INTO run (run_id, kind, state) VALUES (1, 'trades', 'running')");
    std::string ids = "{";
    for (const std::string& text : addresses_) {
      const auto address = common::WalletAddress::Parse(text);
      ASSERT_TRUE(address.has_value()) << text;
      const std::int64_t id = QueryInt("INSERT INTO wallet (address, discovered_by) VALUES ('\\x" +
                                       text.substr(2) + "', 'list') RETURNING wallet_id::bigint");
      auto& wallet = *assign.add_wallets();
      wallet.set_wallet_id(static_cast<std::int32_t>(id));
      wallet.set_address(std::string(address->bytes.begin(), address->bytes.end()));
      ids += (ids.size() > 1 ? "," : "") + std::to_string(id);
    }
    Query(
        "INSERT INTO chunk (chunk_id, run_id, kind, state, epoch, weight, wallets) VALUES "
        "(3, 1, 'trades', 'leased', 8, 1, '" +
        ids + "}')");
    assign.set_run(1);
    assign.set_chunk(3);
    assign.set_epoch(8);
    Send(message);
  }
  void DoneAck() {
    proto::Envelope message;
    message.mutable_done_ack()->set_session(1);
    message.mutable_done_ack()->set_chunk(3);
    message.mutable_done_ack()->set_epoch(8);
    Send(message);
  }
  std::int64_t Rows() const { return QueryInt("SELECT count(*) FROM trade"); }

  TemporaryDirectory directory_;
  proto::Context context_;
  std::unique_ptr<proto::ServerChannel> server_;
  proto::ConnectionId connection_;
  proto::Beat last_beat_;
  std::uint64_t peak_rss_ = 0;  // of all beats
  std::optional<Child> simulator_;
  std::string world_;
  std::string port_;
  std::vector<std::string> addresses_;
  std::size_t expected_rows_ = 0;
};

}  // namespace worker
