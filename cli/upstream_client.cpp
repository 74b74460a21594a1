#include "cli/upstream_client.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>

namespace cli {
namespace {

constexpr std::chrono::seconds kUpstreamConnectTimeout(5);
constexpr std::chrono::seconds kReadTimeout(30);
constexpr int kTries = 6;
constexpr double kShortestWait_s = 0.5;
constexpr double kLongestWait_s = 30;

std::string Describe(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
      return "no connection (refused, no route, or no such name)";
    case httplib::Error::Read:
      return "no complete answer in time";
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLServerVerification:
      return "the TLS connection failed";
    default:
      return httplib::to_string(error);
  }
}

}  // namespace

std::optional<UrlParts> SplitUrl(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return std::nullopt;
  const std::string name = url.substr(0, scheme);
  if (name != "http" && name != "https") return std::nullopt;
  const std::size_t slash = url.find_first_of("/?", scheme + 3);
  UrlParts parts{url.substr(0, slash), slash == std::string::npos ? "/" : url.substr(slash)};
  if (parts.origin.size() == scheme + 3) return std::nullopt;
  return parts;
}

std::optional<std::string> PublicOrigin(const std::string& url) {
  const std::optional<UrlParts> parts = SplitUrl(url);
  if (!parts) return std::nullopt;
  const std::string& origin = parts->origin;
  const std::size_t at = origin.rfind('@');
  if (at == std::string::npos) return origin;
  return origin.substr(0, origin.find("://") + 3) + origin.substr(at + 1);
}

std::optional<std::int64_t> ParseHttpDate(const std::string& text) {
  std::tm parts{};
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &parts) == nullptr) return std::nullopt;
  return timegm(&parts);
}

common::Result<UpstreamAnswer> AskUpstream(const std::string& url, const std::string& body) {
  const std::optional<UrlParts> parts = SplitUrl(url);
  if (!parts) {
    return common::Error{common::ErrorKind::kRejected, "'" + url + "' is no http or https URL"};
  }
  httplib::Client client(parts->origin);
  client.set_connection_timeout(kUpstreamConnectTimeout);
  client.set_read_timeout(kReadTimeout);
  const auto start = std::chrono::steady_clock::now();
  const httplib::Result answer = body.empty()
                                     ? client.Get(parts->target)
                                     : client.Post(parts->target, body, "application/json");
  if (!answer) {
    return common::Error{common::ErrorKind::kTransient,
                         *PublicOrigin(url) + ": " + Describe(answer.error())};
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return UpstreamAnswer{answer->status, answer->body, answer->get_header_value("Date"),
                        answer->get_header_value("Retry-After"), took.count()};
}

common::Result<std::string> AskPatiently(const std::string& url) {
  std::string trouble;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    double wait_s = kShortestWait_s * (1 << attempt);
    const common::Result<UpstreamAnswer> answer = AskUpstream(url);
    if (answer && answer->status == 200) return answer->body;
    if (answer && answer->status >= 400 && answer->status < 500 && answer->status != 429) {
      return common::Error{common::ErrorKind::kRejected,
                           fmt::format("HTTP {}: {}", answer->status, answer->body.substr(0, 200))};
    }
    trouble = answer ? fmt::format("HTTP {}", answer->status) : answer.error().message;
    if (answer) wait_s = std::max(wait_s, std::strtod(answer->retry_after.c_str(), nullptr));
    const std::chrono::duration<double> wait(std::min(wait_s, kLongestWait_s));
    std::this_thread::sleep_for(wait);
  }
  return common::Error{common::ErrorKind::kTransient, trouble};
}

}  // namespace cli
