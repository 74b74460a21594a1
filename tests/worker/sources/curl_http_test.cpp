#include "worker/curl_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/worker/sources/rude_server.h"
#include "worker/sources/answer.h"

namespace worker {
namespace {

using common::ErrorKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr common::UnixSeconds kNow = 1'790'000'000;

std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(text.size() + 100, '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

CurlLimits SmallLimits(common::Duration total_timeout) {
  CurlLimits limits;
  limits.total_timeout = total_timeout;
  limits.body_bytes = 10'000;
  return limits;
}

class CurlHttpTest : public testing::Test {
 protected:
  explicit CurlHttpTest(common::Duration total_timeout = seconds(20))
      : http_(SmallLimits(total_timeout)) {}

  HttpResponse Ask(const RudeServer& server, const std::string& body = "") {
    const std::uint64_t id = http_.Start({Endpoint::kClob, server.url(), body});
    const auto deadline = std::chrono::steady_clock::now() + seconds(40);
    while (std::chrono::steady_clock::now() < deadline) {
      for (HttpResponse& response : http_.Collect()) {
        EXPECT_EQ(response.id, id);
        EXPECT_EQ(http_.in_flight(), 0U);
        return std::move(response);
      }
      http_.Wait(milliseconds(50));
    }
    ADD_FAILURE() << "no response at all";
    return {};
  }
  // The only reply leads to no answer, which is asked for again.
  void ExpectNoAnswer(Reply reply, bool too_large = false) {
    const RudeServer server({std::move(reply)});
    const HttpResponse response = Ask(server);
    EXPECT_EQ(response.status, 0);
    EXPECT_EQ(response.body, "");
    EXPECT_NE(response.failure, "");
    EXPECT_EQ(response.too_large, too_large);
    EXPECT_EQ(sources::FailureOf(response)->kind, ErrorKind::kTransient);
  }

  CurlHttp http_;
};

class CurlHttpTimeoutTest : public CurlHttpTest {
 protected:
  CurlHttpTimeoutTest() : CurlHttpTest(milliseconds(300)) {}
};

TEST_F(CurlHttpTest, KeepsTheConnection) {
  const RudeServer server({{Complete("one")}, {Complete("two")}, {Complete("three")}});
  EXPECT_EQ(Ask(server).body, "one");
  EXPECT_EQ(Ask(server, R"({"query":""})").body, "two");
  EXPECT_THAT(server.last_request(), HasSubstr("POST / HTTP/1.1"));
  EXPECT_THAT(server.last_request(), HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(server.last_request(), HasSubstr("\r\n\r\n{\"query\":\"\"}"));
  EXPECT_EQ(Ask(server).body, "three");
  EXPECT_THAT(server.last_request(), HasSubstr("GET / HTTP/1.1"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlHttpTest, ARequestsOwnHeadersAreItsOwn) {
  const RudeServer server({{Complete("{}")}, {Complete("{}")}});
  const auto ask = [&](std::vector<std::string> headers) {
    http_.Start({Endpoint::kDome, server.url(), "", std::move(headers)});
    const auto deadline = std::chrono::steady_clock::now() + seconds(40);
    while (http_.Collect().empty() && std::chrono::steady_clock::now() < deadline) {
      http_.Wait(milliseconds(50));
    }
    return server.last_request();
  };
  EXPECT_THAT(ask({"Authorization: Bearer secret"}), HasSubstr("Authorization: Bearer secret\r\n"));
  EXPECT_THAT(ask({}), testing::Not(HasSubstr("Authorization")));
}

TEST_F(CurlHttpTest, ACutBodyIsNoAnswer) {
  ExpectNoAnswer({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"da", Then::kHangUp});
  ExpectNoAnswer(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"da\r\n", Then::kHangUp});
  ExpectNoAnswer({"HTTP/1.1 200 OK\r\nContent-Le", Then::kHangUp});
  ExpectNoAnswer({"", Then::kHangUp});
}

TEST_F(CurlHttpTest, AResetIsNoAnswer) {
  ExpectNoAnswer({"", Then::kReset});
  ExpectNoAnswer({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"da", Then::kReset});
}

TEST_F(CurlHttpTest, WhatIsNotHttpIsNoAnswer) {
  ExpectNoAnswer({"hello\r\n\r\n", Then::kHangUp});
}

TEST_F(CurlHttpTimeoutTest, ADripEndsWithTheTimeout) {
  ExpectNoAnswer({"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", Then::kDrip});
  ExpectNoAnswer({"", Then::kSilence});
}

TEST_F(CurlHttpTest, NobodyThereIsNoAnswer) {
  std::string url;
  { url = RudeServer({}).url(); }
  http_.Start({Endpoint::kClob, url, ""});
  std::vector<HttpResponse> responses;
  while (responses.empty()) {
    http_.Wait(milliseconds(50));
    responses = http_.Collect();
  }
  EXPECT_EQ(responses.at(0).status, 0);
}

TEST_F(CurlHttpTest, ReadsCompressedBodies) {
  const RudeServer server({{Complete(Gzip("{\"a\":1}"), "Content-Encoding: gzip\r\n")}});
  EXPECT_EQ(Ask(server).body, "{\"a\":1}");
}

TEST_F(CurlHttpTest, ReadsChunksWithTrailers) {
  const RudeServer server(
      {{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n"}});
  EXPECT_EQ(Ask(server).body, "{}");
}

TEST_F(CurlHttpTest, ACompressedBombIsNoAnswer) {
  ExpectNoAnswer({Complete(Gzip(std::string(5'000'000, ' ')), "Content-Encoding: gzip\r\n")}, true);
}

TEST_F(CurlHttpTest, BodiesUpToTheCapAreAnswers) {
  const RudeServer server({{Complete(std::string(10'000, 'x'))}});
  EXPECT_EQ(Ask(server).body.size(), 10'000U);
  ExpectNoAnswer({Complete(std::string(10'001, 'x'))}, true);
}

TEST_F(CurlHttpTest, GarbledCompressionIsNoAnswer) {
  ExpectNoAnswer({Complete("no gzip at all", "Content-Encoding: gzip\r\n")});
}

TEST_F(CurlHttpTest, HeadersWithoutEndAreNoAnswer) {
  std::string headers;
  for (int i = 0; i < 4000; ++i) headers += "X-Padding: " + std::string(100, 'x') + "\r\n";
  ExpectNoAnswer({Complete("{}", headers)}, true);
}

TEST_F(CurlHttpTest, RedirectsAreNotFollowed) {
  const RudeServer server({{Complete("", "Location: /else\r\n", "302 Found")}, {Complete("{}")}});
  const HttpResponse response = Ask(server);
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(sources::FailureOf(response)->kind, ErrorKind::kTransient);
}

TEST_F(CurlHttpTest, AThrottlingProxyIsUnderstood) {
  const RudeServer server(
      {{Complete("<html>slow down</html>", "Retry-After: 7\r\n", "429 Too Many Requests")}});
  const HttpResponse response = Ask(server);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.retry_after, common::Duration(seconds(7)));
  EXPECT_EQ(sources::FailureOf(response)->kind, ErrorKind::kThrottled);
}

TEST_F(CurlHttpTest, AFailureLeavesNothingToTheNextAnswer) {
  const RudeServer server(
      {{"HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 5\r\n\r\nab", Then::kHangUp},
       {Complete("{}")}});
  EXPECT_EQ(Ask(server).status, 0);
  const HttpResponse next = Ask(server);
  EXPECT_EQ(next.body, "{}");
  EXPECT_EQ(next.failure, "");
  EXPECT_EQ(next.retry_after, std::nullopt);
}

TEST(RetryAfterTest, SecondsAreBroughtWithinBounds) {
  EXPECT_EQ(ParseRetryAfter("7", kNow), common::Duration(seconds(7)));
  EXPECT_EQ(ParseRetryAfter(" 0 ", kNow), common::Duration(milliseconds(100)));
  EXPECT_EQ(ParseRetryAfter("86400", kNow), common::Duration(seconds(300)));
  EXPECT_EQ(ParseRetryAfter(std::string(400, '9'), kNow), common::Duration(seconds(300)));
}

TEST(RetryAfterTest, DatesAreRelativeToNow) {
  constexpr common::UnixSeconds kThen = 1'795'159'680;  // the date below
  constexpr char kDate[] = "Fri, 20 Nov 2026 07:28:00 GMT";
  EXPECT_EQ(ParseRetryAfter(kDate, kThen - 30), common::Duration(seconds(30)));
  EXPECT_EQ(ParseRetryAfter(kDate, kThen + 30), common::Duration(milliseconds(100)));
  EXPECT_EQ(ParseRetryAfter(kDate, kThen - 9'000'000), common::Duration(seconds(300)));
}

TEST(RetryAfterTest, AnythingElseSaysNothing) {
  for (const char* text : {"", "  ", "-5", "soon", "1.5", "7 s", "Infinity", "0x10"}) {
    EXPECT_EQ(ParseRetryAfter(text, kNow), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace worker
