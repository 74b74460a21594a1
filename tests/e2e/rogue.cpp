#include "tests/e2e/rogue.h"

#include <chrono>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>
#include <zmq.hpp>

#include "common/random.h"
#include "proto/codec.h"
#include "tests/proto/samples.h"

namespace e2e {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

}  // namespace

struct Rogue::State {
  // A chunk that was leased to it.
  struct Given {
    std::int64_t chunk = 0;
    std::int64_t epoch = 0;
    std::vector<std::int32_t> wallets;
  };

  State(const std::string& address, const proto::ClientKeys& keys, std::string name)
      : socket(context, zmq::socket_type::dealer), id(std::move(name)) {
    socket.set(zmq::sockopt::curve_serverkey, keys.server_public_z85);
    socket.set(zmq::sockopt::curve_publickey, keys.own.public_z85);
    socket.set(zmq::sockopt::curve_secretkey, keys.own.secret_z85);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(address);
  }

  // False: it cannot be sent for long.
  bool Say(const std::string& frame);
  void Hear(std::chrono::milliseconds patience);
  std::uint64_t Number(std::uint64_t told);
  void Twist(Message& message);
  proto::Envelope Sentence();
  std::string Garbled(std::string frame);

  zmq::context_t context;
  zmq::socket_t socket;
  const std::string id;
  common::Random random{11};
  Counts counts;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::vector<Given> given;
  std::optional<proto::Reject::Reason> rejection;
};

bool Rogue::State::Say(const std::string& frame) {
  zmq::pollitem_t out{socket.handle(), 0, ZMQ_POLLOUT, 0};
  if (zmq::poll(&out, 1, std::chrono::seconds(20)) == 0) return false;
  socket.send(zmq::buffer(frame), zmq::send_flags::dontwait);
  ++counts.said;
  return true;
}

void Rogue::State::Hear(std::chrono::milliseconds patience) {
  zmq::pollitem_t in{socket.handle(), 0, ZMQ_POLLIN, 0};
  zmq::poll(&in, 1, patience);
  zmq::message_t frame;
  while (socket.recv(frame, zmq::recv_flags::dontwait)) {
    const auto message = proto::Decode(frame.to_string_view(), proto::kLongestFrameToWorker);
    if (!message) continue;
    counts.recalled += message->has_recall() ? 1 : 0;
    counts.fenced += message->has_fenced() ? 1 : 0;
    counts.rejected += message->has_reject() ? 1 : 0;
    if (message->has_reject()) rejection = message->reject().reason();
    if (message->has_welcome()) {
      ++counts.welcomed;
      session = message->welcome().session();
    }
    if (!message->has_assign()) continue;
    ++counts.assigned;
    Given& lease = given.emplace_back();
    lease.chunk = message->assign().chunk();
    lease.epoch = message->assign().epoch();
    for (const auto& wallet : message->assign().wallets()) {
      lease.wallets.push_back(wallet.wallet_id());
    }
  }
}

// What it was told, its neighbours, or anything.
std::uint64_t Rogue::State::Number(std::uint64_t told) {
  switch (random.Below(6)) {
    case 0:
      return told + 1;
    case 1:
      return told - 1;
    case 2:
      return random.Next();
    default:
      return told;
  }
}

// Numbers of all fields, by their names where it was told some.
void Rogue::State::Twist(Message& message) {
  const Given lease = given.empty() ? Given() : given[random.Below(given.size())];
  const auto* const reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* const field = message.GetDescriptor()->field(i);
    const std::uint64_t told = field->name() == "session" ? session
                               : field->name() == "chunk" ? static_cast<std::uint64_t>(lease.chunk)
                               : field->name() == "epoch" ? static_cast<std::uint64_t>(lease.epoch)
                                                          : random.Below(30);
    const auto number = static_cast<std::int64_t>(Number(told));
    if (field->is_repeated()) {
      const bool is_wallets = field->cpp_type() == FieldDescriptor::CPPTYPE_INT32;
      for (const std::int32_t wallet : lease.wallets) {
        if (is_wallets && random.Chance(0.5)) reflection->AddInt32(&message, field, wallet);
      }
      const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
      for (std::uint64_t more = is_message ? random.Below(3) : 0; more > 0; --more) {
        Twist(*reflection->AddMessage(&message, field));
      }
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        reflection->SetInt32(&message, field, static_cast<std::int32_t>(number));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(&message, field, number);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection->SetUInt32(&message, field, static_cast<std::uint32_t>(number));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection->SetUInt64(&message, field, static_cast<std::uint64_t>(number));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection->SetEnumValue(&message, field, static_cast<int>(random.Below(6)));
        break;
      default:
        break;
    }
  }
}

proto::Envelope Rogue::State::Sentence() {
  if (session == 0 || random.Chance(0.02)) return proto::MakeHello(random.Chance(0.9) ? id : "w-9");
  if (random.Chance(0.05)) {
    proto::Envelope credit;
    credit.mutable_credit()->set_session(session);
    credit.mutable_credit()->set_chunks(given.size() + 2);
    return credit;
  }
  auto all = proto::MakeOneOfEach();
  proto::Envelope message = std::move(all[random.Below(all.size())]);
  const auto* const reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> set;
  reflection->ListFields(message, &set);
  for (const FieldDescriptor* const body : set) {
    Twist(*reflection->MutableMessage(&message, body));
  }
  return message;
}

std::string Rogue::State::Garbled(std::string frame) {
  ++counts.garbled;
  switch (random.Below(3)) {
    case 0:
      frame.resize(random.Below(frame.size()));
      break;
    case 1:
      frame.append(1 + random.Below(64), static_cast<char>(random.Next()));
      break;
    default:
      for (std::uint64_t i = 1 + random.Below(8); i > 0; --i) {
        frame[random.Below(frame.size())] = static_cast<char>(random.Next());
      }
  }
  return frame;
}

Rogue::Rogue(const std::string& address, const proto::ClientKeys& keys, std::string id)
    : state_(std::make_unique<State>(address, keys, std::move(id))) {}

Rogue::~Rogue() = default;

void Rogue::Talk(int messages) {
  constexpr int kBetweenAnswers = 50;
  constexpr std::chrono::milliseconds kLong{20};
  for (int i = 0; i < messages; ++i) {
    std::string frame = proto::Encode(state_->Sentence());
    if (state_->random.Chance(0.2)) frame = state_->Garbled(std::move(frame));
    if (!state_->Say(frame)) return;
    state_->Hear(i % kBetweenAnswers == 0 ? kLong : std::chrono::milliseconds::zero());
  }
}

void Rogue::Dawdle() {
  State& state = *state_;
  if (state.session == 0) {
    state.Say(proto::Encode(proto::MakeHello(state.id)));
  } else {
    proto::Envelope credit;
    credit.mutable_credit()->set_session(state.session);
    credit.mutable_credit()->set_chunks(1);
    state.Say(proto::Encode(credit));
    proto::Envelope beat = proto::MakeBeat(++state.sequence);
    beat.mutable_beat()->set_session(state.session);
    for (const State::Given& lease : state.given) {
      proto::Envelope accept;
      accept.mutable_accept()->set_session(state.session);
      accept.mutable_accept()->set_chunk(lease.chunk);
      accept.mutable_accept()->set_epoch(lease.epoch);
      state.Say(proto::Encode(accept));
      auto* const progress = beat.mutable_beat()->add_leases();
      progress->set_chunk(lease.chunk);
      progress->set_epoch(lease.epoch);
    }
    state.Say(proto::Encode(beat));
  }
  constexpr std::chrono::milliseconds kRound{100};
  state.Hear(kRound);
}

std::optional<proto::Reject::Reason> Rogue::Introduce(std::uint32_t version) {
  proto::Envelope hello = proto::MakeHello(state_->id);
  hello.mutable_hello()->set_protocol_min(version);
  hello.mutable_hello()->set_protocol_max(version);
  constexpr int kMost = 60;
  for (int i = 0; i < kMost && !state_->rejection; ++i) {
    state_->Say(proto::Encode(hello));
    state_->Hear(std::chrono::seconds(1));
  }
  return state_->rejection;
}

const Rogue::Counts& Rogue::counts() const {
  return state_->counts;
}

}  // namespace e2e
