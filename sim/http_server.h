// An HTTP/1.1 server that can also misbehave on the wire: the handler says what to answer and how
// to send it. One thread; answers that are held back wait in timers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sim/message.h"

namespace sim {

struct WirePlan {
  enum class How {
    kNormal,
    kCut,    // the whole Content-Length, half of the body, then the end of the connection
    kReset,  // nothing but a reset
    kDrip,   // in pieces, spread over duration_ms
    kHang,   // nothing for duration_ms, then the end of the connection
  };
  How how = How::kNormal;
  std::int64_t delay_ms = 0;
  std::int64_t duration_ms = 0;
};

struct Reply {
  Response response;
  WirePlan plan;
};

struct HttpRequest {
  std::string method;
  std::string target;
  std::string body;
  std::string authorization = {};  // the header of this name
};

class HttpServer {
 public:
  struct Handler {
    std::function<Reply(HttpRequest)> answer;
    std::function<void()> done;  // once for each answer, when it is sent or its connection is gone
  };

  // Listens at once, on "HOST:PORT"; port 0 takes a free one. `gzip`: for clients that accept it.
  // Throws std::runtime_error where it cannot.
  HttpServer(const std::string& listen, bool gzip, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // Calls `work` in the thread of Run.
  void Every(std::int64_t interval_ms, std::function<void()> work);
  // SIGTERM and SIGINT end Run.
  void StopOnSignals();
  // Serves until Stop.
  void Run();
  // From any thread.
  void Stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace sim
