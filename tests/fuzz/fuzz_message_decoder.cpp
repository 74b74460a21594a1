// Frames as an authorised worker or a stranger might send them. What is accepted must survive being
// written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "proto/codec.h"
#include "proto/seine.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t kLongest = proto::kLongestFrameToWorker;
  const std::string_view frame(reinterpret_cast<const char*>(bytes), size);
  const auto message = proto::Decode(frame, kLongest);
  if (!message) {
    CHECK(message.error().kind == common::ErrorKind::kMalformed);
    return 0;
  }
  const auto again = proto::Decode(proto::Encode(*message), kLongest);
  CHECK(again && again->SerializeAsString() == message->SerializeAsString());
  return 0;
}
