#include "sim/recorded.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "sim/blocks.h"
#include "sim/clob.h"
#include "sim/data_api.h"
#include "sim/gamma.h"
#include "sim/recorded_fills.h"
#include "sim/recorded_json.h"
#include "sim/subgraph.h"

namespace sim {
namespace {

using Json = nlohmann::json;

std::string Directory() {
  const char* named = std::getenv("SEINE_SHARED_DATA");
  return named != nullptr ? named : SEINE_SOURCE_DIR "/../shared/data";
}

class RecordedTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!std::filesystem::exists(Directory())) return;
    auto parts = LoadRecorded(Directory());
    ASSERT_TRUE(parts) << parts.error().message;
    world_ = std::make_unique<World>(*std::move(parts));
  }
  static void TearDownTestSuite() { world_.reset(); }
  void SetUp() override {
    if (!std::filesystem::exists(Directory())) {
      GTEST_SKIP() << "no recorded responses in " << Directory();
    }
    ASSERT_TRUE(world_) << "the recorded responses could not be read";
  }

  // The only fill of a wallet.
  static const Fill& FillOf(const char* wallet) {
    const std::uint32_t* number = world_->FindWallet(wallet);
    return world_->fills()[world_->FillsOf(*number).front()];
  }
  static Request Get(const std::string& target) {
    Request request = ParseTarget("GET", target);
    request.now = world_->newest();
    return request;
  }

  static std::unique_ptr<World> world_;
};
std::unique_ptr<World> RecordedTest::world_;

TEST(RecordedFiles, AreRefusedWhereThereAreNone) {
  const auto parts = LoadRecorded("/nowhere");
  ASSERT_FALSE(parts);
  EXPECT_NE(parts.error().message.find("gamma_markets_open"), std::string::npos);
}

TEST(RecordedFiles, GiveABlockTheFirstSecondThatHasIt) {
  for (const std::int64_t block : {40'000'176, 62'564'883, 62'564'885, 71'735'003}) {
    EXPECT_EQ(BlockAt(TimeOfBlock(block)), block);
    EXPECT_EQ(BlockAt(TimeOfBlock(block) - 1), block - 1);
  }
}

TEST_F(RecordedTest, HoldsEveryMarketAndEveryFill) {
  EXPECT_GE(world_->markets().size(), 35'955U);
  EXPECT_EQ(world_->fills().size(), 17U + 2U + 2U + 2U + 298U + 100U + 40U);
  EXPECT_EQ(world_->Archive().size(), 17U);
  for (const Token& token : world_->tokens()) {
    EXPECT_LT(token.outcome, world_->markets()[token.market].outcomes.size());
  }
}

TEST_F(RecordedTest, TellsRecordedMarketsVerbatim) {
  const Gamma gamma(*world_, 0);
  const std::string token =
      "75467129615908319583031474642658885479135630431889036121812713428992454630178";
  const std::string body = gamma.Answer(Get("/markets/keyset?clob_token_ids=" + token)).body;
  EXPECT_EQ(
      body.find(
          R"({"markets":[{"id":"531202","question":"BitBoy convicted?","conditionId":"0xb486)"),
      0U);
  EXPECT_NE(body.find(R"("volume":"80362.86028499973","active":true)"), std::string::npos);
  EXPECT_EQ(Json::parse(body)["markets"].size(), 1U);
}

TEST_F(RecordedTest, WalksTheRecordedMarketsAsAKeyset) {
  const Gamma gamma(*world_, 0);
  std::set<std::string> ids;
  std::size_t tokens = 0;
  std::string cursor;
  do {
    // Not by the other reader of JSON: 200 MB are too much for it.
    const JsonFields page =
        ReadFields(gamma.Answer(Get("/markets/keyset?closed=false&limit=100" + cursor)).body);
    for (const std::string& row : ReadElements(TextOf(page, "markets"))) {
      const JsonFields market = ReadFields(row);
      EXPECT_TRUE(ids.insert(TextOf(market, "id")).second);
      tokens += ReadElements(TextOf(market, "clobTokenIds")).size();
    }
    const std::string& next = TextOf(page, "next_cursor");
    cursor = next.empty() ? "" : "&after_cursor=" + next;
  } while (!cursor.empty());
  EXPECT_GE(ids.size(), 35'955U);
  EXPECT_LE(ids.size(), 35'955U + 6);
  EXPECT_GE(tokens, 71'910U);
}

TEST_F(RecordedTest, TellsTheRecordedEvents) {
  const Gamma gamma(*world_, 0);
  const Json first = Json::parse(gamma.Answer(Get("/events/keyset?closed=false&limit=3")).body);
  const Json& event = first["events"][0];
  EXPECT_FALSE(event["markets"].empty());
  EXPECT_EQ(event["markets"][0]["events"][0]["id"], event["id"]);
  EXPECT_EQ(event["title"], event["markets"][0]["events"][0]["title"]);
  const auto with_id = [](const Event& each) {
    return !each.id.empty();
  };
  EXPECT_GE(std::count_if(world_->events().begin(), world_->events().end(), with_id), 8183);
}

// A directory of the pages alone gives the pages' markets and nothing else.
TEST_F(RecordedTest, CanBeThePagesAlone) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("seine-recorded-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory / "gamma");
  const char* name = "gamma/gamma_markets_open_2026-03-11.pages.jsonl.zst";
  std::filesystem::create_symlink(std::filesystem::absolute(Directory()) / name, directory / name);
  const auto parts = LoadRecorded(directory.string());
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->markets.size(), 35'955U);
  EXPECT_EQ(parts->tokens.size(), 71'910U);
  EXPECT_EQ(parts->events.size(), 8183U + 1);  // and the one of markets without event
  EXPECT_TRUE(parts->fills.empty());
}

TEST_F(RecordedTest, GivesASelfTradeTwoFillsOfOneWallet) {
  const std::uint32_t* wallet = world_->FindWallet("0xea5981ca48dc40c950fc1b2496c4a0ef900bb841");
  ASSERT_NE(wallet, nullptr);
  const auto fills = world_->FillsOf(*wallet);
  ASSERT_EQ(fills.size(), 2U);
  const Fill& made = world_->fills()[fills[0]];
  const Fill& taken = world_->fills()[fills[1]];
  EXPECT_EQ(made.taker, *wallet);
  EXPECT_EQ(made.role, common::Role::kMaker);
  EXPECT_EQ(taken.role, common::Role::kTaker);
  EXPECT_EQ(made.side, common::Side::kBuy);
  EXPECT_EQ(taken.side, common::Side::kSell);
  EXPECT_EQ(made.ts, 1'669'060'169U);
  EXPECT_EQ(world_->wallets()[taken.taker].kind, WalletKind::kContract);
  EXPECT_EQ(world_->TxHash(made)[0], 0x05);
  EXPECT_EQ(world_->OrderHash(made)[0], 0xa7);
  EXPECT_EQ(world_->markets()[world_->tokens()[made.token].market].known_by, KnownBy::kClob);
}

TEST_F(RecordedTest, KeepsTheAmountsOfTheChain) {
  const Fill& taker = FillOf("0x75c18b1076ce7eb8ab4dd7578f4e6edc4692fc78");
  EXPECT_EQ(taker.size, 4'719'870'000);
  EXPECT_EQ(taker.usdc, 2'326'895'910);
  EXPECT_EQ(taker.side, common::Side::kSell);
  const Fill& v2 = FillOf("0x0b52c77f98ad4a2456b45357c95d7baccfdf2494");
  EXPECT_EQ(v2.version, common::ExchangeVersion::kV2);
  EXPECT_EQ(v2.usdc, 8'000'000);
  EXPECT_EQ(v2.fee, 115'200);
}

TEST_F(RecordedTest, TellsARowOfTheDataApiAsItWasRecorded) {
  DataApi data_api(*world_, 0);
  const std::string wallet = "0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a";
  const Json body = Json::parse(data_api.Answer(Get("/v2/trades?start=1&user=" + wallet)).body);
  ASSERT_EQ(body["data"].size(), 1U);
  const Json& row = body["data"][0];
  EXPECT_EQ(row["size"].dump(), "22.84");
  EXPECT_EQ(row["price"].dump(), "0.52");
  EXPECT_EQ(row["timestamp"], 1'789'381'477);
  EXPECT_EQ(row["condition_id"],
            "0x571aafcdc9d3549ac260d5f956adc4ae57d9ace63575abd99db58ba0130e9fcf");
  EXPECT_EQ(row["transaction_hash"],
            "0x7958c0638f1b7ab12d0e3c762a6a2d3fe98edb3f748d0bcbe12adae1a67e58a8");
}

TEST_F(RecordedTest, GivesAnOrderOfDomeItsUsdcBack) {
  const std::uint32_t* wallet = world_->FindWallet("0x554ad2bc8a8f372d7e3376918fcb6e284387859a");
  ASSERT_NE(wallet, nullptr);
  EXPECT_EQ(world_->FillsOf(*wallet).size(), 40U);
  EXPECT_TRUE(world_->ArchiveOf(*wallet).empty());
  const Fill& newest = world_->fills()[world_->FillsOf(*wallet).back()];
  EXPECT_EQ(newest.size, 52'890'000);
  EXPECT_EQ(newest.usdc, 31'205'100);
  const Fill& second = world_->fills()[world_->FillsOf(*wallet)[38]];
  EXPECT_EQ(second.size, 48'780'486);
  EXPECT_EQ(second.usdc, 28'780'487);  // price 0.5900000053300002
}

TEST_F(RecordedTest, KnowsMarketsOfTheClobOnlyThere) {
  const std::string condition =
      "0x12a0cb60174abc437bf1178367c72d11f069e1a3add20b148fb0ab4279b772b2";
  const Clob clob(*world_, 0);
  const Json row = Json::parse(clob.Answer(Get("/markets/" + condition)).body);
  EXPECT_EQ(row["tokens"][1]["winner"], true);
  EXPECT_EQ(row["tags"][0], "Politics");
  const Gamma gamma(*world_, 0);
  EXPECT_EQ(gamma.Answer(Get("/markets/keyset?closed=true&condition_ids=" + condition)).body,
            R"({"markets":[]})");
}

}  // namespace
}  // namespace sim
