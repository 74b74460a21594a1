#include "worker/curl_http.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>

#include "common/check.h"
#include "worker/curl_transfer.h"

namespace worker {
namespace {

constexpr long kConnectionIdle_s = 60;
constexpr long kConnectionLife_s = 300;
constexpr long kDnsCache_s = 60;
constexpr long kReceiveBuffer_bytes = 64L << 10U;
constexpr std::size_t kMostWaitFds = 1000;

using MultiHandle = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;

// curl refuses an option only where it is too old or misused, which is a mistake of ours.
template <typename Value>
void Set(CURL* handle, CURLoption option, Value value) {
  CHECK(curl_easy_setopt(handle, option, value) == CURLE_OK);
}

template <typename Value>
void SetMulti(CURLM* handle, CURLMoption option, Value value) {
  CHECK(curl_multi_setopt(handle, option, value) == CURLM_OK);
}

long Milliseconds(common::Duration duration) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

// Initialises curl before the first handle, once for the life of the process.
void StartCurl() {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kStarted != CURLE_OK) throw std::runtime_error("curl cannot start");
}

}  // namespace

class CurlHttp::Transfers {
 public:
  explicit Transfers(const CurlLimits& limits)
      : limits_(limits), multi_(curl_multi_init(), curl_multi_cleanup) {
    if (multi_ == nullptr) throw std::runtime_error("curl: out of memory");
    SetMulti(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    SetMulti(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, limits.host_connections);
    SetMulti(multi_.get(), CURLMOPT_MAXCONNECTS, 4 * limits.host_connections);
  }

  ~Transfers() {
    for (const auto& [handle, transfer] : active_) curl_multi_remove_handle(multi_.get(), handle);
  }
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  std::uint64_t Start(const HttpRequest& request) {
    std::unique_ptr<Transfer> transfer = TakeIdle();
    transfer->id = ++last_id_;
    CURL* handle = transfer->handle.get();
    Set(handle, CURLOPT_URL, request.url.c_str());
    transfer->headers = HeadersOf(request);
    Set(handle, CURLOPT_HTTPHEADER, transfer->headers.get());
    if (request.body.empty()) {
      Set(handle, CURLOPT_HTTPGET, 1L);
    } else {
      Set(handle, CURLOPT_POST, 1L);
      Set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      Set(handle, CURLOPT_COPYPOSTFIELDS, request.body.c_str());
    }
    CHECK(curl_multi_add_handle(multi_.get(), handle) == CURLM_OK);
    active_.emplace(handle, std::move(transfer));
    return last_id_;
  }

  std::vector<HttpResponse> Collect() {
    int running = 0;
    CHECK(curl_multi_perform(multi_.get(), &running) == CURLM_OK);
    std::vector<HttpResponse> responses;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      responses.push_back(Finish(message->easy_handle, code));
    }
    return responses;
  }

  void Wait(common::Duration timeout, std::span<const int> fds) {
    CHECK(fds.size() <= kMostWaitFds);
    wait_fds_.clear();
    for (const int fd : fds) wait_fds_.push_back(curl_waitfd{fd, CURL_WAIT_POLLIN, 0});
    // Rounded up: a wait of less than a millisecond must not become a busy loop.
    const common::Duration longest = std::chrono::hours(1);
    const common::Duration bounded = std::clamp(timeout, common::Duration::zero(), longest);
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(bounded).count();
    CHECK(curl_multi_poll(multi_.get(), wait_fds_.data(), static_cast<unsigned>(wait_fds_.size()),
                          static_cast<int>(wait_ms), nullptr) == CURLM_OK);
  }

  std::size_t in_flight() const { return active_.size(); }

 private:
  std::unique_ptr<Transfer> TakeIdle() {
    if (!idle_.empty()) {
      std::unique_ptr<Transfer> transfer = std::move(idle_.back());
      idle_.pop_back();
      return transfer;
    }
    auto transfer = std::make_unique<Transfer>();
    transfer->handle.reset(curl_easy_init());
    CHECK(transfer->handle != nullptr);
    transfer->body_limit = limits_.body_bytes;
    transfer->header_limit = limits_.header_bytes;
    SetUp(*transfer);
    return transfer;
  }

  // All that stays the same from request to request.
  void SetUp(Transfer& transfer) const {
    CURL* handle = transfer.handle.get();
    Set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    Set(handle, CURLOPT_FOLLOWLOCATION, 0L);
    Set(handle, CURLOPT_NOSIGNAL, 1L);
    Set(handle, CURLOPT_USERAGENT, "seine/" SEINE_VERSION);
    Set(handle, CURLOPT_ACCEPT_ENCODING, "");
    Set(handle, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(limits_.connect_timeout));
    Set(handle, CURLOPT_TIMEOUT_MS, Milliseconds(limits_.total_timeout));
    Set(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    Set(handle, CURLOPT_LOW_SPEED_TIME, std::max(1L, Milliseconds(limits_.low_speed_time) / 1000));
    Set(handle, CURLOPT_MAXAGE_CONN, kConnectionIdle_s);
    Set(handle, CURLOPT_MAXLIFETIME_CONN, kConnectionLife_s);
    Set(handle, CURLOPT_DNS_CACHE_TIMEOUT, kDnsCache_s);
    Set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    Set(handle, CURLOPT_BUFFERSIZE, kReceiveBuffer_bytes);
    Set(handle, CURLOPT_ERRORBUFFER, transfer.error.data());
    Set(handle, CURLOPT_WRITEFUNCTION, &OnBody);
    Set(handle, CURLOPT_WRITEDATA, &transfer);
    Set(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
    Set(handle, CURLOPT_HEADERDATA, &transfer);
  }

  HttpResponse Finish(CURL* handle, CURLcode code) {
    const auto found = active_.find(handle);
    CHECK(found != active_.end());
    std::unique_ptr<Transfer> transfer = std::move(found->second);
    active_.erase(found);
    HttpResponse response;
    response.id = transfer->id;
    response.retry_after = RetryAfterOf(handle);
    response.date = DateOf(handle);
    curl_off_t elapsed_us = 0;
    curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME_T, &elapsed_us);
    response.elapsed = std::chrono::microseconds(elapsed_us);
    if (code == CURLE_OK && transfer->header_ended) {
      long status = 0;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      response.status = static_cast<int>(status);
      response.body = std::move(transfer->body);
    } else {
      response.failure = FailureText(*transfer, code);
      response.too_large = transfer->too_large;
    }
    curl_multi_remove_handle(multi_.get(), handle);
    Set(handle, CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
    transfer->headers.reset();
    transfer->body = {};
    transfer->error.fill('\0');
    transfer->header_bytes = 0;
    transfer->too_large = false;
    transfer->header_ended = false;
    idle_.push_back(std::move(transfer));
    return response;
  }

  // Constant after construction.
  const CurlLimits limits_;
  // Declared before the handles that are in it, so that it is cleaned up after them.
  const MultiHandle multi_;

  std::uint64_t last_id_ = 0;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> active_;
  std::vector<std::unique_ptr<Transfer>> idle_;
  std::vector<curl_waitfd> wait_fds_;
};

CurlHttp::CurlHttp(const CurlLimits& limits) {
  StartCurl();
  transfers_ = std::make_unique<Transfers>(limits);
}

CurlHttp::~CurlHttp() = default;

std::uint64_t CurlHttp::Start(const HttpRequest& request) {
  return transfers_->Start(request);
}

std::vector<HttpResponse> CurlHttp::Collect() {
  return transfers_->Collect();
}

void CurlHttp::Wait(common::Duration timeout, std::span<const int> fds) {
  transfers_->Wait(timeout, fds);
}

std::size_t CurlHttp::in_flight() const {
  return transfers_->in_flight();
}

}  // namespace worker
