// The coordinator's end of a channel.
#include <cerrno>
#include <system_error>
#include <utility>

#include <zmq.hpp>

#include "common/failpoint.h"
#include "common/logging.h"
#include "proto/address.h"
#include "proto/authenticator.h"
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

// Draft in the headers, in force in the library: no answer from ZAP means no entry.
constexpr int kZapEnforceDomain = 93;

Error CannotListen(const std::string& address, const std::string& why) {
  return {ErrorKind::kRejected, "cannot listen on " + address + ": " + why};
}

bool IsHandshakeFailure(int event) {
  return event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL ||
         event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL || event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
}

Envelope NotAuthorised() {
  Envelope message;
  message.mutable_reject()->set_reason(Reject::NOT_AUTHORISED);
  message.mutable_reject()->set_text("this worker's key was revoked");
  return message;
}

}  // namespace

struct ServerChannel::State {
  State(zmq::context_t& context, const SocketLimits& limits)
      : socket(context, zmq::socket_type::router, limits) {}

  Status UseKeys(zmq::context_t& context);
  Status Bind(const Address& address);
  // False when nothing waits; a message that may not be heard is dropped and counted.
  bool ReceiveOne(std::vector<Incoming>& heard);
  std::optional<Incoming> Hear(ConnectionId connection, zmq::message_t& body);
  void Drop(const std::string& reason, const std::string& user_id);
  SendResult Send(const ConnectionId& connection, const Envelope& message);
  void CountEvents();

  std::optional<KeyFolder> keys;
  std::unique_ptr<Authenticator> authenticator;  // outlives the socket that it guards
  WaitSet wait_set;
  Socket socket;
  std::string endpoint;
  ChannelCounters counters;
  LogPace handshake_pace;
  LogPace malformed_pace;
};

Status ServerChannel::State::UseKeys(zmq::context_t& context) {
  const Result<KeyPair> own = keys->ReadCoordinator();
  if (!own) return own.error();
  const Result<AllowList> list = keys->ReadAllowList();
  if (!list) return list.error();
  zmq::socket_t& raw = socket.zmq();
  raw.set(zmq::sockopt::curve_server, true);
  raw.set(zmq::sockopt::curve_secretkey, own->secret_z85);
  const int yes = 1;
  if (zmq_setsockopt(raw.handle(), kZapEnforceDomain, &yes, sizeof yes) != 0) {
    return Error{ErrorKind::kRejected,
                 "this build of ZeroMQ cannot enforce authentication (option 93); use libzmq 4.3"};
  }
  if (!common::Failpoint("no_authenticator")) {
    authenticator = std::make_unique<Authenticator>(context, *keys, *list);
  }
  return Done{};
}

Status ServerChannel::State::Bind(const Address& address) {
  // Also where nobody is asked: with a domain, libzmq refuses peers that speak ZMTP 1 or 2. Else it
  // takes garbage for such a peer, and ends the process if the connection goes away while it says
  // hello (zmtp_engine.cpp, process_routing_id_msg).
  socket.zmq().set(zmq::sockopt::zap_domain, kZapDomain);
  socket.zmq().set(zmq::sockopt::router_mandatory, true);
  socket.zmq().set(zmq::sockopt::router_handover, false);
  socket.zmq().set(zmq::sockopt::ipv6, address.is_ipv6);
  socket.Bind(address.zmq);
  endpoint = socket.zmq().get(zmq::sockopt::last_endpoint);
  socket.AddTo(wait_set);
  return Done{};
}

bool ServerChannel::State::ReceiveOne(std::vector<Incoming>& heard) {
  zmq::message_t part;
  bool is_last = false;
  if (socket.ReceivePart(part, is_last) != PartResult::kDone) return false;
  ConnectionId connection{part.to_string()};
  zmq::message_t body;
  std::size_t bodies = 0;
  while (!is_last && socket.ReceivePart(part, is_last) == PartResult::kDone) {
    if (++bodies == 1) body.move(part);
  }
  ++counters.received;
  if (bodies != 1) {
    Drop("multipart", "");
    return true;
  }
  std::optional<Incoming> incoming = Hear(std::move(connection), body);
  if (incoming) heard.push_back(*std::move(incoming));
  return true;
}

std::optional<Incoming> ServerChannel::State::Hear(ConnectionId connection, zmq::message_t& body) {
  std::optional<common::WorkerId> user_id;
  if (keys) {
    // From the body: libzmq 4.3.4 loses it on the first frame after a poll.
    const char* proven = zmq_msg_gets(body.handle(), "User-Id");
    if (proven != nullptr && authenticator) user_id = authenticator->Identify(proven);
    if (!user_id) {
      ++counters.revoked;
      Send(connection, NotAuthorised());
      return std::nullopt;
    }
  }
  Result<Envelope> message = Decode(body.to_string_view(), kLongestFrameToCoordinator);
  if (!message) {
    Drop(message.error().message, user_id ? user_id->value : "");
    return std::nullopt;
  }
  return Incoming{std::move(connection), std::move(user_id), std::move(message).value()};
}

void ServerChannel::State::Drop(const std::string& reason, const std::string& user_id) {
  ++counters.malformed;
  ++counters.malformed_by_reason[reason];
  if (!malformed_pace.Allows()) return;
  common::LogWarning("message_dropped", {{"why", reason},
                                         {"worker", user_id.empty() ? "unknown" : user_id},
                                         {"so_far", counters.malformed}});
}

SendResult ServerChannel::State::Send(const ConnectionId& connection, const Envelope& message) {
  const std::string frame = Encode(message);
  if (frame.size() > kLongestFrameToWorker) {
    common::LogError("message_too_long", {{"type", TypeName(message)}, {"bytes", frame.size()}});
    return SendResult::kTooLong;
  }
  switch (socket.SendPart(connection.value, false)) {
    case PartResult::kUnreachable:
      ++counters.gone;
      return SendResult::kGone;
    case PartResult::kWouldBlock:
      ++counters.full;
      return SendResult::kFull;
    case PartResult::kDone:
      break;
  }
  socket.SendPart(frame, true);
  ++counters.sent;
  return SendResult::kSent;
}

void ServerChannel::State::CountEvents() {
  for (const MonitorEvent& event : socket.TakeEvents()) {
    if (!IsHandshakeFailure(event.type)) continue;
    ++counters.handshake_failures;
    if (!handshake_pace.Allows()) continue;
    common::LogWarning(
        "handshake_failed",
        {{"event", event.type}, {"detail", event.value}, {"so_far", counters.handshake_failures}});
  }
  if (authenticator) counters.refused_keys = authenticator->refused();
}

Result<std::unique_ptr<ServerChannel>> ServerChannel::Open(Context& context,
                                                           const ServerOptions& options) {
  const Result<Address> address = ParseAddress(options.listen);
  if (!address) return address.error();
  if (options.keys_dir.empty() && !address->is_loopback && !options.insecure) {
    return CannotListen(options.listen,
                        "without keys anyone could join; make keys with `seine keys init` and pass "
                        "--keys DIR, or listen on 127.0.0.1 (--insecure lets everyone in)");
  }
  zmq::context_t& zmq = context.state().zmq;
  const auto longest = static_cast<std::int64_t>(kLongestFrameToCoordinator);
  try {
    auto state = std::make_unique<State>(zmq, SocketLimits{longest, options.handshake_timeout});
    if (!options.keys_dir.empty()) {
      state->keys.emplace(options.keys_dir);
      if (Status ready = state->UseKeys(zmq); !ready) return ready.error();
    }
    if (Status bound = state->Bind(*address); !bound) return bound.error();
    return std::unique_ptr<ServerChannel>(new ServerChannel(std::move(state)));
  } catch (const std::exception& failure) {
    return CannotListen(options.listen, failure.what());
  }
}

ServerChannel::ServerChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}

ServerChannel::~ServerChannel() {
  state_->socket.RemoveFrom(state_->wait_set);
}

int ServerChannel::fd() const {
  return state_->wait_set.fd();
}

std::vector<Incoming> ServerChannel::Receive() {
  state_->CountEvents();
  std::vector<Incoming> heard;
  for (int i = 0; i < kMostMessagesAtOnce && state_->ReceiveOne(heard); ++i) {
  }
  state_->wait_set.Raise(state_->socket.HasInput());
  return heard;
}

SendResult ServerChannel::Send(const ConnectionId& connection, const Envelope& message) {
  const SendResult result = state_->Send(connection, message);
  if (state_->socket.HasInput()) state_->wait_set.Raise(true);
  return result;
}

Status ServerChannel::ReloadKeys() {
  return state_->authenticator ? state_->authenticator->Reload() : Status(Done{});
}

const std::string& ServerChannel::endpoint() const {
  return state_->endpoint;
}

bool ServerChannel::has_keys() const {
  return state_->keys.has_value();
}

const ChannelCounters& ServerChannel::counters() const {
  return state_->counters;
}

void ServerChannel::LingerOnClose() {
  state_->socket.zmq().set(zmq::sockopt::linger, kLingerMilliseconds);
}

}  // namespace proto
