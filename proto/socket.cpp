#include "proto/socket.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/epoll.h>
#include <unistd.h>

#include "common/check.h"

namespace proto {
namespace {

constexpr int kHighWaterMark = 1000;
// A whole fleet connects again at once after a restart.
constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kReconnectFirst{200};
constexpr std::chrono::milliseconds kReconnectLast{5000};
constexpr std::chrono::milliseconds kTcpSilence{15000};
constexpr int kKeepaliveIdleSeconds = 15;
constexpr int kKeepaliveIntervalSeconds = 5;
constexpr int kKeepaliveCount = 3;
constexpr int kWatchedEvents =
    ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

int Milliseconds(std::chrono::milliseconds duration) {
  return static_cast<int>(duration.count());
}

// ZeroMQ's heartbeats stay off: with a finite queue they cut busy workers and can abort the
// process (libzmq 4.3.4; issue 4767). The protocol has heartbeats of its own.
void SetOptions(zmq::socket_t& socket, const SocketLimits& limits) {
  namespace option = zmq::sockopt;
  socket.set(option::linger, 0);
  socket.set(option::sndhwm, kHighWaterMark);
  socket.set(option::rcvhwm, kHighWaterMark);
  socket.set(option::backlog, kBacklog);
  socket.set(option::maxmsgsize, limits.longest_frame);
  socket.set(option::handshake_ivl, Milliseconds(limits.handshake_timeout));
  socket.set(option::heartbeat_ivl, 0);
  socket.set(option::reconnect_ivl, Milliseconds(kReconnectFirst));
  socket.set(option::reconnect_ivl_max, Milliseconds(kReconnectLast));
  socket.set(option::tcp_keepalive, 1);
  socket.set(option::tcp_keepalive_idle, kKeepaliveIdleSeconds);
  socket.set(option::tcp_keepalive_intvl, kKeepaliveIntervalSeconds);
  socket.set(option::tcp_keepalive_cnt, kKeepaliveCount);
  socket.set(option::tcp_maxrt, Milliseconds(kTcpSilence));
}

// Monitors of one context need names of their own.
std::string MonitorAddress() {
  static std::atomic<std::uint64_t> count{0};
  return "inproc://seine.monitor." + std::to_string(count.fetch_add(1));
}

bool HasInputOn(zmq::socket_t& socket) {
  return (socket.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
}

}  // namespace

WaitSet::WaitSet() : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_fd_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  Add(raised_.fd());
}

WaitSet::~WaitSet() {
  close(epoll_fd_);
}

void WaitSet::Add(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void WaitSet::Remove(int fd) {
  CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr) == 0);
}

void WaitSet::Raise(bool is_raised) {
  is_raised ? raised_.Raise() : raised_.Clear();
}

Socket::Socket(zmq::context_t& context, zmq::socket_type type, const SocketLimits& limits)
    : socket_(context, type), monitor_(context, zmq::socket_type::pair) {
  SetOptions(socket_, limits);
  const std::string address = MonitorAddress();
  if (zmq_socket_monitor(socket_.handle(), address.c_str(), kWatchedEvents) != 0) {
    throw zmq::error_t();
  }
  monitor_.set(zmq::sockopt::linger, 0);
  monitor_.connect(address);
}

PartResult Socket::SendPart(const std::string& bytes, bool is_last) {
  const int flags = ZMQ_DONTWAIT | (is_last ? 0 : ZMQ_SNDMORE);
  while (zmq_send(socket_.handle(), bytes.data(), bytes.size(), flags) < 0) {
    if (errno == EAGAIN) return PartResult::kWouldBlock;
    if (errno == EHOSTUNREACH) return PartResult::kUnreachable;
    if (errno != EINTR) throw zmq::error_t();
  }
  return PartResult::kDone;
}

PartResult Socket::ReceivePart(zmq::message_t& part, bool& is_last) {
  part.rebuild();
  while (zmq_msg_recv(part.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) {
    if (errno == EAGAIN) return PartResult::kWouldBlock;
    if (errno != EINTR) throw zmq::error_t();
  }
  is_last = !part.more();
  return PartResult::kDone;
}

// An event is a frame of 16 bits type and 32 bits value, and a frame with our own address.
std::vector<MonitorEvent> Socket::TakeEvents() {
  std::vector<MonitorEvent> events;
  zmq::message_t part;
  while (zmq_msg_recv(part.handle(), monitor_.handle(), ZMQ_DONTWAIT) >= 0) {
    constexpr std::size_t kEventSize = sizeof(std::uint16_t) + sizeof(std::uint32_t);
    if (part.more() && part.size() >= kEventSize) {
      std::uint16_t type = 0;
      std::uint32_t value = 0;
      std::memcpy(&type, part.data(), sizeof type);
      std::memcpy(&value, part.data<char>() + sizeof type, sizeof value);
      events.push_back({type, value});
    }
    part.rebuild();
  }
  return events;
}

bool Socket::HasInput() {
  return HasInputOn(socket_) || HasInputOn(monitor_);
}

void Socket::AddTo(WaitSet& wait_set) {
  wait_set.Add(socket_.get(zmq::sockopt::fd));
  wait_set.Add(monitor_.get(zmq::sockopt::fd));
}

void Socket::RemoveFrom(WaitSet& wait_set) {
  wait_set.Remove(socket_.get(zmq::sockopt::fd));
  wait_set.Remove(monitor_.get(zmq::sockopt::fd));
}

}  // namespace proto
