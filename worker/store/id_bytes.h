// An address, a hash or an id as a bytea.
#pragma once

#include <string_view>

namespace worker::store {

// It lives as long as the id.
template <typename Id>
std::string_view BytesOf(const Id& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

}  // namespace worker::store
