#include "worker/resolver.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace worker {
namespace {

using common::TokenId;
using testing::HasSubstr;
using testing::Not;

TokenId Token(int number) {
  return *TokenId::ParseDecimal(std::to_string(number));
}

std::vector<TokenId> Tokens(int first, int count) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(Token(first + i));
  return tokens;
}

std::string Condition(int number) {
  return fmt::format("0x{:064x}", number);
}

// Gamma's market of two tokens.
std::string GammaMarket(int yes, int no) {
  return fmt::format(R"([{{"conditionId":"{}","clobTokenIds":["{}","{}"],)"
                     R"("outcomes":["Yes","No"]}}])",
                     Condition(yes), yes, no);
}

std::string ClobMarket(int token) {
  return fmt::format(R"({{"condition_id":"{}","tokens":[{{"token_id":"{}","outcome":"Yes"}}]}})",
                     Condition(token), token);
}

class ResolverTest : public testing::Test {
 protected:
  // The next question is answered so; returns its URL, empty if there is none.
  std::string Answer(Endpoint endpoint, const std::string& body, int status = 200) {
    const auto query = resolver_.Next(endpoint, true);
    if (!query) return {};
    HttpResponse response;
    response.status = status;
    response.body = body;
    (void)resolver_.OnResponse(query->ticket, response);
    return query->request.url;
  }
  std::string Gamma(const std::string& body, int status = 200) {
    return Answer(Endpoint::kGammaMarkets, body, status);
  }
  std::string Clob(const std::string& body, int status = 200) {
    return Answer(Endpoint::kClob, body, status);
  }

  Resolver resolver_{Upstreams{}};
};

TEST_F(ResolverTest, ClosedMarketsAreAskedFirst) {
  resolver_.Want({Token(1)});
  const std::string url = Gamma(GammaMarket(1, 2));
  EXPECT_THAT(url, HasSubstr("closed=true"));
  EXPECT_THAT(url, HasSubstr("include_tag=true"));
  EXPECT_THAT(url, HasSubstr("&clob_token_ids=1"));
  EXPECT_EQ(resolver_.Take().markets.size(), 1U);
  EXPECT_TRUE(resolver_.idle());
}

TEST_F(ResolverTest, ThenOpenOnesThenTheClob) {
  resolver_.Want({Token(1)});
  Gamma("[]");
  EXPECT_THAT(Gamma("[]"), HasSubstr("closed=false"));
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
  EXPECT_THAT(Clob(fmt::format(R"({{"condition_id":"{}"}})", Condition(1))),
              HasSubstr("/markets-by-token/1"));
  EXPECT_THAT(Clob(ClobMarket(1)), HasSubstr("/markets/" + Condition(1)));
  EXPECT_EQ(resolver_.Take().markets.size(), 1U);
  EXPECT_TRUE(resolver_.idle());
}

TEST_F(ResolverTest, WhatNobodyKnowsIsReported) {
  resolver_.Want({Token(1)});
  Gamma("[]");
  Gamma("[]");
  Clob(R"({"error":"market not found"})", 404);
  EXPECT_EQ(resolver_.Take().unknown, Tokens(1, 1));
  EXPECT_TRUE(resolver_.idle());
}

TEST_F(ResolverTest, AMarketWithoutTheTokenDoesNotCount) {
  resolver_.Want({Token(1)});
  Gamma("[]");
  Gamma("[]");
  Clob(fmt::format(R"({{"condition_id":"{}"}})", Condition(9)));
  Clob(ClobMarket(9));
  const Resolved resolved = resolver_.Take();
  EXPECT_EQ(resolved.unknown, Tokens(1, 1));
  EXPECT_TRUE(resolved.markets.empty());
}

TEST_F(ResolverTest, BatchesHoldFortyTokens) {
  resolver_.Want(Tokens(100, 41));
  const std::string url = resolver_.Next(Endpoint::kGammaMarkets, false)->request.url;
  EXPECT_THAT(url, HasSubstr("=139"));
  EXPECT_THAT(url, Not(HasSubstr("=140")));
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, false));
  EXPECT_THAT(resolver_.Next(Endpoint::kGammaMarkets, true)->request.url, HasSubstr("=140"));
}

TEST_F(ResolverTest, TheOtherTokenOfAMarketIsNotAskedAbout) {
  resolver_.Want(Tokens(101, 41));
  Gamma(GammaMarket(101, 141));
  EXPECT_EQ(resolver_.pending(), 39U);
  EXPECT_THAT(Gamma("[]"), Not(HasSubstr("=141")));
  resolver_.Want({Token(101), Token(141)});
  EXPECT_EQ(resolver_.pending(), 39U);
}

TEST_F(ResolverTest, SettledTokensLeaveNoQuestionBehind) {
  resolver_.Want({Token(1)});
  Gamma("[]");
  const auto open = resolver_.Next(Endpoint::kGammaMarkets, true);
  resolver_.Want({Token(2)});
  Gamma("[]");  // 2 waits among the open ones
  HttpResponse response;
  response.status = 200;
  response.body = GammaMarket(1, 2);
  EXPECT_TRUE(resolver_.OnResponse(open->ticket, response));
  EXPECT_TRUE(resolver_.idle());
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
}

TEST_F(ResolverTest, FailuresAreAskedAgainAndThenGivenUp) {
  resolver_.Want(Tokens(1, 3));
  for (int i = 0; i < Resolver::kTries; ++i) {
    EXPECT_THAT(Gamma("<html>", 500 + i), HasSubstr("closed=true"));
  }
  EXPECT_EQ(resolver_.Take().unanswered, Tokens(1, 3));
  EXPECT_TRUE(resolver_.idle());
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
}

TEST_F(ResolverTest, AnErrorWithStatus200IsNoAnswer) {
  resolver_.Want({Token(1)});
  Gamma(R"({"error":"overloaded"})");
  EXPECT_THAT(Gamma("[]"), HasSubstr("closed=true"));
  EXPECT_THAT(Gamma("[{}]"), HasSubstr("closed=false"));
  EXPECT_THAT(Clob("{}"), HasSubstr("/markets-by-token/1"));
  EXPECT_THAT(Clob("", 429), HasSubstr("/markets-by-token/1"));
  EXPECT_EQ(resolver_.pending(), 1U);
}

TEST_F(ResolverTest, ATokenOnItsWayIsNotAskedTwice) {
  resolver_.Want({Token(1)});
  const auto query = resolver_.Next(Endpoint::kGammaMarkets, true);
  resolver_.Want({Token(1)});
  EXPECT_TRUE(query);
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
}

}  // namespace
}  // namespace worker
