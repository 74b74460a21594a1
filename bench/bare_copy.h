// What the bars of whole installations are held against: one bare binary COPY of the very rows that
// were stored, in the same order, into an empty table like `trade` with its index.
#pragma once

#include <string>

namespace bench {

// Of the COPY alone: reading the rows beforehand is not counted.
double SecondsOfBareCopy(const std::string& database_url);

}  // namespace bench
