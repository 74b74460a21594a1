#include "proto/channel.h"

#include "proto/socket.h"

namespace proto {

Context::Context() : state_(std::make_unique<State>()) {}

Context::~Context() = default;

const char* ToString(ConnectionEvent event) {
  switch (event) {
    case ConnectionEvent::kConnected:
      return "connected";
    case ConnectionEvent::kDisconnected:
      return "disconnected";
    case ConnectionEvent::kNotAuthorised:
      return "this worker's key is not authorised";
    case ConnectionEvent::kMechanismMismatch:
      return "one side has keys and the other has none";
    case ConnectionEvent::kHandshakeFailed:
      return "cut during the handshake: is this the right coordinator.pub?";
  }
  return "unknown";
}

}  // namespace proto
