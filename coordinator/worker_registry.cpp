#include "coordinator/worker_registry.h"

#include <utility>

#include "common/check.h"

namespace coordinator {
namespace {

// Names of workers remembered at most; a stranger without keys could invent any number.
constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

Session& WorkerRegistry::Open(Session session) {
  const common::SessionId id = session.id;
  WorkerRecord& record = workers_[session.worker];
  CHECK(!record.session.has_value());
  record.session = id;
  record.last.reset();
  by_connection_[session.connection] = id;
  const auto [place, added] = sessions_.emplace(id, std::move(session));
  CHECK(added);
  return place->second;
}

std::optional<Session> WorkerRegistry::Close(common::SessionId id, common::Instant now) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return std::nullopt;
  Session session = std::move(found->second);
  sessions_.erase(found);
  const auto connection = by_connection_.find(session.connection);
  if (connection != by_connection_.end() && connection->second == id) {
    by_connection_.erase(connection);
  }
  WorkerRecord& record = workers_[session.worker];
  if (record.session == id) record.session.reset();
  record.last = session;
  record.ended_at = now;
  return session;
}

Session* WorkerRegistry::Find(common::SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

const Session* WorkerRegistry::Find(common::SessionId id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

Session* WorkerRegistry::Of(const common::WorkerId& worker) {
  const auto found = workers_.find(worker);
  return found == workers_.end() || !found->second.session ? nullptr : Find(*found->second.session);
}

Session* WorkerRegistry::On(const proto::ConnectionId& connection) {
  const auto found = by_connection_.find(connection);
  return found == by_connection_.end() ? nullptr : Find(found->second);
}

void WorkerRegistry::ForgetGone(common::Instant since) {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    const bool gone = !worker->second.session &&
                      (worker->second.ended_at < since || workers_.size() > kMostRemembered);
    worker = gone ? workers_.erase(worker) : std::next(worker);
  }
}

}  // namespace coordinator
