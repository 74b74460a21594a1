#include "worker/resolver.h"

#include <chrono>

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
  // By neither name, closed or open.
  void GammaKnowsNothing() {
    for (int i = 0; i < 4; ++i) Gamma("[]");
  }
  std::string Clob(const std::string& body, int status = 200) {
    return Answer(Endpoint::kClob, body, status);
  }

  Resolver resolver_{Upstreams{}};
};

TEST_F(ResolverTest, ClosedMarketsAreAskedFirst) {
  resolver_.Want({Token(1)});
  const std::string url = Gamma(GammaMarket(1, 2));
  EXPECT_THAT(url, HasSubstr("/markets/keyset?limit=100&"));  // the list by offset is deprecated
  EXPECT_THAT(url, HasSubstr("closed=true"));
  EXPECT_THAT(url, HasSubstr("include_tag=true"));
  EXPECT_THAT(url, HasSubstr("&clob_token_ids=1"));
  EXPECT_EQ(resolver_.Take().markets.size(), 1U);
  EXPECT_TRUE(resolver_.idle());
}

TEST_F(ResolverTest, ThenOpenOnesThenProtocolV2ThenTheClob) {
  resolver_.Want({Token(1)});
  Gamma("[]");
  EXPECT_THAT(Gamma("[]"), HasSubstr("closed=false&clob_token_ids=1"));
  EXPECT_THAT(Gamma("[]"), HasSubstr("closed=true&position_ids=1"));
  EXPECT_THAT(Gamma("[]"), HasSubstr("closed=false&position_ids=1"));
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
  EXPECT_THAT(Clob(fmt::format(R"({{"condition_id":"{}"}})", Condition(1))),
              HasSubstr("/markets-by-token/1"));
  EXPECT_THAT(Clob(ClobMarket(1)), HasSubstr("/markets/" + Condition(1)));
  EXPECT_EQ(resolver_.Take().markets.size(), 1U);
  EXPECT_TRUE(resolver_.idle());
}

TEST_F(ResolverTest, APositionIdSettlesItsMarket) {
  resolver_.Want({Token(21), Token(12)});
  Gamma("[]");
  Gamma("[]");
  Gamma(fmt::format(R"([{{"conditionId":"{}","clobTokenIds":["11","12"],"positionIds":["21","22"],)"
                    R"("outcomes":["Yes","No"]}}])",
                    Condition(1)));
  EXPECT_EQ(resolver_.Take().markets.size(), 1U);
  EXPECT_TRUE(resolver_.idle());
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
}

TEST_F(ResolverTest, WhatNobodyKnowsIsReported) {
  resolver_.Want({Token(1)});
  GammaKnowsNothing();
  Clob(R"({"error":"market not found"})", 404);
  EXPECT_EQ(resolver_.Take().unknown, Tokens(1, 1));
  EXPECT_TRUE(resolver_.idle());
}

TEST_F(ResolverTest, AMarketWithoutTheTokenDoesNotCount) {
  resolver_.Want({Token(1)});
  GammaKnowsNothing();
  Clob(fmt::format(R"({{"condition_id":"{}"}})", Condition(9)));
  Clob(ClobMarket(9));
  const Resolved resolved = resolver_.Take();
  EXPECT_EQ(resolved.unknown, Tokens(1, 1));
  EXPECT_TRUE(resolved.markets.empty());
}

TEST_F(ResolverTest, ARefusedBatchIsAskedInHalves) {
  for (const int status : {414, 422}) {
    Resolver resolver{Upstreams{}};
    resolver.Want(Tokens(1, 40));
    std::size_t asked = 0;
    // Gamma refuses whatever has token 7 in it, and knows all others.
    while (const auto query = resolver.Next(Endpoint::kGammaMarkets, true)) {
      const std::string& url = query->request.url;
      HttpResponse response;
      const bool is_bad = (url + "&").find("_ids=7&") != std::string::npos;
      response.status = is_bad ? status : 200;
      std::string markets;
      for (int number = 1; number <= 40 && !is_bad; ++number) {
        if ((url + "&").find(fmt::format("_ids={}&", number)) == std::string::npos) continue;
        const std::string one = GammaMarket(number, 1000 + number);
        markets += (markets.empty() ? "" : ",") + one.substr(1, one.size() - 2);
      }
      response.body = is_bad ? "<html>" : "[" + markets + "]";
      (void)resolver.OnResponse(query->ticket, response);
      ++asked;
    }
    EXPECT_EQ(resolver.Take().markets.size(), 39U);
    EXPECT_EQ(resolver.pending(), 1U);  // Gamma does not know it by any name: the CLOB is next
    EXPECT_TRUE(resolver.Wants(Endpoint::kClob, true));
    EXPECT_LT(asked, 20U);
  }
}

TEST_F(ResolverTest, HalvesDoNotWaitForAFullBatch) {
  resolver_.Want(Tokens(1, 40));
  const auto query = resolver_.Next(Endpoint::kGammaMarkets, false);
  HttpResponse response;
  response.status = 414;
  EXPECT_FALSE(resolver_.OnResponse(query->ticket, response));
  EXPECT_TRUE(resolver_.Wants(Endpoint::kGammaMarkets, false));
  EXPECT_THAT(resolver_.Next(Endpoint::kGammaMarkets, false)->request.url, HasSubstr("=20"));
  EXPECT_THAT(resolver_.Next(Endpoint::kGammaMarkets, false)->request.url, HasSubstr("=40"));
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
}

TEST_F(ResolverTest, ARetiredListLeavesItsTokensToTheClob) {
  const auto answer = [&](int status) {
    const auto query = resolver_.Next(Endpoint::kGammaMarkets, true);
    HttpResponse response;
    response.status = status;
    return query && resolver_.OnResponse(query->ticket, response);
  };
  resolver_.Want(Tokens(1, 3));
  EXPECT_FALSE(answer(404)) << "of a proxy on the way: it is asked again";
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(answer(410)) << "nothing to wait for";
  EXPECT_FALSE(resolver_.Wants(Endpoint::kGammaMarkets, true));
  EXPECT_TRUE(resolver_.Take().unanswered.empty());
  for (int token = 1; token <= 3; ++token) {
    Clob(fmt::format(R"({{"condition_id":"{}"}})", Condition(token)));
    Clob(ClobMarket(token));
  }
  EXPECT_EQ(resolver_.Take().markets.size(), 3U);
  EXPECT_TRUE(resolver_.idle());
}

TEST_F(ResolverTest, ABacklogIsSettledQuickly) {
  constexpr int kMany = 80'000;
  resolver_.Want(Tokens(1, kMany));
  const auto begun = std::chrono::steady_clock::now();
  for (int first = kMany; first > kMany / 2; first -= 40) {
    const auto query = resolver_.Next(Endpoint::kGammaMarkets, false);
    std::string markets;
    for (int number = first; number > first - 40; --number) {  // from the queue's far end
      const std::string one = GammaMarket(number, 1'000'000 + number);
      markets += (markets.empty() ? "" : ",") + one.substr(1, one.size() - 2);
    }
    HttpResponse response;
    response.status = 200;
    response.body = "[" + markets + "]";
    (void)resolver_.OnResponse(query->ticket, response);
  }
  EXPECT_EQ(resolver_.pending(), static_cast<std::size_t>(kMany / 2));
  // A search of the queues would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
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
  Gamma("[]");
  Gamma("[]");
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
