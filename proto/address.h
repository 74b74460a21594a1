// "tcp://HOST:PORT" as users write it, in ZeroMQ's words. Only for the .cpp files of this folder.
#pragma once

#include <string>

#include "common/error.h"

namespace proto {

struct Address {
  std::string zmq;
  bool is_loopback = false;
  bool is_ipv6 = false;
};

// A port of 0 or * is any free one, a host of * every address.
common::Result<Address> ParseAddress(const std::string& text);

}  // namespace proto
