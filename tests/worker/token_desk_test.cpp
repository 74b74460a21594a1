#include "worker/token_desk.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using common::Instant;
using common::TokenId;
using std::chrono::seconds;

TokenId Token(std::uint8_t number) {
  TokenId token;
  token.bytes[31] = number;
  return token;
}

class TokenDeskTest : public testing::Test {
 protected:
  template <typename Command>
  std::vector<Command> Taken(bool trades_mailed = true) {
    std::vector<Command> found;
    for (auto& command : desk_.TakeCommands(now_, trades_mailed)) {
      if (auto* match = std::get_if<Command>(&command)) found.push_back(std::move(*match));
    }
    return found;
  }
  // Gamma and the CLOB answer every question with this.
  void AnswerAll(int status, const std::string& body) {
    for (const Endpoint endpoint :
         {Endpoint::kGammaMarkets, Endpoint::kGammaMarkets, Endpoint::kClob}) {
      while (resolver_.Wants(endpoint, true)) {
        HttpResponse response;
        response.status = status;
        response.body = body;
        (void)resolver_.OnResponse(resolver_.Next(endpoint, true)->ticket, response);
        desk_.Collect();
      }
    }
  }

  Instant now_{seconds(100)};
  Resolver resolver_{Upstreams{}};
  TokenDesk desk_{resolver_};
  TokenDesk::Number newest_ = 0;
};

TEST_F(TokenDeskTest, EachTokenIsAskedAboutOnce) {
  EXPECT_TRUE(desk_.Saw(Token(1), newest_));
  EXPECT_FALSE(desk_.Saw(Token(1), newest_));
  EXPECT_TRUE(desk_.Saw(Token(2), newest_));
  const auto checks = Taken<CheckTokens>();
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].tokens.size(), 2U);
  EXPECT_TRUE(Taken<CheckTokens>().empty());
}

TEST_F(TokenDeskTest, TokensWaitForTheirTrades) {
  desk_.Saw(Token(1), newest_);
  EXPECT_TRUE(Taken<CheckTokens>(false).empty());
  EXPECT_EQ(Taken<CheckTokens>(true).size(), 1U);
}

TEST_F(TokenDeskTest, KnownTokenIsSettledByTheStore) {
  desk_.Saw(Token(1), newest_);
  EXPECT_FALSE(desk_.Settled(newest_));
  desk_.OnChecked({{Token(1)}, {}});
  EXPECT_TRUE(desk_.Settled(newest_));
  EXPECT_FALSE(desk_.Saw(Token(1), newest_)) << "it is settled here";
}

TEST_F(TokenDeskTest, UnresolvedTokenIsAskedOfTheUpstreams) {
  desk_.Saw(Token(1), newest_);
  desk_.OnChecked({{Token(1)}, {Token(1)}});
  EXPECT_TRUE(resolver_.Wants(Endpoint::kGammaMarkets, true));
  EXPECT_FALSE(desk_.Settled(newest_));
}

TEST_F(TokenDeskTest, TokenThatCannotBeAskedForIsGivenUpAndBlocksNobody) {
  desk_.Saw(Token(1), newest_);
  desk_.OnChecked({{Token(1)}, {Token(1)}});
  AnswerAll(503, "busy");
  EXPECT_TRUE(desk_.Settled(newest_));
}

TEST_F(TokenDeskTest, OldTokensOfOthersAreNotAwaited) {
  desk_.Saw(Token(1), newest_);
  TokenDesk::Number other = 0;
  desk_.Saw(Token(2), other);
  desk_.OnSettled({Token(1)});
  EXPECT_TRUE(desk_.Settled(newest_));
  EXPECT_FALSE(desk_.Settled(other));
}

TEST_F(TokenDeskTest, DueTokensAreTakenWhenThereIsTime) {
  EXPECT_TRUE(Taken<TakeDueTokens>().empty());
  now_ += seconds(31);
  EXPECT_EQ(Taken<TakeDueTokens>().size(), 1U);
  desk_.OnDue({{Token(3)}});
  now_ += seconds(31);
  EXPECT_TRUE(Taken<TakeDueTokens>().empty()) << "the resolver is busy";
}

}  // namespace
}  // namespace worker
