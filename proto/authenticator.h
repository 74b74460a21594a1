// Answers ZeroMQ's question at each handshake: may this key come in, and who is it? (ZAP, RFC 27)
// Only for the .cpp files of this folder.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <zmq.hpp>

#include "common/clock.h"
#include "common/mailbox.h"
#include "common/pacing.h"
#include "common/published.h"
#include "proto/keys.h"

namespace proto {

inline constexpr const char* kZapDomain = "seine";

// Make it before the socket that it guards is bound, or strangers get in between. Without any,
// nobody gets in, for the socket insists on an answer. One in each ZeroMQ context: its address is
// fixed. Methods are safe to call from any thread.
class Authenticator {
 public:
  // Throws zmq::error_t where the context has one already. `list` is what `keys` holds now.
  Authenticator(zmq::context_t& context, KeyFolder keys, AllowList list);
  ~Authenticator();
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  // Reads the folder anew. On an Error the old list stays. Changes are noticed without it, too: at
  // once when a key knocks that is not on the list, within about a second otherwise.
  common::Status Reload();
  // The worker behind a connection's User-Id if its key is on the list now: the question at the
  // handshake says nothing about a key that was revoked since.
  std::optional<common::WorkerId> Identify(std::string_view user_id) const;
  // Keys refused so far.
  std::uint64_t refused() const { return refused_.load(); }

 private:
  void Serve();
  void Answer();
  void ReloadIfChanged();

  const KeyFolder keys_;
  std::mutex reading_;  // who reads last publishes last
  common::Published<AllowList> list_;
  std::atomic<std::uint64_t> refused_{0};
  common::ReadySignal stop_;
  // These belong to thread_.
  std::optional<std::filesystem::file_time_type> settled_at_;  // the folder's time, once it is old
  common::TokenBucket log_pace_{1, 5, common::SystemClock().Now()};
  zmq::socket_t socket_;
  std::thread thread_;
};

}  // namespace proto
