// The Retry-After header: whatever the bytes, the wait is within its bounds.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/curl_http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto wait = worker::ParseRetryAfter(text, 1'790'000'000);
  if (wait) CHECK(*wait >= std::chrono::milliseconds(100) && *wait <= std::chrono::seconds(300));
  return 0;
}
