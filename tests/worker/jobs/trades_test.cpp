#include "worker/jobs/trades.h"

#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/worker/jobs/fake_source.h"

namespace worker::jobs {
namespace {

using common::Duration;
using common::ErrorKind;
using common::Instant;
using common::WalletId;
using std::chrono::milliseconds;
using std::chrono::seconds;

HttpResponse Answer(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  if (status == 0) response.failure = "cut";
  return response;
}

// An upstream, a store and a clock around one job.
class TradesJobTest : public testing::Test {
 protected:
  static constexpr common::UnixSeconds kWall = 1'700'000'000;

  // Wallet i has fills[i - 1] fills.
  void Begin(const std::vector<std::size_t>& fills) {
    ChunkTask task{{common::ChunkId{3}, common::Epoch{8}}, common::RunId{1}, "auto", {}};
    for (std::size_t i = 0; i < fills.size(); ++i) {
      const auto id = static_cast<std::int32_t>(i) + 1;
      task.wallets.push_back({WalletId{id}, FakeSource::AddressOf(id, fills[i]), cursors_});
    }
    job_.emplace(std::move(task), horizon_, desk_, limits_, 1);
  }
  void LearnHorizon() {
    ASSERT_TRUE(horizon_.Get(now_).has_value());
    horizon_.Ask(now_);
    (void)horizon_.OnResponse(Answer(200, "ok"), now_, kWall);
  }
  // Asks for one page and answers it.
  void OnePage() {
    LearnHorizon();
    ASSERT_TRUE(job_->Wants(now_, true));
    const PageQuery query = job_->Next(now_, true);
    (void)job_->OnResponse(query.place, Answer(200, "ok"), now_);
  }

  // One turn of the loop: everything that may be asked is asked and answered.
  void Turn() {
    if (horizon_.Wants(now_)) {
      horizon_.Ask(now_);
      (void)horizon_.OnResponse(freshness_(), now_, kWall);
    }
    while (job_->Wants(now_, job_->begun() < in_flight_)) {
      const PageQuery query = job_->Next(now_, job_->begun() < in_flight_);
      ++requests_;
      most_begun_ = std::max(most_begun_, job_->begun());
      (void)job_->OnResponse(query.place, upstream_(query), now_);
      Store();
    }
    Store();
  }
  void Store() {
    while (job_->BatchDue(now_)) {
      const store::Batch batch = job_->TakeBatch(now_);
      ++batches_;
      largest_batch_ = std::max(largest_batch_, batch.rows.size());
      most_unwritten_ = std::max(most_unwritten_, job_->unwritten_rows());
      if (std::exchange(refuse_, false)) {
        job_->OnRefused({ErrorKind::kRejected, "numeric overflow"}, now_);
        continue;
      }
      store::Receipt receipt;
      receipt.fenced = fence_;
      if (!fence_) Keep(batch, receipt);
      job_->OnWritten(receipt);
    }
    for (auto& command : desk_.TakeCommands(now_, true)) {
      if (auto* check = std::get_if<CheckTokens>(&command)) desk_.OnChecked({check->tokens, {}});
    }
  }
  void Keep(const store::Batch& batch, store::Receipt& receipt) {
    EXPECT_EQ(batch.chunk, common::ChunkId{3});
    EXPECT_EQ(batch.epoch, common::Epoch{8});
    for (const auto& row : batch.rows) {
      if (rows_[row.wallet].insert(row.trade.event_key).second) ++receipt.stored;
    }
    for (const auto& progress : batch.wallets) {
      const bool contradicts = progress.nothing_since && has_stored_.contains(progress.wallet);
      if (contradicts) receipt.contradicted.push_back(progress.wallet);
      auto& known = progress_[progress.wallet];
      const auto cursor = progress.cursor ? progress.cursor : known.cursor;
      takeovers_ += progress.takes_over ? 1 : 0;
      known = progress;
      known.cursor = cursor;
    }
  }
  void Run(Duration at_most = std::chrono::minutes(10)) {
    const Instant until = now_ + at_most;
    while (!job_->finished() && !job_->fenced() && now_ < until) {
      Turn();
      now_ += milliseconds(100);
    }
  }
  WalletOutcome OutcomeOf(std::int32_t id) const {
    for (const auto& outcome : job_->outcomes()) {
      if (outcome.wallet == WalletId{id}) return outcome;
    }
    ADD_FAILURE() << "no outcome of wallet " << id;
    return {};
  }
  std::size_t RowsOf(std::int32_t id) { return rows_[WalletId{id}].size(); }
  const store::WalletProgress& ProgressOf(std::int32_t id) { return progress_[WalletId{id}]; }

  // The upstream fails like this for the first `times` requests of wallet 1.
  void FailFirst(int times, const HttpResponse& with) {
    upstream_ = [this, times, with](const PageQuery& query) {
      if (query.id != WalletId{1} || failures_ >= times) return Answer(200, "ok");
      ++failures_;
      return with;
    };
  }

  Instant now_{seconds(5000)};
  FakeSource source_;
  Horizon horizon_{source_, 1};
  Resolver resolver_{Upstreams{}};
  TokenDesk desk_{resolver_};
  TradesLimits limits_;
  std::vector<common::Cursor> cursors_;
  std::optional<TradesJob> job_;
  std::function<HttpResponse()> freshness_ = [] {
    return Answer(200, "ok");
  };
  std::function<HttpResponse(const PageQuery&)> upstream_ = [](const PageQuery&) {
    return Answer(200, "ok");
  };
  std::set<WalletId> has_stored_;  // trades, before the job
  std::uint32_t in_flight_ = 4;
  bool fence_ = false;
  bool refuse_ = false;

  std::map<WalletId, std::set<std::int64_t>> rows_;
  std::map<WalletId, store::WalletProgress> progress_;
  int requests_ = 0;
  int failures_ = 0;
  int batches_ = 0;
  int takeovers_ = 0;
  std::uint32_t most_begun_ = 0;
  std::size_t largest_batch_ = 0;
  std::size_t most_unwritten_ = 0;
};

TEST_F(TradesJobTest, StoresEveryFillOfEveryWallet) {
  Begin({0, 1, 9, 10, 11, 35});
  Run();
  ASSERT_TRUE(job_->finished());
  EXPECT_EQ(RowsOf(1), 0U);
  EXPECT_EQ(RowsOf(4), 10U);
  EXPECT_EQ(RowsOf(6), 35U);
  EXPECT_EQ(job_->rows_stored(), 66U);
  EXPECT_EQ(job_->parts_done(), 6U);
  EXPECT_LE(most_begun_, in_flight_);
}

TEST_F(TradesJobTest, CompleteWalletHasItsProvenEndInTheLastBatch) {
  Begin({25});
  Run();
  EXPECT_EQ(ProgressOf(1).state, store::WalletState::kCompleted);
  EXPECT_EQ(ProgressOf(1).cursor->complete_to, kWall);
  EXPECT_EQ(ProgressOf(1).cursor->position, "");
  EXPECT_EQ(ProgressOf(1).last_trade_ts, 25);
}

TEST_F(TradesJobTest, GoesOnFromAStoredCursor) {
  cursors_ = {{common::Source::kDataApi, 1, 0, "20"}};
  Begin({25});
  Run();
  EXPECT_EQ(RowsOf(1), 5U);
  EXPECT_EQ(requests_, 1);
}

TEST_F(TradesJobTest, TakesOverFromTheArchiveOnce) {
  cursors_ = {{common::Source::kSubgraph, 1, 700, ""}};
  limits_.batch_rows = 10;
  Begin({25});
  Run();
  EXPECT_EQ(takeovers_, 1);
  EXPECT_EQ(ProgressOf(1).cursor->owned_from, 701);
}

TEST_F(TradesJobTest, NothingIsAskedBeforeTheHorizonIsKnown) {
  Begin({5});
  EXPECT_FALSE(job_->Wants(now_, true));
  EXPECT_TRUE(horizon_.Wants(now_));
}

TEST_F(TradesJobTest, OneHorizonServesManyWallets) {
  int asked = 0;
  freshness_ = [&] {
    ++asked;
    return Answer(200, "ok");
  };
  Begin(std::vector<std::size_t>(50, 30));
  Run();
  EXPECT_EQ(asked, 1);
}

TEST_F(TradesJobTest, StaleUpstreamFailsTheWalletsAndCompletesNone) {
  freshness_ = [] {
    return Answer(200, "stale");
  };
  Begin({5, 5});
  Run();
  ASSERT_TRUE(job_->finished());
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kFailed);
  EXPECT_NE(OutcomeOf(2).reason.find("stale"), std::string::npos);
  EXPECT_EQ(ProgressOf(1).state, store::WalletState::kFailed);
  EXPECT_FALSE(ProgressOf(1).cursor.has_value());
}

TEST_F(TradesJobTest, UpstreamThatIsFreshAgainIsBelievedAgain) {
  freshness_ = [] {
    return Answer(200, "stale");
  };
  Begin({5});
  Run();
  freshness_ = [] {
    return Answer(200, "ok");
  };
  now_ += seconds(5);  // the coordinator's first round of retries
  Begin({5});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(TradesJobTest, EveryPassingFailureIsTriedAgain) {
  const std::vector<HttpResponse> failures = {
      Answer(429, ""), Answer(500, ""),        Answer(503, "<html>"),    Answer(522, ""),
      Answer(0, ""),   Answer(200, "garbled"), Answer(200, "malformed"), Answer(200, "stuck")};
  for (const HttpResponse& failure : failures) {
    SCOPED_TRACE(std::to_string(failure.status) + " " + failure.body);
    rows_.clear();
    failures_ = 0;
    FailFirst(4, failure);
    Begin({25, 5});
    Run();
    EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
    EXPECT_EQ(RowsOf(1), 25U);
    EXPECT_EQ(job_->retries(), 4U);
  }
}

TEST_F(TradesJobTest, AfterFiveTriesTheWalletFailsAndNeighboursGoOn) {
  FailFirst(1000, Answer(503, "busy"));
  Begin({25, 5, 7});
  Run();
  ASSERT_TRUE(job_->finished());
  EXPECT_EQ(failures_, 5);
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kFailed);
  EXPECT_NE(OutcomeOf(1).reason.find("503"), std::string::npos);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(RowsOf(3), 7U);
}

TEST_F(TradesJobTest, TriesAreCountedForEachRequestAnew) {
  int count = 0;
  upstream_ = [&](const PageQuery&) {
    return Answer(++count % 4 == 0 ? 200 : 503, "ok");
  };
  Begin({55});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(TradesJobTest, FailedWalletKeepsTheCursorOfWhatIsStored) {
  upstream_ = [](const PageQuery& query) {
    const bool is_first = query.request.url.find("//") != std::string::npos;
    return Answer(is_first ? 200 : 500, "ok");
  };
  Begin({25});
  Run();
  EXPECT_EQ(RowsOf(1), 10U);
  EXPECT_EQ(ProgressOf(1).cursor->position, "10");
  EXPECT_EQ(ProgressOf(1).cursor->complete_to, 0);
}

TEST_F(TradesJobTest, RefusedWalletIsSetAsideAtOnce) {
  FailFirst(1, Answer(200, "refused"));
  Begin({25, 5});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kRejected);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(TradesJobTest, RefusedPositionBeginsTheWalkAnewOnce) {
  cursors_ = {{common::Source::kDataApi, 1, 0, "20"}};
  FailFirst(1, Answer(200, "refused"));
  Begin({25});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(RowsOf(1), 25U);
}

TEST_F(TradesJobTest, StoredPositionThatNeverYieldsBeginsTheWalkAnewOnce) {
  const auto position_fails = [](const HttpResponse& with) {
    return [with](const PageQuery& query) {
      return query.request.url.find("/20/") != std::string::npos ? with : Answer(200, "ok");
    };
  };
  for (const HttpResponse& failure : {Answer(500, ""), Answer(200, "malformed")}) {
    SCOPED_TRACE(failure.status);
    rows_.clear();
    cursors_ = {{common::Source::kDataApi, 1, 0, "20"}};
    upstream_ = position_fails(failure);
    Begin({25});
    Run();
    EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kFailed);  // it comes to 20 again
    EXPECT_EQ(RowsOf(1), 20U);
    cursors_ = {{common::Source::kDataApi, 1, 0, "15"}};
    FailFirst(6, failure);
    failures_ = 0;
    Begin({25});
    Run();
    EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
    EXPECT_EQ(RowsOf(1), 25U);
  }
  for (const int status : {429, 503, 0}) {
    FailFirst(6, Answer(status, ""));
    failures_ = 0;
    Begin({25});
    Run();
    EXPECT_EQ(failures_, 5) << status << " says nothing of a position";
  }
}

TEST_F(TradesJobTest, WaitsBetweenTriesAreBounded) {
  FailFirst(4, Answer(503, ""));
  Begin({5});
  const Instant begun = now_;
  Run();
  EXPECT_LE(now_ - begun, seconds(2 + 4 + 8 + 16 + 2));
}

TEST_F(TradesJobTest, FencedReceiptEndsTheJob) {
  fence_ = true;
  Begin({25, 5});
  Run();
  EXPECT_TRUE(job_->fenced());
  EXPECT_FALSE(job_->Wants(now_, true));
  EXPECT_EQ(job_->parts_done(), 0U);
}

TEST_F(TradesJobTest, RefusedBatchFailsItsWalletsAndMovesNoCursor) {
  refuse_ = true;
  Begin({25, 5});
  Run();
  ASSERT_TRUE(job_->finished());
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kSuspect);
  EXPECT_EQ(OutcomeOf(1).reason, "numeric overflow");
  EXPECT_EQ(ProgressOf(1).state, store::WalletState::kFailed);
  EXPECT_FALSE(ProgressOf(1).cursor.has_value());
  EXPECT_EQ(job_->outcomes().size(), 2U);
}

TEST_F(TradesJobTest, WalletThatIsUnknownAsItsWalkBeginsAnewIsAskedForAgain) {
  std::vector<std::string> bodies = {"ok", "unknown", "unknown", "refused", "ok"};
  upstream_ = [&](const PageQuery&) {
    const std::string body = bodies.back();
    if (bodies.size() > 1) bodies.pop_back();
    return Answer(200, body);
  };
  Begin({25});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(RowsOf(1), 25U);
}

TEST_F(TradesJobTest, WalletThatIsUnknownWhereTradesOfItAreStoredFailsAlone) {
  FailFirst(1, Answer(200, "unknown"));
  has_stored_ = {WalletId{1}};
  Begin({25, 5});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kFailed);
  EXPECT_EQ(OutcomeOf(1).reason, store::kContradiction);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(TradesJobTest, WalletThatWasNeverKnownIsCompleteWithoutTrades) {
  FailFirst(1, Answer(200, "unknown"));
  Begin({25});
  Run();
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(RowsOf(1), 0U);
}

TEST_F(TradesJobTest, TheHorizonFollowsTheEarlierOfTwoClocks) {
  HttpResponse answer = Answer(200, "ok");
  for (const common::UnixSeconds ahead : {900, -900}) {
    Horizon horizon(source_, 1);
    answer.date = kWall - ahead;
    ASSERT_TRUE(horizon.Get(now_).has_value());
    horizon.Ask(now_);
    ASSERT_TRUE(horizon.OnResponse(answer, now_ + seconds(3), kWall).has_value());
    EXPECT_EQ(horizon.clock_ahead(), ahead);
    const auto value = horizon.Get(now_ + seconds(3));
    ASSERT_TRUE(value.has_value() && value->has_value());
    EXPECT_EQ(**value, kWall - 3 - std::max<common::UnixSeconds>(0, ahead));
  }
}

TEST_F(TradesJobTest, GivesBackOnlyWhatIsNotBegun) {
  Begin({25, 5, 5});
  OnePage();
  EXPECT_EQ(job_->GiveBack(), (std::vector{WalletId{2}, WalletId{3}}));
  EXPECT_EQ(job_->in_flight(), std::vector{WalletId{1}});
  Run();
  EXPECT_TRUE(job_->finished());
  EXPECT_EQ(job_->outcomes().size(), 1U);
}

TEST_F(TradesJobTest, StoppedJobCommitsWhatItHasAndAsksNoMore) {
  Begin({25});
  OnePage();
  job_->Stop();
  EXPECT_FALSE(job_->Wants(now_, true));
  Store();
  EXPECT_TRUE(job_->quiet());
  EXPECT_FALSE(job_->stored());
  EXPECT_EQ(ProgressOf(1).cursor->position, "10");
}

TEST_F(TradesJobTest, BatchesFlushByRows) {
  limits_.batch_rows = 20;
  Begin({95});
  Run();
  EXPECT_LE(largest_batch_, 30U);
  EXPECT_GE(batches_, 4);
}

TEST_F(TradesJobTest, BatchesFlushByAge) {
  Begin({95});
  OnePage();
  EXPECT_FALSE(job_->BatchDue(now_));
  EXPECT_EQ(job_->NextAt(), now_ + milliseconds(500));
  EXPECT_TRUE(job_->BatchDue(now_ + milliseconds(500)));
}

// What a job keeps does not grow with the wallet.
TEST_F(TradesJobTest, LargeWalletIsBoundedByItsBatches) {
  limits_.batch_rows = 1000;
  Begin({120'000});
  Run();
  EXPECT_EQ(RowsOf(1), 120'000U);
  EXPECT_LE(most_unwritten_, 1010U);
}

TEST_F(TradesJobTest, ChunkIsNotFinishedBeforeItsTokensAreSettled) {
  Begin({5});
  OnePage();
  (void)job_->TakeBatch(now_);
  job_->OnWritten({});
  EXPECT_TRUE(job_->stored());
  EXPECT_FALSE(job_->finished());
  const auto commands = desk_.TakeCommands(now_, true);
  desk_.OnChecked({std::get<CheckTokens>(commands.at(0)).tokens, {}});
  EXPECT_TRUE(job_->finished());
}

TEST_F(TradesJobTest, ArchiveLeavesToTheLiveSourceWhatItOwns) {
  FakeSource archive(common::Source::kSubgraph);
  Horizon horizon(archive, 1);
  ChunkTask task{{common::ChunkId{3}, common::Epoch{8}}, common::RunId{1}, "subgraph", {}};
  task.wallets.push_back(
      {WalletId{1}, FakeSource::AddressOf(1, 5), {{common::Source::kDataApi, 1, 900, ""}}});
  job_.emplace(std::move(task), horizon, desk_, limits_, 1);
  ASSERT_TRUE(horizon.Get(now_).has_value());
  horizon.Ask(now_);
  (void)horizon.OnResponse(Answer(200, "ok"), now_, kWall);
  EXPECT_FALSE(job_->Wants(now_, true));
  Store();
  EXPECT_TRUE(job_->finished());
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kComplete);
}

TEST_F(TradesJobTest, WalletWithARefusedEventIsStoredButNotComplete) {
  Begin({12, 3});
  upstream_ = [](const PageQuery& query) {
    return Answer(200, query.id == WalletId{1} ? "odd event" : "ok");
  };
  Run();
  EXPECT_EQ(RowsOf(1), 12U);
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kRejected);
  EXPECT_EQ(OutcomeOf(1).reason, "an event cannot be a trade");
  EXPECT_EQ(ProgressOf(1).state, store::WalletState::kFailed);
  EXPECT_EQ(OutcomeOf(2).kind, WalletOutcome::Kind::kComplete);
  EXPECT_EQ(job_->TakeRefused().size(), 2U);  // one a page
}

TEST_F(TradesJobTest, SourceThatStoppedEarlyMakesNoWalletComplete) {
  source_.shortfall = "the upstream stopped";
  Begin({12});
  Run();
  EXPECT_EQ(RowsOf(1), 12U);
  EXPECT_EQ(OutcomeOf(1).kind, WalletOutcome::Kind::kRejected);
  EXPECT_EQ(OutcomeOf(1).reason, "the upstream stopped");
}

}  // namespace
}  // namespace worker::jobs
