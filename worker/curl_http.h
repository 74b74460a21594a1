// The HttpClient over one curl multi handle: HTTP/1.1 keep-alive, compression, limits.
//
// HTTP/1.1, because libcurl 7.88 can take a reset HTTP/2 stream for a complete body. A body that is
// cut, too large once decoded, or too slow is a failure, never an answer. Redirects are not
// followed. Belongs to one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "worker/http.h"

namespace worker {

struct CurlLimits {
  common::Duration connect_timeout = std::chrono::seconds(3);
  common::Duration total_timeout = std::chrono::seconds(30);   // waiting for a connection included
  common::Duration low_speed_time = std::chrono::seconds(15);  // below one byte a second
  std::size_t body_bytes = std::size_t{32} << 20U;             // decoded
  std::size_t header_bytes = std::size_t{256} << 10U;
  long host_connections = 64;
};

class CurlHttp final : public HttpClient {
 public:
  // Throws std::runtime_error where curl cannot start.
  explicit CurlHttp(const CurlLimits& limits = {});
  // Requests in flight are dropped unanswered.
  ~CurlHttp() override;
  CurlHttp(const CurlHttp&) = delete;
  CurlHttp& operator=(const CurlHttp&) = delete;

  std::uint64_t Start(const HttpRequest& request) override;
  std::vector<HttpResponse> Collect() override;

  // Waits until a transfer can move, one of `fds` is readable, or `timeout` is over; call Collect
  // then. At most a thousand fds.
  void Wait(common::Duration timeout, std::span<const int> fds = {});

  // Requests started and not yet collected.
  std::size_t in_flight() const;

 private:
  class Transfers;
  std::unique_ptr<Transfers> transfers_;
};

// How long to keep away: seconds or a date, whatever is absurd brought between 0.1 and 300 seconds.
// Nothing where the text is neither.
std::optional<common::Duration> ParseRetryAfter(std::string_view text, common::UnixSeconds now);

}  // namespace worker
