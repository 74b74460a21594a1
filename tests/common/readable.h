// Whether a descriptor can be read from at this instant.
#pragma once

#include <poll.h>

namespace common {

inline bool IsReadable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

}  // namespace common
