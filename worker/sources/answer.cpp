#include "worker/sources/answer.h"

#include "worker/sources/error_body.h"

namespace worker::sources {
namespace {

constexpr int kInternalError = 500;
constexpr int kRequestTimeout = 408;
constexpr int kTooEarly = 425;

}  // namespace

std::optional<common::Error> FailureOf(const HttpResponse& response) {
  using common::Error;
  using common::ErrorKind;
  const int status = response.status;
  if (status == kHttpOk) return std::nullopt;
  if (status == 0) return Error{ErrorKind::kTransient, "no answer: " + response.failure};

  const std::optional<Error> told = ParseErrorBody(response.body);
  std::string text = "HTTP " + std::to_string(status) + ": ";
  text += told ? told->message : Evidence(response.body);
  if (status == kHttpTooManyRequests) return Error{ErrorKind::kThrottled, text};
  const bool is_refusal =
      status >= 400 && status < 500 && status != kRequestTimeout && status != kTooEarly;
  if (!told || (!is_refusal && told->kind == ErrorKind::kRejected)) {
    return Error{ErrorKind::kTransient, text};
  }
  return Error{told->kind, text};
}

common::Error Implausible(const std::string& why) {
  return {common::ErrorKind::kTransient, "the page cannot be right: " + why};
}

bool IsOfTheUpstream(const HttpResponse& response) {
  return response.status == kHttpOk || response.status == kInternalError;
}

}  // namespace worker::sources
