// Asks an upstream one thing at a time, for `doctor` and `audit`: patient, polite, simple.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/error.h"

namespace cli {

struct UpstreamAnswer {
  int status = 0;
  std::string body;
  std::string date;         // the Date header
  std::string retry_after;  // the header, as it came
  double seconds = 0;
};

// GET, or POST where there is a body. An Error only where no complete answer came. Takes http and
// https.
common::Result<UpstreamAnswer> AskUpstream(const std::string& url, const std::string& body = "");

// The body of a GET that succeeded; waits as long as a 429 or 503 asks, a few times. kRejected if
// it was refused.
common::Result<std::string> AskPatiently(const std::string& url);

// "https://host:1/path?x" in "https://host:1" and "/path?x"; nothing if it is no such URL.
struct UrlParts {
  std::string origin;
  std::string target;
};
std::optional<UrlParts> SplitUrl(const std::string& url);

// Scheme, host and port alone: what is left out may be a secret.
std::optional<std::string> PublicOrigin(const std::string& url);

// The seconds since 1970 of a Date header; nothing if it is none.
std::optional<std::int64_t> ParseHttpDate(const std::string& text);

}  // namespace cli
