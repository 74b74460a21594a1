// How transactions that hold a chunk's row are kept from holding it for ever.
//
// A process that is frozen between its fence and its COMMIT would keep the row locked, and whoever
// wants to lease the chunk again would wait. So such a transaction may not idle for long, and while
// it lasts its session carries the lease's name, by which the coordinator finds it and ends it.
#pragma once

#include <string>

#include "common/ids.h"

namespace common {

// Of the server, for a transaction between two statements.
inline constexpr char kIdleInTransaction[] = "20s";
// Until a coordinator's statement gives up waiting for a row.
inline constexpr char kLockTimeout[] = "3s";

// At most 63 bytes, PostgreSQL's limit for application_name.
inline std::string LeaseSessionName(ChunkId chunk, Epoch epoch) {
  return "seine chunk " + std::to_string(chunk.value) + " epoch " + std::to_string(epoch.value);
}

}  // namespace common
