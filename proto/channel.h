// Frames between the coordinator and its workers. With codec and keys beside it, this folder is the
// door to ZeroMQ: nothing outside knows it.
//
// What Send() accepted may still be lost, and a message may arrive after its sender is gone: every
// state change is acked by the protocol above. A channel belongs to one thread for life, except
// where a method says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "proto/keys.h"
#include "proto/seine.pb.h"

namespace proto {

// ZeroMQ's threads. Make one for each process, in main, before the channels, and let it outlive
// them; its end waits until what an orderly stop has still to send is sent, at most 2 s.
class Context {
 public:
  Context();
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// One connection of one worker, until it is cut: not an identity. Opaque bytes.
using ConnectionId = common::StrongId<struct ConnectionIdTag, std::string>;

struct Incoming {
  ConnectionId connection;
  // The worker that the connection's key proves; nothing where there are no keys, and HELLO's word
  // has to do. A HELLO that says another name is an impostor's.
  std::optional<common::WorkerId> user_id;
  Envelope message;
};

enum class SendResult {
  kSent,     // Handed to ZeroMQ, which is not yet delivered.
  kGone,     // The connection does not exist any more.
  kFull,     // The other side does not read: try again later (no descriptor tells when), or drop.
  kTooLong,  // The other side would refuse a frame of this size. Logged: a bug of ours.
};

// Since the channel was opened.
struct ChannelCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t gone = 0;
  std::uint64_t full = 0;
  std::uint64_t handshake_failures = 0;  // silence, garbage, wrong or unknown keys
  std::uint64_t refused_keys = 0;        // valid keys that are not on the list: part of the above
  std::uint64_t revoked = 0;             // messages dropped because their key has left the list
  std::uint64_t malformed = 0;
  std::map<std::string, std::uint64_t> malformed_by_reason;  // codec.h names the reasons
};

struct ServerOptions {
  std::string listen;     // tcp://HOST:PORT; PORT 0 or * takes a free one, HOST * is every address
  std::string keys_dir;   // empty: no keys, so loopback only ...
  bool insecure = false;  // ... unless this is set
  std::chrono::milliseconds handshake_timeout{5000};
};

// The coordinator's end (ROUTER).
class ServerChannel {
 public:
  // Binds. An Error says in one line what to do: an address in use, keys that are missing or
  // readable by others, an address that strangers can reach without keys. In one Context there is
  // at most one ServerChannel with keys.
  static common::Result<std::unique_ptr<ServerChannel>> Open(Context& context,
                                                             const ServerOptions& options);
  ~ServerChannel();
  ServerChannel(const ServerChannel&) = delete;
  ServerChannel& operator=(const ServerChannel&) = delete;

  // Readable whenever Receive() has something to do; wait for POLLIN only.
  int fd() const;
  // Every message that waits, up to 1000 at once; the rest keeps fd() readable. Drops and counts
  // what is malformed; answers a key that was revoked with REJECT(NOT_AUTHORISED).
  std::vector<Incoming> Receive();
  // Never blocks.
  SendResult Send(const ConnectionId& connection, const Envelope& message);

  // Reads the allow-list anew. Whoever has left it is not heard any more, connected or not. On an
  // Error the old list stays. Without keys it does nothing. Within about a second a change is
  // noticed without it; a key that was added comes in at its first try.
  common::Status ReloadKeys();

  // The bound address with its real port: "tcp://127.0.0.1:40123".
  const std::string& endpoint() const;
  bool has_keys() const;
  const ChannelCounters& counters() const;
  // Before the destructor, at an orderly stop: what was sent may still go out, for at most 2 s.
  void LingerOnClose();

  struct State;

 private:
  explicit ServerChannel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What happened to a worker's connection.
enum class ConnectionEvent {
  kConnected,          // The handshake is done; say HELLO.
  kDisconnected,       // Cut; ZeroMQ connects again by itself.
  kNotAuthorised,      // The coordinator refused this key: exit 77. It will not be tried again.
  kMechanismMismatch,  // One side has keys and the other has none. It will not be tried again.
  // Cut during the handshake; ZeroMQ tries again. Once: the coordinator may have stopped at that
  // moment. Several times in a row: this is another coordinator's key, or something else listens.
  kHandshakeFailed,
};

const char* ToString(ConnectionEvent event);

struct ClientOptions {
  std::string connect;  // tcp://HOST:PORT
  std::optional<ClientKeys> keys;
  std::chrono::milliseconds handshake_timeout{5000};
};

// A worker's end (DEALER). Messages that are sent while there is no connection wait for one.
class ClientChannel {
 public:
  // Starts to connect, and returns at once.
  static common::Result<std::unique_ptr<ClientChannel>> Open(Context& context,
                                                             const ClientOptions& options);
  ~ClientChannel();
  ClientChannel(const ClientChannel&) = delete;
  ClientChannel& operator=(const ClientChannel&) = delete;

  // Readable whenever Receive() or TakeEvents() has something to do; the same descriptor for life,
  // Reset() included. Wait for POLLIN only.
  int fd() const;
  // Every message that waits, up to 1000 at once; the rest keeps fd() readable.
  std::vector<Envelope> Receive();
  // What happened since the last call, oldest first.
  std::vector<ConnectionEvent> TakeEvents();
  // Never blocks. kGone does not happen here.
  SendResult Send(const Envelope& message);

  // A new socket in place of the old one: everything unsent and unread is forgotten, and the
  // coordinator sees a new connection. On an Error (the process is out of descriptors) there is no
  // socket: Send() says kFull until a Reset() succeeds.
  common::Status Reset();

  const ChannelCounters& counters() const;
  // As ServerChannel::LingerOnClose().
  void LingerOnClose();

  struct State;

 private:
  explicit ClientChannel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace proto
