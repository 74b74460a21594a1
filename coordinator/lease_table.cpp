#include "coordinator/lease_table.h"

#include <utility>

#include "common/check.h"

namespace coordinator {
namespace {

template <typename Predicate>
std::vector<common::ChunkId> Where(const std::map<common::ChunkId, Lease>& leases,
                                   Predicate predicate) {
  std::vector<common::ChunkId> chunks;
  for (const auto& [chunk, lease] : leases) {
    if (predicate(lease)) chunks.push_back(chunk);
  }
  return chunks;
}

}  // namespace

Lease& LeaseTable::Add(Lease lease) {
  const common::ChunkId chunk = lease.chunk.id;
  const auto [place, added] = leases_.emplace(chunk, std::move(lease));
  CHECK(added);
  return place->second;
}

void LeaseTable::Remove(common::ChunkId chunk) {
  Lease* const lease = Find(chunk);
  if (lease == nullptr) return;
  Orphan(*lease);
  leases_.erase(chunk);
}

void LeaseTable::Clear() {
  leases_.clear();
  of_session_.clear();
}

void LeaseTable::GiveTo(Lease& lease, common::SessionId session) {
  Orphan(lease);
  lease.session_ = session;
  of_session_[session].insert(lease.chunk.id);
}

void LeaseTable::Orphan(Lease& lease) {
  if (!lease.session_) return;
  const auto held = of_session_.find(*lease.session_);
  held->second.erase(lease.chunk.id);
  if (held->second.empty()) of_session_.erase(held);
  lease.session_.reset();
}

Lease* LeaseTable::Find(common::ChunkId chunk) {
  const auto found = leases_.find(chunk);
  return found == leases_.end() ? nullptr : &found->second;
}

const Lease* LeaseTable::Find(common::ChunkId chunk) const {
  const auto found = leases_.find(chunk);
  return found == leases_.end() ? nullptr : &found->second;
}

Lease* LeaseTable::Find(common::ChunkId chunk, common::Epoch epoch) {
  Lease* const lease = Find(chunk);
  return lease != nullptr && lease->chunk.epoch == epoch ? lease : nullptr;
}

std::vector<common::ChunkId> LeaseTable::NotRenewedSince(common::Instant since) const {
  return Where(leases_, [&](const Lease& lease) {
    return lease.phase != Lease::Phase::kEnding && lease.renewed_at < since;
  });
}

std::vector<common::ChunkId> LeaseTable::OfWorker(const common::WorkerId& worker) const {
  return Where(leases_, [&](const Lease& lease) { return lease.chunk.owner == worker; });
}

std::vector<common::ChunkId> LeaseTable::OfSession(common::SessionId session) const {
  const auto held = of_session_.find(session);
  if (held == of_session_.end()) return {};
  return {held->second.begin(), held->second.end()};
}

}  // namespace coordinator
