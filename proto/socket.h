// What both ends of a channel are made of: a ZeroMQ socket with our options, its monitor, and a
// descriptor that can be waited on as any other. Only for the .cpp files of this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/clock.h"
#include "common/mailbox.h"
#include "common/pacing.h"
#include "proto/channel.h"

namespace proto {

struct Context::State {
  zmq::context_t zmq;
};

inline constexpr int kLingerMilliseconds = 2000;
inline constexpr int kMostMessagesAtOnce = 1000;

// Lets few enough lines through that strangers cannot fill the log.
class LogPace {
 public:
  bool Allows() { return bucket_.TryTake(common::SystemClock().Now()); }

 private:
  common::TokenBucket bucket_{1, 5, common::SystemClock().Now()};
};

// Several descriptors as one (epoll): readable while any of them is, or while raised by hand.
// Throws std::system_error where the process is out of descriptors.
class WaitSet {
 public:
  WaitSet();
  ~WaitSet();
  WaitSet(const WaitSet&) = delete;
  WaitSet& operator=(const WaitSet&) = delete;

  void Add(int fd);
  void Remove(int fd);
  // Keeps fd() readable until the next call with false.
  void Raise(bool is_raised);
  int fd() const { return epoll_fd_; }

 private:
  int epoll_fd_;
  common::ReadySignal raised_;
};

struct SocketLimits {
  std::int64_t longest_frame = 0;
  std::chrono::milliseconds handshake_timeout{5000};
};

struct MonitorEvent {
  int type = 0;  // ZMQ_EVENT_...
  std::uint32_t value = 0;
};

enum class PartResult { kDone, kWouldBlock, kUnreachable };

// ZeroMQ's own descriptor is edge-triggered, and any call on the socket may swallow its edge. So
// each call of ours ends by looking whether input is left, and says so in the WaitSet.
// Methods throw zmq::error_t for what is a bug or the end of the process.
class Socket {
 public:
  Socket(zmq::context_t& context, zmq::socket_type type, const SocketLimits& limits);

  // For options, before Open().
  zmq::socket_t& zmq() { return socket_; }
  void Bind(const std::string& address) { socket_.bind(address); }
  void Connect(const std::string& address) { socket_.connect(address); }

  // Never block. A message is several parts; kWouldBlock can only happen at the first of them.
  PartResult SendPart(const std::string& bytes, bool is_last);
  PartResult ReceivePart(zmq::message_t& part, bool& is_last);
  std::vector<MonitorEvent> TakeEvents();

  // A message or an event waits.
  bool HasInput();
  void AddTo(WaitSet& wait_set);
  void RemoveFrom(WaitSet& wait_set);

 private:
  zmq::socket_t socket_;
  zmq::socket_t monitor_;
};

}  // namespace proto
