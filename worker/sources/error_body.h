// An upstream's own word on what went wrong: {"error", "code", "retryable", ...} of the Data API,
// Gamma and the CLOB, {"errors": [{"message"}]} of GraphQL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace worker::sources {

// Nothing where the body is not a JSON object with a member "error" or "errors" at its top. Such a
// body is kRejected, unless it says that it is retryable (kTransient) or rate limited (kThrottled);
// GraphQL does not say, so its errors are kTransient.
std::optional<common::Error> ParseErrorBody(std::string_view body);

// The text, cut to what a log line can bear, without control characters.
std::string Evidence(std::string_view text);

}  // namespace worker::sources
