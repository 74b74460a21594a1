#include "worker/jobs/told_blocks.h"

#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "common/check.h"
#include "worker/sources/position_number.h"

namespace worker::jobs {
namespace {

using sources::RpcBlock;
using sources::TakeNumber;

std::optional<RpcBlock> ParseBlock(std::string_view text) {
  const auto number = TakeNumber(text, ':');
  const auto ts = number ? TakeNumber(text, ':') : std::nullopt;
  const auto hash = ts ? common::BlockHash::Parse(text) : std::nullopt;
  if (!hash) return std::nullopt;
  return RpcBlock{static_cast<std::uint64_t>(*number), *hash, *ts};
}

}  // namespace

void ToldBlocks::Add(const RpcBlock& block) {
  CHECK(blocks_.empty() || block.number > blocks_.back().number);
  blocks_.push_back(block);
  if (blocks_.size() > kMost) DropOne();
}

// The one whose absence makes the smallest gap, measured by its depth.
void ToldBlocks::DropOne() {
  const auto number = [this](std::size_t i) {
    return static_cast<double>(blocks_[i].number);
  };
  std::size_t drop = 1;
  double least = std::numeric_limits<double>::max();
  for (std::size_t i = 1; i + 1 < blocks_.size(); ++i) {
    const double depth = number(blocks_.size() - 1) - number(i);
    const double gap = (number(i + 1) - number(i - 1)) / depth;
    if (gap < least) {
      least = gap;
      drop = i;
    }
  }
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(drop));
}

std::string ToldBlocks::ToString() const {
  std::string text;
  for (const RpcBlock& block : blocks_) {
    text += fmt::format("{}{}:{}:{}", text.empty() ? "" : ",", block.number, block.ts,
                        block.hash.ToString());
  }
  return text;
}

std::optional<ToldBlocks> ToldBlocks::Parse(std::string_view text) {
  ToldBlocks told;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const auto block = ParseBlock(text.substr(0, comma));
    const bool is_next = block && (told.empty() || block->number > told.newest().number);
    if (!is_next || told.size() == kMost) return std::nullopt;
    told.blocks_.push_back(*block);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return told;
}

}  // namespace worker::jobs
