#include "common/error.h"

namespace common {

const char* ToString(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kTransient:
      return "transient";
    case ErrorKind::kThrottled:
      return "throttled";
    case ErrorKind::kRejected:
      return "rejected";
    case ErrorKind::kMalformed:
      return "malformed";
  }
  return "unknown";
}

}  // namespace common
