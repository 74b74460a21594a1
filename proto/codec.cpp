#include "proto/codec.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <google/protobuf/stubs/logging.h>

#include "common/check.h"
#include "common/ids.h"
#include "common/trade.h"
#include "proto/seine.pb.h"

namespace proto {
namespace {

constexpr std::string_view kMagic = "SEIN";
constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kTypeAt = 5;
constexpr std::size_t kIncarnationSize = 16;
constexpr std::size_t kLongestName = 256;

common::Error Malformed(const char* counter) {
  return {common::ErrorKind::kMalformed, counter};
}

std::uint8_t ByteAt(std::string_view frame, std::size_t index) {
  return static_cast<std::uint8_t>(frame[index]);
}

bool IsRate(double number) {
  return std::isfinite(number) && number >= 0;
}

template <typename Message>
bool NamesLease(const Message& message) {
  return message.chunk() > 0 && message.epoch() > 0;
}

template <typename Leases>
bool NameLeases(const Leases& leases) {
  return std::all_of(leases.begin(), leases.end(),
                     [](const auto& lease) { return NamesLease(lease); });
}

template <typename Rates>
bool AreRates(const Rates& rates) {
  return std::all_of(rates.begin(), rates.end(), [](const RateShare& rate) {
    return rate.endpoint().size() <= kLongestName && IsRate(rate.per_second()) &&
           IsRate(rate.burst());
  });
}

bool IsSane(const Hello& hello) {
  return common::ParseWorkerId(hello.worker_id()) &&
         hello.incarnation().size() == kIncarnationSize && hello.host().size() <= kLongestName &&
         hello.state_dir_id().size() <= kLongestName && hello.version().size() <= kLongestName &&
         hello.protocol_min() <= hello.protocol_max() && hello.highest_term() >= 0 &&
         NameLeases(hello.held());
}

bool IsSane(const Welcome& welcome) {
  return welcome.session() > 0 && welcome.heartbeat_ms() > 0 && welcome.lease_ms() > 0 &&
         NameLeases(welcome.kept()) && AreRates(welcome.rates());
}

bool IsSane(const WalletTask& task) {
  constexpr std::size_t kAddressSize = 20;
  constexpr auto kLastSource = static_cast<std::uint32_t>(common::Source::kDome);
  return task.wallet_id() > 0 && task.address().size() == kAddressSize &&
         std::all_of(task.cursors().begin(), task.cursors().end(), [](const SourceCursor& cursor) {
           return cursor.source() >= 1 && cursor.source() <= kLastSource;
         });
}

// A chunk of any kind but trades is a list of units, which have a task instead of an address.
bool IsUnit(const WalletTask& task) {
  constexpr std::size_t kLongestTask = 4096;
  return task.wallet_id() > 0 && task.address().empty() && !task.task().empty() &&
         task.task().size() <= kLongestTask && task.complete_to() >= 0;
}

bool IsSane(const Assign& assign) {
  const bool has_units = !assign.kind().empty() && assign.kind() != "trades";
  return NamesLease(assign) && assign.kind().size() <= kLongestName &&
         std::all_of(assign.wallets().begin(), assign.wallets().end(), [&](const WalletTask& task) {
           return has_units ? IsUnit(task) : IsSane(task);
         });
}

bool IsSane(const Beat& beat) {
  return NameLeases(beat.leases()) &&
         std::all_of(beat.endpoints().begin(), beat.endpoints().end(),
                     [](const EndpointUse& use) { return use.endpoint().size() <= kLongestName; });
}

// Chunk 0 fences the whole process.
bool IsSane(const Fenced& fenced) {
  return fenced.chunk() == 0 || NamesLease(fenced);
}

bool IsSane(const Envelope& message) {
  switch (message.body_case()) {
    case Envelope::kHello:
      return IsSane(message.hello());
    case Envelope::kWelcome:
      return IsSane(message.welcome());
    case Envelope::kAssign:
      return IsSane(message.assign());
    case Envelope::kAccept:
      return NamesLease(message.accept());
    case Envelope::kBeat:
      return IsSane(message.beat());
    case Envelope::kBeatAck:
      return AreRates(message.beat_ack().rates());
    case Envelope::kFinished:
      return NamesLease(message.finished());
    case Envelope::kDoneAck:
      return NamesLease(message.done_ack());
    case Envelope::kRelease:
      return NamesLease(message.release());
    case Envelope::kRecall:
      return NamesLease(message.recall());
    case Envelope::kFenced:
      return IsSane(message.fenced());
    case Envelope::kReject:
    case Envelope::kCredit:
    case Envelope::kDrain:
    case Envelope::kDraining:
    case Envelope::kBye:
    case Envelope::BODY_NOT_SET:
      break;
  }
  return true;
}

// Protobuf writes to stderr about input that it refuses; whoever sends rubbish may not fill our
// log.
void SilenceProtobuf() {
  [[maybe_unused]] static const auto kBefore = google::protobuf::SetLogHandler(nullptr);
}

}  // namespace

std::string Encode(const Envelope& message) {
  CHECK(message.body_case() != Envelope::BODY_NOT_SET);
  std::string frame(kMagic);
  frame += static_cast<char>(kProtocolMax);
  frame += static_cast<char>(message.body_case());
  CHECK(message.AppendToString(&frame));
  return frame;
}

common::Result<Envelope> Decode(std::string_view frame, std::size_t longest) {
  if (frame.size() < kFrameHeaderSize) return Malformed("too_short");
  if (frame.size() > longest) return Malformed("too_long");
  if (!frame.starts_with(kMagic)) return Malformed("bad_magic");
  const std::uint8_t version = ByteAt(frame, kVersionAt);
  if (version < kProtocolMin || version > kProtocolMax) return Malformed("bad_version");
  const std::uint8_t type = ByteAt(frame, kTypeAt);
  if (type == 0 || type > Envelope::kBye) return Malformed("unknown_type");
  SilenceProtobuf();
  Envelope message;
  const std::string_view payload = frame.substr(kFrameHeaderSize);
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return Malformed("bad_payload");
  }
  if (static_cast<int>(message.body_case()) != type) return Malformed("type_mismatch");
  if (!IsSane(message)) return Malformed("bad_field");
  return message;
}

const char* TypeName(const Envelope& message) {
  switch (message.body_case()) {
    case Envelope::kHello:
      return "HELLO";
    case Envelope::kWelcome:
      return "WELCOME";
    case Envelope::kReject:
      return "REJECT";
    case Envelope::kCredit:
      return "CREDIT";
    case Envelope::kAssign:
      return "ASSIGN";
    case Envelope::kAccept:
      return "ACCEPT";
    case Envelope::kBeat:
      return "BEAT";
    case Envelope::kBeatAck:
      return "BEAT_ACK";
    case Envelope::kFinished:
      return "FINISHED";
    case Envelope::kDoneAck:
      return "DONE_ACK";
    case Envelope::kRelease:
      return "RELEASE";
    case Envelope::kRecall:
      return "RECALL";
    case Envelope::kFenced:
      return "FENCED";
    case Envelope::kDrain:
      return "DRAIN";
    case Envelope::kDraining:
      return "DRAINING";
    case Envelope::kBye:
      return "BYE";
    case Envelope::BODY_NOT_SET:
      break;
  }
  return "NOTHING";
}

}  // namespace proto
