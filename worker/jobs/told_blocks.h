// Blocks by which a walk knows whether what it told is still so.
//
// The oldest one is the block before the first that was told, the newest one the last that was;
// between them they grow sparser with depth, so that a walk which has to go back never tells much
// more than twice what was taken back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/sources/rpc_block.h"

namespace worker::jobs {

class ToldBlocks {
 public:
  static constexpr std::size_t kMost = 24;

  bool empty() const { return blocks_.empty(); }
  std::size_t size() const { return blocks_.size(); }
  // REQUIRES: !empty().
  const sources::RpcBlock& oldest() const { return blocks_.front(); }
  const sources::RpcBlock& newest() const { return blocks_.back(); }

  // REQUIRES: it is above the newest.
  void Add(const sources::RpcBlock& block);
  void DropNewest() { blocks_.pop_back(); }
  void KeepNewest() { blocks_.erase(blocks_.begin(), blocks_.end() - 1); }
  void Clear() { blocks_.clear(); }

  // "<number>:<second>:<hash>,...", oldest first.
  std::string ToString() const;
  static std::optional<ToldBlocks> Parse(std::string_view text);

 private:
  void DropOne();

  std::vector<sources::RpcBlock> blocks_;
};

}  // namespace worker::jobs
