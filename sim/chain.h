// The chain that holds the world's fills: its head, its blocks, and where each event stands.
//
// A fill's block is the one of its second, and a log's place in its block follows from the order
// of the fills. Blocks may be told as a fork: with other hashes, some transactions missing and the
// others one block later. When the fork ends they are told as they are, which a client sees as a
// reorganisation.
#pragma once

#include <cstdint>
#include <utility>

#include "sim/rpc_options.h"
#include "sim/world.h"

namespace sim {

class Chain {
 public:
  Chain(const World& world, const ChainOptions& options) : world_(world), options_(options) {}

  std::int64_t Head(common::UnixSeconds now) const;
  // From now on the head stands so many blocks behind the newest fill.
  void StandBehindNewest(std::int64_t blocks) { options_.blocks_after_newest = blocks; }

  // Tells the last `depth` blocks as a new fork, until another call; 0 ends it. Returns the first
  // and last block of the fork.
  std::pair<std::int64_t, std::int64_t> Fork(std::int64_t depth, common::UnixSeconds now);
  bool IsFork(std::int64_t block, std::int64_t head) const;

  Hash32 HashOf(std::int64_t block, std::int64_t head) const;
  // When it was made. Of a chain that does not go with the clock the newest blocks are made now, as
  // those of any chain that is alive.
  common::UnixSeconds TimeOf(std::int64_t block, common::UnixSeconds now) const;

  // The fills of these blocks: from the first of the pair up to, but not including, the second.
  std::pair<FillNumber, FillNumber> FillsOf(std::int64_t from_block, std::int64_t to_block) const;

  struct Place {
    std::int64_t block = 0;
    std::int64_t transaction = 0;
    std::int64_t log = 0;
    bool exists = true;  // false: the fork has dropped it
  };
  Place PlaceOf(FillNumber number, std::int64_t head);

  // The log index in the settled chain, for the oracle.
  static std::int64_t LogIndexOf(const World& world, FillNumber number);
  // Behind the fills of a block come the resolutions.
  Place PlaceBehindFills(std::int64_t block, std::int64_t number) const;

 private:
  const World& world_;
  ChainOptions options_;
  std::uint64_t fork_ = 0;  // the how manieth
  std::int64_t fork_from_ = 0;
  std::int64_t fork_to_ = -1;
  // The block that was asked for last, and its first fill.
  std::int64_t known_block_ = 0;
  FillNumber known_first_ = 0;
};

}  // namespace sim
