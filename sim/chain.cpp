#include "sim/chain.h"

#include <algorithm>

#include "sim/blocks.h"
#include "sim/random.h"

namespace sim {
namespace {

constexpr std::uint64_t kBlockHash = 51;
constexpr std::uint64_t kForkHash = 52;
constexpr std::uint32_t kDropEach = 5;  // every so many transactions are missing in a fork
// Between two fills stand the transfers of tokens and of collateral.
constexpr std::int64_t kFirstLog = 3;
constexpr std::int64_t kLogsPerFill = 2;
constexpr std::int64_t kYoungBlocks = 32;
constexpr common::UnixSeconds kSecondsPerBlock = 2;

FillNumber FirstNotBefore(const World& world, common::UnixSeconds second) {
  const auto& fills = world.fills();
  return static_cast<FillNumber>(
      std::partition_point(fills.begin(), fills.end(),
                           [second](const Fill& fill) { return fill.ts < second; }) -
      fills.begin());
}

FillNumber FirstOfBlock(const World& world, std::int64_t block) {
  return FirstNotBefore(world, TimeOfBlock(block));
}

}  // namespace

std::int64_t Chain::Head(common::UnixSeconds now) const {
  if (options_.blocks_after_newest >= 0) {
    return BlockAt(world_.newest()) + options_.blocks_after_newest;
  }
  return BlockAt(now) - (options_.live ? 1 : 0);
}

std::pair<std::int64_t, std::int64_t> Chain::Fork(std::int64_t depth, common::UnixSeconds now) {
  fork_to_ = Head(now);
  fork_from_ = fork_to_ - depth + 1;
  ++fork_;
  return {fork_from_, fork_to_};
}

bool Chain::IsFork(std::int64_t block, std::int64_t head) const {
  const bool unsettled = head - block < options_.unsettled_blocks;
  return unsettled || (fork_from_ <= block && block <= fork_to_);
}

Hash32 Chain::HashOf(std::int64_t block, std::int64_t head) const {
  const auto number = static_cast<std::uint64_t>(block);
  if (!IsFork(block, head)) return MadeHash(world_.seed(), kBlockHash, number);
  return MadeHash(Mix(world_.seed(), fork_), kForkHash, number);
}

common::UnixSeconds Chain::TimeOf(std::int64_t block, common::UnixSeconds now) const {
  if (options_.blocks_after_newest < 0) return TimeOfBlock(block);
  const std::int64_t depth = Head(now) - block;
  const bool is_young = depth >= 0 && depth < std::min(kYoungBlocks, options_.blocks_after_newest);
  if (!is_young) return TimeOfBlock(block);
  return std::max(TimeOfBlock(block), now - kSecondsPerBlock * depth);
}

std::pair<FillNumber, FillNumber> Chain::FillsOf(std::int64_t from_block,
                                                 std::int64_t to_block) const {
  return {FirstOfBlock(world_, from_block), FirstOfBlock(world_, to_block + 1)};
}

Chain::Place Chain::PlaceOf(FillNumber number, std::int64_t head) {
  const Fill& fill = world_.fills()[number];
  const std::int64_t block = BlockAt(fill.ts);
  if (block != known_block_) {
    known_block_ = block;
    known_first_ = FirstOfBlock(world_, block);
  }
  const Fill& first = world_.fills()[known_first_];
  Place place{block, fill.tx - std::int64_t{first.tx},
              kFirstLog + kLogsPerFill * std::int64_t{number - known_first_}, true};
  if (!IsFork(block, head)) return place;
  // The block after the fork keeps its own logs: those that come to it stand between them.
  ++place.block;
  ++place.log;
  place.exists = fill.tx % kDropEach != 0;
  return place;
}

std::int64_t Chain::LogIndexOf(const World& world, FillNumber number) {
  const FillNumber first = FirstOfBlock(world, BlockAt(world.fills()[number].ts));
  return kFirstLog + kLogsPerFill * std::int64_t{number - first};
}

Chain::Place Chain::PlaceBehindFills(std::int64_t block, std::int64_t number) const {
  const auto [first, end] = FillsOf(block, block);
  const std::int64_t transactions =
      first == end ? 0 : world_.fills()[end - 1].tx - std::int64_t{world_.fills()[first].tx} + 1;
  return {block, transactions + number,
          kFirstLog + kLogsPerFill * (std::int64_t{end - first} + number), true};
}

}  // namespace sim
