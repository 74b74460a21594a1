#include "worker/curl_transfer.h"

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "common/check.h"
#include "worker/curl_http.h"

namespace worker {
namespace {

constexpr std::size_t kLargestReserve = std::size_t{512} << 10U;  // more than a full page

HeaderList AppendHeader(HeaderList list, const char* line) {
  curl_slist* longer = curl_slist_append(list.get(), line);
  if (longer == nullptr) throw std::runtime_error("curl: out of memory");
  static_cast<void>(list.release());  // `longer` begins with it.
  return {longer, curl_slist_free_all};
}

}  // namespace

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

std::size_t OnBody(char* bytes, std::size_t one, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t size = one * count;
  if (size > transfer.body_limit - transfer.body.size()) {
    transfer.too_large = true;
    return 0;
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
