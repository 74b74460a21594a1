// Which chunk is out with which worker, and until when.
//
// A chunk has at most one live lease. A lease ends in exactly one way: finished or released by its
// holder, expired by time, or revoked because its worker is gone; it is taken out when the ledger
// has that in writing. Used by the coordinator's loop only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "coordinator/ledger.h"

namespace coordinator {

class LeaseTable;

struct Lease {
  // kInherited: of an earlier term, until its holder says HELLO. kEnding: the ledger is being told.
  enum class Phase : std::uint8_t { kInherited, kOffered, kAccepted, kEnding };

  ChunkRow chunk;  // with the lease's epoch and owner
  Phase phase = Phase::kOffered;
  common::Instant granted_at{};
  common::Instant renewed_at{};
  common::Instant offered_at{};  // ASSIGN was sent last
  std::optional<common::Instant> recalled_at;
  std::vector<WalletRow> offer;  // until it is accepted

  // As the holder's last BEAT says.
  std::uint32_t wallets_done = 0;
  std::uint64_t rows = 0;
  std::vector<common::WalletId> in_flight;
  // Wallets moved out by partial releases.
  std::uint32_t given_back = 0;
  bool splitting = false;
  bool finished = false;  // kEnding because the holder is done
  bool died = false;      // kEnding because the holder is gone

  // Who holds it; nobody while it is inherited, and once its holder is gone.
  const std::optional<common::SessionId>& session() const { return session_; }

 private:
  friend LeaseTable;
  std::optional<common::SessionId> session_;
};

// Names the lease in a message.
template <typename Message>
void SetLease(const Lease& lease, Message& message) {
  message.set_chunk(lease.chunk.id.value);
  message.set_epoch(lease.chunk.epoch.value);
}

class LeaseTable {
 public:
  // REQUIRES: the chunk is not leased.
  Lease& Add(Lease lease);

  // Null if there is none. A late answer is not an error.
  Lease* Find(common::ChunkId chunk);
  const Lease* Find(common::ChunkId chunk) const;
  // Null also if the lease of this chunk is of another epoch.
  Lease* Find(common::ChunkId chunk, common::Epoch epoch);

  void Remove(common::ChunkId chunk);
  void Clear();

  // REQUIRES: the lease is of this table.
  void GiveTo(Lease& lease, common::SessionId session);
  void Orphan(Lease& lease);

  // Every lease not yet ending that was not renewed since `since`.
  std::vector<common::ChunkId> NotRenewedSince(common::Instant since) const;
  std::vector<common::ChunkId> OfWorker(const common::WorkerId& worker) const;
  // A copy, for callers that orphan or remove while they go through it.
  std::vector<common::ChunkId> OfSession(common::SessionId session) const;

  std::size_t size() const { return leases_.size(); }
  std::map<common::ChunkId, Lease>& all() { return leases_; }
  const std::map<common::ChunkId, Lease>& all() const { return leases_; }

 private:
  std::map<common::ChunkId, Lease> leases_;
  std::map<common::SessionId, std::set<common::ChunkId>> of_session_;
};

}  // namespace coordinator
