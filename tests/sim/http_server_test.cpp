#include "sim/http_server.h"

#include <atomic>
#include <cerrno>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sim {
namespace {

struct Heard {
  std::string text;
  bool was_reset = false;
};

// A client that sends its requests and listens until the end of the connection.
Heard Talk(std::uint16_t port, const std::string& requests) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(send(fd, requests.data(), requests.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(requests.size()));
  Heard heard;
  char buffer[4096];
  for (;;) {
    const ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size < 0) heard.was_reset = errno == ECONNRESET;
    if (size <= 0) break;
    heard.text.append(buffer, static_cast<std::size_t>(size));
  }
  close(fd);
  return heard;
}

std::string Get(const std::string& target, bool last, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: here\r\n" + more +
         (last ? "Connection: close\r\n\r\n" : "\r\n");
}

std::string BodyOf(const std::string& text) {
  return text.substr(text.find("\r\n\r\n") + 4);
}

class HttpServerTest : public testing::Test {
 protected:
  ~HttpServerTest() override {
    server_.Stop();
    thread_.join();
  }

  Reply Answer(const HttpRequest& request) {
    Reply reply;
    reply.response.body = request.target + std::string(5000, 'x');
    if (request.target == "/short") reply.response.body = request.method + request.body;
    if (request.target == "/cut") reply.plan.how = WirePlan::How::kCut;
    if (request.target == "/reset") reply.plan.how = WirePlan::How::kReset;
    if (request.target == "/drip") reply.plan = {WirePlan::How::kDrip, 0, 100};
    if (request.target == "/hang") reply.plan = {WirePlan::How::kHang, 0, 50};
    if (request.target == "/later") reply.plan.delay_ms = 50;
    return reply;
  }

  std::atomic<int> done_{0};
  HttpServer server_{"127.0.0.1:0",
                     true,
                     {[this](const HttpRequest& request) { return Answer(request); },
                      [this] {
                        ++done_;
                      }}};
  std::thread thread_{[this] {
    server_.Run();
  }};
};

TEST_F(HttpServerTest, KeepsAConnectionForSeveralRequests) {
  const std::string post = "POST /short HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc";
  const Heard heard = Talk(server_.port(), post + Get("/later", false) + Get("/short", true));
  EXPECT_NE(heard.text.find("POSTabc"), std::string::npos);
  EXPECT_TRUE(heard.text.ends_with("\r\n\r\nGET"));
  EXPECT_EQ(done_, 3);
}

TEST_F(HttpServerTest, SaysWhatTimeItIs) {
  const Heard heard = Talk(server_.port(), Get("/short", true));
  EXPECT_NE(heard.text.find("\r\nDate: "), std::string::npos) << heard.text;
  EXPECT_NE(heard.text.find(" GMT\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, ACutAnswerPromisesMoreThanItHolds) {
  const Heard heard = Talk(server_.port(), Get("/cut", false));
  EXPECT_NE(heard.text.find("Content-Length: 5004\r\n"), std::string::npos) << heard.text;
  EXPECT_EQ(BodyOf(heard.text).size(), 2502U);
  EXPECT_FALSE(heard.was_reset);
}

TEST_F(HttpServerTest, AResetIsOne) {
  const Heard heard = Talk(server_.port(), Get("/reset", false));
  EXPECT_EQ(heard.text, "");
  EXPECT_TRUE(heard.was_reset);
}

TEST_F(HttpServerTest, ADrippingAnswerIsWhole) {
  EXPECT_EQ(BodyOf(Talk(server_.port(), Get("/drip", true)).text).size(), 5005U);
}

TEST_F(HttpServerTest, AHangingRequestGetsNoAnswer) {
  const Heard heard = Talk(server_.port(), Get("/hang", false));
  EXPECT_EQ(heard.text, "");
  EXPECT_EQ(done_, 1);
}

TEST_F(HttpServerTest, CompressesForThoseWhoAcceptIt) {
  const Heard heard = Talk(server_.port(), Get("/", true, "Accept-Encoding: gzip\r\n"));
  EXPECT_NE(heard.text.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_LT(BodyOf(heard.text).size(), 1000U);
  EXPECT_EQ(BodyOf(heard.text).substr(0, 2), "\x1f\x8b");
}

TEST_F(HttpServerTest, NonsenseEndsItsConnectionAlone) {
  Talk(server_.port(), "\x01\x02 nonsense\r\n\r\n");
  EXPECT_EQ(BodyOf(Talk(server_.port(), Get("/short", true)).text), "GET");
}

}  // namespace
}  // namespace sim
