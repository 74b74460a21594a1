// A message as the bytes of one frame, and back.
//
//   frame = magic (4 bytes "SEIN"), protocol version (1), type (1), protobuf Envelope
// The type is the number of the field in Envelope that is set, so that a frame can be counted and
// refused without a look at its payload. Callers include "proto/seine.pb.h" themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace proto {

class Envelope;

// The protocol versions that this build speaks; HELLO carries them, WELCOME or REJECT settles it.
inline constexpr std::uint8_t kProtocolMin = 1;
inline constexpr std::uint8_t kProtocolMax = 1;

inline constexpr std::size_t kFrameHeaderSize = 6;
// What each side accepts; ZeroMQ cuts the connection of a sender that goes beyond.
inline constexpr std::size_t kLongestFrameToCoordinator = std::size_t{1} << 20U;
inline constexpr std::size_t kLongestFrameToWorker = std::size_t{4} << 20U;

// REQUIRES: a body is set.
std::string Encode(const Envelope& message);

// Refuses everything that a core could stumble over: foreign and cut frames, unknown types,
// payloads that are not of their type, names, hashes and numbers out of their range. The error is
// kMalformed and its message is the name to count it under: "too_short", "too_long", "bad_magic",
// "bad_version", "unknown_type", "bad_payload", "type_mismatch" or "bad_field".
common::Result<Envelope> Decode(std::string_view frame, std::size_t longest);

// "HELLO", "BEAT_ACK", ...; "NOTHING" where no body is set. For logs and counters.
const char* TypeName(const Envelope& message);

}  // namespace proto
