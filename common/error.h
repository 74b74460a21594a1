// Expected failures as values: a Result<T> holds a T or an Error.
//
// ErrorKind answers one question: what may the caller do? Retry is decided in `pacing` and in the
// cores, nowhere else. The names follow std::expected, which GCC 12 does not have.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "common/check.h"

namespace common {

enum class ErrorKind {
  kTransient,  // Again, later: a cut connection, a database that is away, a stale upstream.
  kThrottled,  // Slow down: over a rate limit.
  kRejected,   // Never again as it is: the other side understood and refused.
  kMalformed,  // Keep the evidence, go on: what came could not be understood.
};

const char* ToString(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kTransient;
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value`, as with std::expected.
  Result(T value) : state_(std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): `return Error{...}`.
  Result(Error error) : state_(std::move(error)) {}

  bool has_value() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return has_value(); }

  // REQUIRES: has_value().
  T& value() & { return Get(); }
  const T& value() const& { return std::get<T>(Checked()); }
  T&& value() && { return std::move(Get()); }
  T& operator*() & { return Get(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &Get(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !has_value().
  const Error& error() const {
    CHECK(!has_value());
    return std::get<Error>(state_);
  }

 private:
  T& Get() {
    CHECK(has_value());
    return std::get<T>(state_);
  }
  const std::variant<T, Error>& Checked() const {
    CHECK(has_value());
    return state_;
  }

  std::variant<T, Error> state_;
};

// Success without a value.
struct Done {};
using Status = Result<Done>;

}  // namespace common
