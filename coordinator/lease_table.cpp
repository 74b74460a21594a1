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
  return Where(leases_, [&](const Lease& lease) { return lease.session == session; });
}

}  // namespace coordinator
