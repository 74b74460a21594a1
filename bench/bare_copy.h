// What the bars of whole installations are held against: one bare binary COPY of the very rows that
// were stored, in the same order, into a table like `trade` with its index.
#pragma once

#include <string>
#include <vector>

#include "common/postgres.h"

namespace bench {

// All rows of `trade`, as COPY writes them.
std::vector<std::string> CopyOut(common::PgConnection& connection);

// Seconds to COPY them into an empty table.
double SecondsOfBareCopy(common::PgConnection& connection, const std::vector<std::string>& pieces);

// A server that has run for a while writes into WAL files that it has; a new one makes each first,
// and only what is measured first would pay for that.
void WarmWal(common::PgConnection& connection);

}  // namespace bench
