// The network loop with real channels, a memory store and an upstream that answers at once; the
// test plays the coordinator.
#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>

#include "proto/channel.h"
#include "tests/worker/jobs/fake_source.h"
#include "tests/worker/memory_trade_store.h"
#include "tests/worker/temporary_directory.h"
#include "worker/worker.h"

namespace worker {
namespace {

using common::Duration;
using common::WalletId;
using jobs::FakeSource;
using std::chrono::milliseconds;
using std::chrono::seconds;

class InstantHttp final : public HttpClient {
 public:
  std::uint64_t Start(const HttpRequest&) override {
    HttpResponse response;
    response.id = ++last_id_;
    response.status = 200;
    response.body = "ok";
    waiting_.push_back(std::move(response));
    return last_id_;
  }
  std::vector<HttpResponse> Collect() override { return std::exchange(waiting_, {}); }
  bool idle() const { return waiting_.empty(); }

 private:
  std::uint64_t last_id_ = 0;
  std::vector<HttpResponse> waiting_;
};

class LoopTest : public testing::Test {
 protected:
  LoopTest() {
    auto server = proto::ServerChannel::Open(context_, {"tcp://127.0.0.1:0", "", false});
    server_ = std::move(server.value());
    auto client = proto::ClientChannel::Open(context_, {server_->endpoint(), {}});
    client_ = std::move(client.value());
    checkpoint_.emplace(Checkpoint::Open(directory_.path(), common::WorkerId{"w-1"}).value());
    store_loop_.emplace(store_, *checkpoint_, clock_, 1);
    worker_.emplace(
        WorkerParts{clock_,
                    signals_,
                    *client_,
                    http_,
                    [this](Duration time, std::span<const int> fds) { Wait(time, fds); },
                    {&source_},
                    resolver_,
                    session_,
                    pace_,
                    *store_loop_},
        WorkerLimits{}, 1);
    store_loop_->Start();
    thread_ = std::thread([this] { code_ = worker_->Run(); });
  }
  ~LoopTest() override {
    if (thread_.joinable()) {
      Fence();
      thread_.join();
    }
    store_loop_->Stop(seconds(5));
  }

  void Wait(Duration time, std::span<const int> fds) const {
    if (!http_.idle()) return;
    std::vector<pollfd> polled;
    for (const int fd : fds) polled.push_back({fd, POLLIN, 0});
    poll(polled.data(), polled.size(),
         static_cast<int>(std::chrono::ceil<milliseconds>(time).count()));
  }

  // --- The coordinator's side.
  proto::Envelope Await(proto::Envelope::BodyCase kind) {
    const auto until = clock_.Now() + seconds(20);
    while (clock_.Now() < until) {
      for (auto& incoming : server_->Receive()) {
        connection_ = incoming.connection;
        if (incoming.message.has_beat()) Acknowledge(incoming.message.beat());
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
  void Assign(std::int64_t chunk, std::int64_t epoch, const std::vector<std::size_t>& fills) {
    proto::Envelope message;
    auto& assign = *message.mutable_assign();
    assign.set_session(1);
    assign.set_term(1);
    assign.set_chunk(chunk);
    assign.set_epoch(epoch);
    assign.set_run(1);
    assign.set_kind("trades");
    assign.set_source("auto");
    for (std::size_t i = 0; i < fills.size(); ++i) {
      const auto id = static_cast<std::int32_t>(i) + 1;
      const auto address = FakeSource::AddressOf(id, fills[i]);
      assign.add_wallets()->set_wallet_id(id);
      assign.mutable_wallets()->rbegin()->set_address(
          std::string(address.bytes.begin(), address.bytes.end()));
    }
    Send(message);
  }
  void DoneAck(const proto::Finished& finished) {
    proto::Envelope message;
    message.mutable_done_ack()->set_session(1);
    message.mutable_done_ack()->set_chunk(finished.chunk());
    message.mutable_done_ack()->set_epoch(finished.epoch());
    Send(message);
  }
  void Drain(proto::DrainMode mode) {
    proto::Envelope message;
    message.mutable_drain()->set_session(1);
    message.mutable_drain()->set_mode(mode);
    message.mutable_drain()->set_deadline_ms(5000);
    Send(message);
  }
  void Fence() {
    proto::Envelope message;
    message.mutable_fenced()->set_session(1);
    Send(message);
  }
  int Join() {
    thread_.join();
    return code_;
  }

  common::SystemClock clock_;
  common::Signals signals_;
  TemporaryDirectory directory_;
  proto::Context context_;
  std::unique_ptr<proto::ServerChannel> server_;
  std::unique_ptr<proto::ClientChannel> client_;
  InstantHttp http_;
  FakeSource source_{common::Source::kDataApi, 1000};
  Resolver resolver_{Upstreams{}};
  Session session_{{common::WorkerId{"w-1"}, std::string(16, 'i'), "host", 1, "dir", "0"}, {}, 1};
  Pace pace_{{}, 1, clock_.Now()};
  MemoryTradeStore store_;
  std::optional<Checkpoint> checkpoint_;
  std::optional<StoreLoop> store_loop_;
  std::optional<Worker> worker_;
  std::thread thread_;
  int code_ = -1;
  proto::ConnectionId connection_;
};

TEST_F(LoopTest, DoesAChunkThenDrains) {
  Welcome();
  EXPECT_EQ(Await(proto::Envelope::kCredit).credit().chunks(), 2U);
  Assign(3, 8, {25'000, 0, 999});
  EXPECT_EQ(Await(proto::Envelope::kAccept).accept().chunk(), 3);
  const auto finished = Await(proto::Envelope::kFinished).finished();
  EXPECT_EQ(finished.rows(), 25'999U);
  EXPECT_EQ(finished.outcomes_size(), 3);
  EXPECT_EQ(store_.rows(), 25'999U);
  EXPECT_EQ(store_.states().at(2), store::WalletState::kCompleted);
  DoneAck(finished);
  Drain(proto::GRACEFUL);
  Await(proto::Envelope::kBye);
  EXPECT_EQ(Join(), 0);
}

TEST_F(LoopTest, BeatTellsProgressAndUse) {
  Welcome();
  Assign(3, 8, {5});
  const auto finished = Await(proto::Envelope::kFinished).finished();
  DoneAck(finished);
  const auto beat = Await(proto::Envelope::kBeat).beat();
  EXPECT_EQ(beat.trades(), 5U);
  EXPECT_GT(beat.rss_bytes(), 1'000'000U);
  EXPECT_EQ(beat.endpoints_size(), kEndpointCount);
}

TEST_F(LoopTest, FenceOfTheDatabaseDropsTheChunk) {
  store_.FenceBelow(common::Epoch{9});
  Welcome();
  Assign(3, 8, {25});
  EXPECT_EQ(Await(proto::Envelope::kFenced).fenced().epoch(), 8);
  EXPECT_EQ(store_.rows(), 0U);
  Drain(proto::GRACEFUL);
  EXPECT_EQ(Join(), 0);
}

TEST_F(LoopTest, WaitsForADatabaseThatIsAway) {
  store_.TakeAway("connection refused");
  Welcome();
  Assign(3, 8, {100'000});
  const auto until = clock_.Now() + seconds(10);
  while (store_.writes() < 2 && clock_.Now() < until) Await(proto::Envelope::kBeat);
  store_.TakeAway("");
  EXPECT_EQ(Await(proto::Envelope::kFinished).finished().rows(), 100'000U);
}

TEST_F(LoopTest, QuickDrainCommitsWhatIsFetchedAndGivesTheRestBack) {
  store_.TakeAway("connection refused");
  Welcome();
  Assign(3, 8, {1'000'000});
  const auto until = clock_.Now() + seconds(10);
  while (store_.writes() < 1 && clock_.Now() < until) Await(proto::Envelope::kBeat);
  Drain(proto::QUICK);
  store_.TakeAway("");
  const auto release = Await(proto::Envelope::kRelease).release();
  EXPECT_EQ(release.chunk(), 3);
  EXPECT_EQ(release.wallets_size(), 0);
  EXPECT_GT(store_.rows(), 0U);
  EXPECT_EQ(Join(), 0);
}

TEST_F(LoopTest, RefusedBatchFailsItsWalletsOnly) {
  store_.Refuse(common::ChunkId{3});
  Welcome();
  Assign(3, 8, {25});
  const auto finished = Await(proto::Envelope::kFinished).finished();
  EXPECT_EQ(finished.outcomes(0).kind(), proto::WalletOutcome::SUSPECT);
  EXPECT_EQ(finished.outcomes(0).reason(), "overflow");
}

TEST_F(LoopTest, UnknownSourceIsRefusedWithItsReason) {
  Welcome();
  proto::Envelope message;
  auto& assign = *message.mutable_assign();
  assign.set_session(1);
  assign.set_term(1);
  assign.set_chunk(3);
  assign.set_epoch(8);
  assign.set_run(1);
  assign.set_kind("trades");
  assign.set_source("dome");
  assign.add_wallets()->set_wallet_id(1);
  assign.mutable_wallets(0)->set_address(std::string(20, 'a'));
  Send(message);
  const auto finished = Await(proto::Envelope::kFinished).finished();
  EXPECT_EQ(finished.outcomes(0).kind(), proto::WalletOutcome::REJECTED);
}

TEST_F(LoopTest, FencedProcessEndsWith78) {
  Welcome();
  Await(proto::Envelope::kBeat);
  Fence();
  EXPECT_EQ(Join(), 78);
}

}  // namespace
}  // namespace worker
