// A list of the Data API as it writes it, and its times, for tests.
#pragma once

#include <string>

#include <fmt/format.h>

#include "common/clock.h"

namespace worker::sources {

inline constexpr common::UnixSeconds kHorizon = 1'790'000'000;
inline constexpr common::UnixSeconds kNow = 1'789'000'000;

// A page of these rows; an empty `next` is the last page.
inline std::string List(const std::string& rows, const std::string& next = "") {
  return fmt::format(R"({{"data":[{}],"pagination":{{"limit":1000,"offset":0,"has_more":{},)"
                     R"("next_cursor":{}}}}})",
                     rows, !next.empty(), next.empty() ? "null" : '"' + next + '"');
}

}  // namespace worker::sources
