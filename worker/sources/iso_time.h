// The times of Gamma and the Data API, which come in several forms.
#pragma once

#include <optional>
#include <string_view>

#include "common/clock.h"

namespace worker::sources {

// "2026-05-09T02:07:01Z", "2026-05-09 02:07:01+00", with or without a fraction of a second, or the
// day alone; all in UTC. Nothing where the text is none of these, or no day of the calendar.
std::optional<common::UnixSeconds> ParseIsoTime(std::string_view text);

}  // namespace worker::sources
