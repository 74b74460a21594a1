// A worker's end of a channel.
#include <cerrno>
#include <utility>

#include <zmq.hpp>

#include "common/logging.h"
#include "proto/address.h"
#include "proto/channel.h"
#include "proto/codec.h"
#include "proto/socket.h"

namespace proto {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::Result;
using common::Status;

std::optional<ConnectionEvent> Translate(const MonitorEvent& event) {
  switch (event.type) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return ConnectionEvent::kConnected;
    case ZMQ_EVENT_DISCONNECTED:
      return ConnectionEvent::kDisconnected;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return ConnectionEvent::kNotAuthorised;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      return event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                 ? ConnectionEvent::kMechanismMismatch
                 : ConnectionEvent::kHandshakeFailed;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      return ConnectionEvent::kHandshakeFailed;
    default:
      return std::nullopt;
  }
}

}  // namespace

struct ClientChannel::State {
  State(zmq::context_t& context_of_all, ClientOptions client_options, Address parsed)
      : context(context_of_all), options(std::move(client_options)), address(std::move(parsed)) {}
  ~State() { Close(); }

  void Open();
  void Close();
  void CollectEvents();
  bool ReceiveOne(std::vector<Envelope>& messages);
  // Keeps the descriptor readable while something is left to do.
  void Settle() { wait_set.Raise(!events.empty() || (socket && socket->HasInput())); }

  zmq::context_t& context;
  const ClientOptions options;
  const Address address;
  WaitSet wait_set;
  std::optional<Socket> socket;  // nothing after a Reset() that failed
  std::vector<ConnectionEvent> events;
  ChannelCounters counters;
  LogPace malformed_pace;
};

void ClientChannel::State::Open() {
  const auto longest = static_cast<std::int64_t>(kLongestFrameToWorker);
  socket.emplace(context, zmq::socket_type::dealer,
                 SocketLimits{longest, options.handshake_timeout});
  zmq::socket_t& raw = socket->zmq();
  raw.set(zmq::sockopt::ipv6, address.is_ipv6);
  if (options.keys) {
    raw.set(zmq::sockopt::curve_serverkey, options.keys->server_public_z85);
    raw.set(zmq::sockopt::curve_publickey, options.keys->own.public_z85);
    raw.set(zmq::sockopt::curve_secretkey, options.keys->own.secret_z85);
  }
  socket->AddTo(wait_set);
  socket->Connect(address.zmq);
}

void ClientChannel::State::Close() {
  if (!socket) return;
  socket->RemoveFrom(wait_set);
  socket.reset();
}

void ClientChannel::State::CollectEvents() {
  constexpr std::size_t kMostEventsKept = 1000;
  if (!socket) return;
  for (const MonitorEvent& event : socket->TakeEvents()) {
    const std::optional<ConnectionEvent> known = Translate(event);
    if (!known) continue;
    if (*known >= ConnectionEvent::kNotAuthorised) ++counters.handshake_failures;
    if (events.size() < kMostEventsKept) events.push_back(*known);
  }
}

bool ClientChannel::State::ReceiveOne(std::vector<Envelope>& messages) {
  zmq::message_t part;
  zmq::message_t rest;
  bool is_last = false;
  if (!socket) return false;
  if (socket->ReceivePart(part, is_last) != PartResult::kDone) return false;
  const bool is_single = is_last;
  while (!is_last && socket->ReceivePart(rest, is_last) == PartResult::kDone) {
  }
  ++counters.received;
  Result<Envelope> message = is_single
                                 ? Decode(part.to_string_view(), kLongestFrameToWorker)
                                 : Result<Envelope>(Error{ErrorKind::kMalformed, "multipart"});
  if (message) {
    messages.push_back(std::move(message).value());
    return true;
  }
  ++counters.malformed;
  ++counters.malformed_by_reason[message.error().message];
  if (malformed_pace.Allows()) {
    common::LogWarning("message_dropped", {{"why", message.error().message}});
  }
  return true;
}

Result<std::unique_ptr<ClientChannel>> ClientChannel::Open(Context& context,
                                                           const ClientOptions& options) {
  const Result<Address> address = ParseAddress(options.connect);
  if (!address) return address.error();
  std::unique_ptr<ClientChannel> channel(
      new ClientChannel(std::make_unique<State>(context.state().zmq, options, *address)));
  if (Status opened = channel->Reset(); !opened) return opened.error();
  return channel;
}

ClientChannel::ClientChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}

ClientChannel::~ClientChannel() = default;

int ClientChannel::fd() const {
  return state_->wait_set.fd();
}

std::vector<Envelope> ClientChannel::Receive() {
  std::vector<Envelope> messages;
  state_->CollectEvents();
  for (int i = 0; i < kMostMessagesAtOnce && state_->ReceiveOne(messages); ++i) {
  }
  state_->Settle();
  return messages;
}

std::vector<ConnectionEvent> ClientChannel::TakeEvents() {
  state_->CollectEvents();
  std::vector<ConnectionEvent> events = std::exchange(state_->events, {});
  state_->Settle();
  return events;
}

SendResult ClientChannel::Send(const Envelope& message) {
  const std::string frame = Encode(message);
  if (frame.size() > kLongestFrameToCoordinator) {
    common::LogError("message_too_long", {{"type", TypeName(message)}, {"bytes", frame.size()}});
    return SendResult::kTooLong;
  }
  const bool is_sent = state_->socket && state_->socket->SendPart(frame, true) == PartResult::kDone;
  ++(is_sent ? state_->counters.sent : state_->counters.full);
  state_->Settle();
  return is_sent ? SendResult::kSent : SendResult::kFull;
}

Status ClientChannel::Reset() {
  try {
    state_->Close();
    state_->events.clear();
    state_->Open();
    state_->Settle();
  } catch (const std::exception& failure) {
    return Error{ErrorKind::kRejected,
                 "cannot connect to " + state_->options.connect + ": " + failure.what()};
  }
  return Done{};
}

const ChannelCounters& ClientChannel::counters() const {
  return state_->counters;
}

void ClientChannel::LingerOnClose() {
  if (state_->socket) state_->socket->zmq().set(zmq::sockopt::linger, kLingerMilliseconds);
}

}  // namespace proto
