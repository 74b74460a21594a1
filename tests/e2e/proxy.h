// A bad network between two parts: a TCP proxy on a free port of the loopback that a test can order
// to fail.
//
// It counts what it does, so that a test can prove that its fault happened. Every call takes effect
// before it returns; the forwarding is done by a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/random.h"

namespace e2e {

class Proxy {
 public:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  struct Counts {
    std::uint64_t connections = 0;
    std::uint64_t silent = 0;   // of them: made during a partition
    std::uint64_t bytes = 0;    // passed on
    std::uint64_t delayed = 0;  // of them: kept back first
    std::uint64_t held = 0;     // were on their way when a partition ended, or when it was cut
    std::uint64_t resets = 0;   // connections that were cut
  };

  // `upstream` is tcp://127.0.0.1:PORT or the path of a unix socket.
  explicit Proxy(const std::string& upstream);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  int port() const { return port_; }
  std::string Address() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

  // Where connections lead that are made from now on.
  void Redirect(const std::string& upstream);
  // Nothing passes and nobody is told: not the bytes, not the end of a connection; new connections
  // meet silence. What was sent comes through after Heal(), as TCP would repeat it, unless CutAll()
  // came first.
  void Partition();
  void Heal();
  // Resets every connection; what is on its way is lost.
  void CutAll();
  // As when a host vanishes: who connected learns that its connections are gone, who was connected
  // to never does.
  void Abandon();
  // And again each time so much has passed; zero: no more.
  void CutEach(Milliseconds period);
  // What comes from now on is kept back for `mean`, give or take `jitter`; the order stays.
  void Delay(Milliseconds mean, Milliseconds jitter);
  Counts counts() const;

 private:
  static constexpr std::size_t kMostWaiting = 1 << 20;  // of one direction

  struct Chunk {
    std::string bytes;
    Clock::time_point due;
  };
  // One direction of a connection.
  struct Way {
    std::deque<Chunk> waiting;
    std::size_t size = 0;   // of what waits
    bool has_end = false;   // the sender will say nothing more
    bool is_ended = false;  // and the receiver knows

    // A sender whose bytes pile up has to wait.
    bool CanTake() const { return !has_end && size < kMostWaiting; }
  };
  struct Link {
    int client = -1;
    int upstream = -1;  // -1: not asked yet
    Way up;
    Way down;
  };

  void Run();
  void Wait();
  void Accept();
  // False: the connection is over.
  bool Connect(Link& link) const;
  bool Pump(Link& link);
  bool Move(int from, int to, Way& way);
  bool Take(int from, Way& way);
  bool Give(int to, Way& way);
  void CutLinks(bool one_side);
  static std::uint64_t OnTheWay(const Link& link);
  static void Close(Link& link, bool reset);

  int listener_ = -1;
  int port_ = 0;

  mutable std::mutex mutex_;  // guards everything below but the thread
  bool is_over_ = false;
  std::string upstream_;
  bool is_parted_ = false;
  Milliseconds cut_each_{0};
  Clock::time_point cut_at_;
  Milliseconds delay_{0};
  Milliseconds jitter_{0};
  common::Random random_{1};
  std::list<Link> links_;
  std::vector<int> abandoned_;
  Counts counts_;

  std::thread thread_;
};

}  // namespace e2e
