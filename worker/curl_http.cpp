#include "worker/curl_http.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>

#include "common/check.h"

namespace worker {
namespace {

constexpr long kConnectionIdle_s = 60;
constexpr long kConnectionLife_s = 300;
constexpr long kDnsCache_s = 60;
constexpr std::size_t kLargestReserve = std::size_t{256} << 10U;
constexpr std::size_t kMostWaitFds = 1000;

using EasyHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using MultiHandle = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

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

HeaderList AppendHeader(HeaderList list, const char* line) {
  curl_slist* longer = curl_slist_append(list.get(), line);
  if (longer == nullptr) throw std::runtime_error("curl: out of memory");
  list.release();
  return {longer, curl_slist_free_all};
}

// Initialises curl before the first handle, once for the life of the process.
void StartCurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw std::runtime_error("curl cannot start");
}

// The request's own lines may hold a key: they go to curl and nowhere else.
HeaderList HeadersOf(const HttpRequest& request) {
  HeaderList list = AppendHeader({nullptr, curl_slist_free_all}, "Accept: application/json");
  if (!request.body.empty()) {
    list = AppendHeader(std::move(list), "Content-Type: application/json");
    list = AppendHeader(std::move(list), "Expect:");
  }
  for (const std::string& line : request.headers) {
    CHECK(line.find_first_of("\r\n") == std::string::npos);
    list = AppendHeader(std::move(list), line.c_str());
  }
  return list;
}

// One request on its way. Its easy handle is used again by later ones.
struct Transfer {
  HeaderList headers{nullptr, curl_slist_free_all};  // outlives the handle's use of it
  EasyHandle handle{nullptr, curl_easy_cleanup};
  std::array<char, CURL_ERROR_SIZE> error{};
  std::uint64_t id = 0;
  std::string body;
  std::size_t header_bytes = 0;
  std::size_t body_limit = 0;
  std::size_t header_limit = 0;
  bool too_large = false;
  bool header_ended = false;  // by its empty line; curl takes a cut header for a whole one
};

std::size_t OnBody(char* bytes, std::size_t one, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t size = one * count;
  if (size > transfer.body_limit - transfer.body.size()) {
    transfer.too_large = true;
    return 0;  // another number than `size` makes curl give up
  }
  if (transfer.body.empty()) transfer.body.reserve(std::min(transfer.body_limit, kLargestReserve));
  transfer.body.append(bytes, size);
  return size;
}

std::size_t OnHeader(char* bytes, std::size_t one, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(bytes, one * count);
  // After an interim answer another header follows; after a chunked body, its trailers do.
  if (line.starts_with("HTTP/")) transfer.header_ended = false;
  if (line == "\r\n" || line == "\n") transfer.header_ended = true;
  transfer.header_bytes += one * count;
  if (transfer.header_bytes <= transfer.header_limit) return one * count;
  transfer.too_large = true;
  return 0;
}

std::optional<common::Duration> RetryAfterOf(CURL* handle) {
  curl_header* header = nullptr;
  if (curl_easy_header(handle, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return std::nullopt;
  }
  return ParseRetryAfter(header->value, std::time(nullptr));
}

std::optional<common::UnixSeconds> DateOf(CURL* handle) {
  curl_header* header = nullptr;
  if (curl_easy_header(handle, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return std::nullopt;
  }
  const std::time_t date = curl_getdate(header->value, nullptr);
  if (date <= 0) return std::nullopt;
  return date;
}

std::string FailureText(const Transfer& transfer, CURLcode code) {
  if (transfer.too_large) {
    return "the answer is larger than " + std::to_string(transfer.body_limit) + " bytes, or its " +
           "header than " + std::to_string(transfer.header_limit);
  }
  if (code == CURLE_OK) return "the answer's header is cut";
  if (transfer.error[0] != '\0') return transfer.error.data();
  return curl_easy_strerror(code);
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

std::optional<common::Duration> ParseRetryAfter(std::string_view text, common::UnixSeconds now) {
  constexpr common::Duration kShortest = std::chrono::milliseconds(100);
  constexpr common::Duration kLongest = std::chrono::seconds(300);
  constexpr std::size_t kLongestDate = 64;
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);

  common::UnixSeconds seconds = 0;
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    for (const char digit : text) {
      seconds = std::min<common::UnixSeconds>(seconds * 10 + (digit - '0'), 1'000'000);
    }
  } else {
    // Every HTTP date begins with the day's name; curl would take many another text for a date.
    const bool is_letter = (text[0] >= 'A' && text[0] <= 'Z') || (text[0] >= 'a' && text[0] <= 'z');
    if (!is_letter || text.size() > kLongestDate) return std::nullopt;
    const std::time_t date = curl_getdate(std::string(text).c_str(), nullptr);
    if (date == -1) return std::nullopt;
    seconds = std::clamp<common::UnixSeconds>(date, now - 1'000'000, now + 1'000'000) - now;
  }
  return std::clamp<common::Duration>(std::chrono::seconds(seconds), kShortest, kLongest);
}

}  // namespace worker
