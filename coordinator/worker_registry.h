// Who is alive, and how much more each will take.
//
// A connection is not a worker: identity is the worker id, a process is its incarnation, a
// connection is a session. Sessions are referred to by number only. Used by the coordinator's loop
// only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "proto/channel.h"
#include "proto/seine.pb.h"

namespace coordinator {

// Totals that a process tells of one endpoint.
struct EndpointTotals {
  std::uint64_t requests = 0;
  std::uint64_t throttled = 0;
};

struct Session {
  common::SessionId id;
  common::WorkerId worker;
  std::string incarnation;
  proto::ConnectionId connection;
  std::string host;
  int pid = 0;
  std::string version;
  common::Instant since{};
  common::Instant heard_at{};
  bool heard = false;  // anything beyond HELLO
  bool draining = false;
  std::optional<common::Instant> gone_at;  // its connection is cut
  std::optional<proto::DrainMode> order;   // DRAIN, until it is obeyed
  common::Instant order_sent_at{};
  common::Instant probed_at{};

  // Cumulative since WELCOME, in chunks.
  std::uint64_t credit = 0;
  std::uint64_t granted = 0;
  std::uint32_t asking = 0;  // grants that the ledger has not answered yet
  bool asking_suspect = false;
  common::Instant paused_until{};  // it gave work back for it had too much

  std::uint64_t sequence = 0;
  bool beaten = false;  // the totals below are this session's
  std::map<std::string, EndpointTotals> endpoints;
  std::uint64_t trades = 0;
  std::uint64_t retries = 0;
  std::uint64_t rss_bytes = 0;
  std::uint32_t database_latency_ms = 0;

  // What it has done in all, and when that number last grew.
  std::uint64_t progress = 0;
  common::Instant progress_at{};
  bool stalled = false;

  std::uint64_t free_credit() const {
    const std::uint64_t used = granted + asking;
    return credit > used ? credit - used : 0;
  }
};

struct WorkerRecord {
  std::optional<common::SessionId> session;
  std::deque<std::string> superseded;  // incarnations that a newer process replaced
  struct Takeover {
    common::Instant at;
    proto::ConnectionId from;
  };
  std::deque<Takeover> takeovers;
  std::optional<Session> last;  // the session that ended last, for those who look
  common::Instant ended_at{};
};

class WorkerRegistry {
 public:
  Session& Open(Session session);
  // Ends the session and returns it; nothing if it has ended already.
  std::optional<Session> Close(common::SessionId id, common::Instant now);

  Session* Find(common::SessionId id);
  const Session* Find(common::SessionId id) const;
  // The session of this worker, or null.
  Session* Of(const common::WorkerId& worker);
  // The session that speaks through this connection, or null.
  Session* On(const proto::ConnectionId& connection);

  WorkerRecord& Record(const common::WorkerId& worker) { return workers_[worker]; }
  // Forgets workers that have been gone since `since`, and all beyond a limit.
  void ForgetGone(common::Instant since);

  std::map<common::SessionId, Session>& sessions() { return sessions_; }
  const std::map<common::SessionId, Session>& sessions() const { return sessions_; }
  const std::map<common::WorkerId, WorkerRecord>& workers() const { return workers_; }
  std::map<common::WorkerId, WorkerRecord>& workers() { return workers_; }

 private:
  std::map<common::SessionId, Session> sessions_;
  std::map<proto::ConnectionId, common::SessionId> by_connection_;
  std::map<common::WorkerId, WorkerRecord> workers_;
};

}  // namespace coordinator
