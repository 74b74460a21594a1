// Where a page of a cursor's list ended, so that a walk which stands still is noticed.
//
// A server that does not know the name of the cursor's parameter answers with the first page again
// and again; one that is broken may hand out the same cursor for ever. Both must end the walk as an
// error and never as its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace worker::sources {

struct PageEnd {
  std::size_t rows = 0;
  std::uint64_t hash = 0;   // of what identifies the rows
  std::string next_cursor;  // empty: the list is over

  friend bool operator==(const PageEnd&, const PageEnd&) = default;
};

// So many equal rows in a row cannot be chance, where rows have no identity of their own.
inline constexpr std::size_t kRowsOfARepeat = 100;
inline constexpr std::size_t kLongestNextCursor = 4096;

// `now` is the page that was asked for with before.next_cursor. kTransient where its cursor has not
// moved, or where it has the rows of the page before and at least `least_rows` of them.
std::optional<common::Error> StandsStill(const PageEnd& before, const PageEnd& now,
                                         std::size_t least_rows = 1);

// As a position that can be stored: empty where the list is over.
std::string EncodePageEnd(const PageEnd& end);

// An empty or unreadable text is the list's beginning.
PageEnd DecodePageEnd(std::string_view text);

// A query parameter's value: every byte that is not surely plain is escaped.
std::string EscapeQuery(std::string_view text);

}  // namespace worker::sources
