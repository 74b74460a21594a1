#include "worker/jobs/units.h"

#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "worker/sources/data_api.h"

namespace worker::jobs {
namespace {

using common::ErrorKind;
using common::Instant;
using common::WalletId;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Tells as many pages of one wallet each as its task says, counted by its position; with a "!"
// behind them they must join their neighbours. "@" in front: it asks the CLOB.
class CountingWalk final : public UnitWalk {
 public:
  explicit CountingWalk(const UnitTask& unit)
      : endpoint_(unit.task.front() == '@' ? Endpoint::kClob : Endpoint::kDataOther),
        pages_(std::stoi(unit.task.substr(endpoint_ == Endpoint::kClob ? 1 : 0))),
        settles_(unit.task.back() == '!'),
        at_(unit.position.empty() ? 0 : std::stoi(unit.position)) {}

  HttpRequest Next() override { return {endpoint_, std::to_string(at_), {}, {}}; }
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override {
    if (response.status == 429) return common::Error{ErrorKind::kThrottled, "slowly"};
    if (response.status == 400) return common::Error{ErrorKind::kRejected, "no"};
    if (response.status == 500) return common::Error{ErrorKind::kTransient, "choked"};
    UnitStep step;
    store::FoundWallet wallet;
    wallet.address.bytes[0] = static_cast<std::uint8_t>(++at_);
    step.rows.wallets.push_back(wallet);
    step.told = 1;
    step.position = std::to_string(at_);
    step.done = at_ >= pages_;
    if (step.done && settles_) step.span.emplace();
    return step;
  }
  void GoBack(const store::BrokenSpan&) override { at_ = 0; }
  bool Restart() override { return std::exchange(at_, 0) != 0; }

 private:
  const Endpoint endpoint_;
  const int pages_;
  const bool settles_;
  int at_;
};

HttpResponse Answer(int status) {
  HttpResponse response;
  response.status = status;
  return response;
}

class UnitJobTest : public testing::Test {
 protected:
  void Begin(const std::vector<std::string>& tasks, const std::string& position = "",
             const std::string& kind = "holders", Horizon* horizon = nullptr) {
    ChunkTask chunk{{common::ChunkId{3}, common::Epoch{8}}, common::RunId{1}, "auto"};
    chunk.kind = kind;
    for (const std::string& task : tasks) {
      const auto id = static_cast<std::int32_t>(chunk.units.size()) + 1;
      chunk.units.push_back({WalletId{id}, task, position, 0});
    }
    job_.emplace(
        std::move(chunk),
        [](const ChunkTask&, const UnitTask& unit) -> common::Result<std::unique_ptr<UnitWalk>> {
          if (unit.task == "?") return common::Error{ErrorKind::kRejected, "what is that?"};
          return std::unique_ptr<UnitWalk>(std::make_unique<CountingWalk>(unit));
        },
        horizon, desk_, limits_, 1);
  }
  void Turn() {
    while (job_->Wants(now_, job_->begun() < 4)) {
      const PageQuery query = job_->Next(now_, job_->begun() < 4);
      (void)job_->OnResponse(query.place, Answer(status_(query)), now_);
      Store();
    }
    Store();
  }
  void Store() {
    while (job_->BatchDue(now_)) {
      const store::UnitBatch batch = job_->TakeBatch();
      ++batches_;
      rows_ += batch.rows.size();
      for (const auto& unit : batch.units) {
        if (unit.position) positions_[unit.unit] = *unit.position;
        states_[unit.unit] = unit.state;
      }
      job_->OnWritten({fence_, batch.rows.size(), broken_(batch)});
    }
  }
  void Run() {
    for (int i = 0; i < 3000 && !job_->finished() && !job_->fenced(); ++i) {
      Turn();
      now_ += milliseconds(100);
    }
  }
  WalletOutcome OutcomeOf(std::int32_t id) const {
    for (const auto& outcome : job_->outcomes()) {
      if (outcome.wallet == WalletId{id}) return outcome;
    }
    ADD_FAILURE() << "no outcome of unit " << id;
    return {};
  }

  Instant now_{seconds(5000)};
  Resolver resolver_{Upstreams{}};
  TokenDesk desk_{resolver_};
  UnitLimits limits_;
  std::optional<UnitJob> job_;
  std::function<int(const PageQuery&)> status_ = [](const PageQuery&) {
    return 200;
  };
  std::function<std::vector<store::BrokenSpan>(const store::UnitBatch&)> broken_ =
      [](const store::UnitBatch&) {
        return std::vector<store::BrokenSpan>();
      };
  bool fence_ = false;
  int batches_ = 0;
  std::size_t rows_ = 0;
  std::map<WalletId, std::string> positions_;
  std::map<WalletId, store::WalletState> states_;
};

TEST_F(UnitJobTest, EveryUnitIsWalkedToItsEnd) {
  Begin({"1", "5", "30", "2", "7", "1"});
  Run();
  EXPECT_TRUE(job_->finished());
  EXPECT_EQ(rows_, 46U);
  EXPECT_EQ(job_->rows_stored(), 46U);
  EXPECT_EQ(job_->outcomes().size(), 6U);
  EXPECT_EQ(states_[WalletId{3}], store::WalletState::kCompleted);
}

TEST_F(UnitJobTest, WalkGoesOnFromItsStoredPosition) {
  Begin({"10"}, "7");
  Run();
  EXPECT_EQ(rows_, 3U);
}

TEST_F(UnitJobTest, BatchesAreBounded) {
  limits_.batch_others = 5;
  Begin({"22"});
  Run();
  EXPECT_EQ(rows_, 22U);
  EXPECT_EQ(batches_, 5);
}

TEST_F(UnitJobTest, ThrottledUnitIsTriedAgainAndNeighboursGoOn) {
  int failures = 0;
  status_ = [&](const PageQuery& query) {
    return query.id == WalletId{1} && ++failures < 4 ? 429 : 200;
  };
  Begin({"3", "3"});
  Run();
  EXPECT_EQ(rows_, 6U);
  EXPECT_EQ(job_->retries(), 3U);
}

TEST_F(UnitJobTest, AfterSeveralTriesItFailsAndKeepsItsPosition) {
  status_ = [](const PageQuery& query) {
    return query.request.url == "2" ? 429 : 200;
  };
  Begin({"5", "1"});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kFailed);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(positions_[WalletId{1}], "2");
}

TEST_F(UnitJobTest, RefusedPositionBeginsTheWalkAnewOnce) {
  status_ = [](const PageQuery& query) {
    return query.request.url == "7" ? 400 : 200;
  };
  Begin({"7", "9"}, "7");
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kRejected);
}

TEST_F(UnitJobTest, StoredPositionThatNeverYieldsBeginsTheWalkAnewOnce) {
  status_ = [](const PageQuery& query) {
    return query.request.url == "7" ? 500 : 200;
  };
  Begin({"7", "9"}, "7");
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kFailed);
  EXPECT_EQ(positions_[WalletId{2}], "7");
}

TEST_F(UnitJobTest, WhereNobodyTellsHowFreshTheFeedsAreWalletsAreFoundAllTheSame) {
  const sources::DataApi source("http://data/v2");
  Horizon silent(source, 1);
  const auto outcome_of = [&](const std::string& kind) {
    Begin({"3"}, "", kind, &silent);
    for (int i = 0; i < 3000 && !job_->finished(); ++i) {
      if (silent.Wants(now_)) {
        (void)silent.Ask(now_);
        (void)silent.OnResponse(Answer(503), now_, 1);
      }
      Turn();
      now_ += milliseconds(100);
    }
    return OutcomeOf(1).kind;
  };
  EXPECT_EQ(outcome_of("activity"), WalletOutcome::Kind::kFailed);
  EXPECT_EQ(outcome_of("holders"), WalletOutcome::Kind::kComplete);
}

TEST_F(UnitJobTest, NobodyWaitsAgainForAHorizonThatHasFailed) {
  const sources::DataApi source("http://data/v2");
  Horizon silent(source, 1);
  Begin({"99"}, "", "holders", &silent);
  int waited = 0;
  for (int asked = 0; asked < 50; now_ += milliseconds(100)) {
    if (silent.Wants(now_)) {
      (void)silent.Ask(now_);
      (void)silent.OnResponse(Answer(503), now_, 1);
    }
    if (job_->Wants(now_, true)) {
      (void)job_->OnResponse(job_->Next(now_, true).place, Answer(200), now_);
      ++asked;
    } else {
      ++waited;
      ASSERT_EQ(asked, 0);
    }
  }
  EXPECT_GT(waited, 0);
}

TEST_F(UnitJobTest, UnknownTaskIsRejectedAndCostsNobodyElse) {
  Begin({"?", "2"});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kRejected);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(UnitJobTest, FencedReceiptEndsTheJob) {
  fence_ = true;
  Begin({"3"});
  Run();
  EXPECT_TRUE(job_->fenced());
  EXPECT_EQ(job_->parts_done(), 0U);
}

TEST_F(UnitJobTest, RefusedBatchMakesItsUnitsSuspect) {
  Begin({"3", "400"});
  while (job_->Wants(now_, true) && job_->outcomes().empty()) {
    const PageQuery query = job_->Next(now_, true);
    (void)job_->OnResponse(query.place, Answer(200), now_);
  }
  (void)job_->TakeBatch();
  job_->OnRefused({ErrorKind::kRejected, "overflow"}, now_);
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kSuspect);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kSuspect);
}

TEST_F(UnitJobTest, UnitThatMustJoinIsDoneWhenItsBatchSaysSo) {
  Begin({"3!", "2"});
  while (job_->Wants(now_, true)) {
    const PageQuery query = job_->Next(now_, true);
    (void)job_->OnResponse(query.place, Answer(200), now_);
  }
  EXPECT_EQ(job_->outcomes().size(), 1U);
  EXPECT_FALSE(job_->stored());
  Run();
  EXPECT_TRUE(job_->finished());
  EXPECT_EQ(job_->parts_done(), 2U);
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(UnitJobTest, UnitThatDoesNotJoinGoesBackAndTellsMore) {
  int times = 0;
  broken_ = [&](const store::UnitBatch& batch) {
    std::vector<store::BrokenSpan> broken;
    for (const auto& unit : batch.units) {
      if (unit.span && ++times < 3) broken.push_back({unit.unit});
    }
    return broken;
  };
  Begin({"3!", "2"});
  Run();
  EXPECT_TRUE(job_->finished());
  EXPECT_EQ(rows_, 3U * 3 + 2);
  EXPECT_EQ(job_->outcomes().size(), 2U);
  EXPECT_EQ(job_->parts_done(), 2U);
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(UnitJobTest, EndpointWithoutRoomHoldsUpNobodyElse) {
  Begin({"@3", "2", "@4", "2"});
  EndpointSet clob;
  clob.set(static_cast<std::size_t>(Endpoint::kClob));
  ASSERT_TRUE(job_->Wants(now_, true));
  ASSERT_EQ(job_->endpoint(), Endpoint::kClob);
  job_->HoldBack(clob);
  std::vector<std::int32_t> asked;
  for (int turn = 0; turn < 3; ++turn) {
    while (job_->Wants(now_, true)) {
      ASSERT_EQ(job_->endpoint(), Endpoint::kDataOther);
      const PageQuery query = job_->Next(now_, true);
      asked.push_back(query.id.value);
      (void)job_->OnResponse(query.place, Answer(200), now_);
    }
  }
  EXPECT_EQ(asked, (std::vector<std::int32_t>{2, 2, 4, 4}));
  EXPECT_EQ(job_->ready(Endpoint::kClob), 2U);
  EXPECT_EQ(job_->ready(Endpoint::kDataOther), 0U);
  job_->HoldBack({});
  Run();
  EXPECT_TRUE(job_->finished());
  EXPECT_EQ(rows_, 11U);
}

TEST_F(UnitJobTest, NoMoreUnitsBeginThanAFewWhereNoneMayAsk) {
  Begin(std::vector<std::string>(40, "@1"));
  EndpointSet clob;
  clob.set(static_cast<std::size_t>(Endpoint::kClob));
  job_->HoldBack(clob);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(job_->Wants(now_, true));
  EXPECT_LE(job_->begun(), 4U);
}

TEST_F(UnitJobTest, GivesBackWhatIsNotBegun) {
  Begin({"3", "3", "3", "3", "3", "3"});
  ASSERT_TRUE(job_->Wants(now_, true));
  const PageQuery query = job_->Next(now_, true);
  EXPECT_EQ(job_->GiveBack().size(), 5U);
  (void)job_->OnResponse(query.place, Answer(200), now_);
  Run();
  EXPECT_TRUE(job_->stored());
  EXPECT_EQ(job_->outcomes().size(), 1U);
}

}  // namespace
}  // namespace worker::jobs
