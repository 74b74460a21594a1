// What an answer that is no good page means for whoever asked.
#pragma once

#include <optional>
#include <string>

#include "common/error.h"
#include "worker/http.h"

namespace worker::sources {

inline constexpr int kHttpOk = 200;
inline constexpr int kHttpTooManyRequests = 429;

// Nothing where the status is 200 and the body is worth parsing. kThrottled: 429, or any status
// that says so in its body. kRejected: a refusal in JSON that is not retryable. Everything else, a
// proxy's HTML included, is kTransient.
std::optional<common::Error> FailureOf(const HttpResponse& response);

// A page that contradicts itself, or what was asked for, proves nothing: kTransient.
common::Error Implausible(const std::string& why);

// Whether the program that was asked answered, and not the way to it: a cut connection, or a proxy
// before a server that is away, says nothing of what was asked for.
bool IsOfTheUpstream(const HttpResponse& response);

}  // namespace worker::sources
