// Messages of the protocol, to and from the session's own words.
#pragma once

#include <optional>

#include "proto/seine.pb.h"
#include "worker/chunk.h"

namespace worker {

template <typename Message>
Lease LeaseOf(const Message& message) {
  return {common::ChunkId{message.chunk()}, common::Epoch{message.epoch()}};
}

template <typename Message>
void SetLease(const Lease& lease, Message& message) {
  message.set_chunk(lease.chunk.value);
  message.set_epoch(lease.epoch.value);
}

// Nothing where the chunk is not one that this version can do.
std::optional<ChunkTask> ReadChunk(const proto::Assign& wire);

proto::WalletOutcome::Kind WireKind(WalletOutcome::Kind kind);

}  // namespace worker
