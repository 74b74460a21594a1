// The logs of the chain: OrderFilled of the exchanges, and ConditionResolution of the CTF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/chain.h"
#include "sim/rpc_filter.h"
#include "sim/world.h"

namespace sim {

class RpcLogs {
 public:
  RpcLogs(const World& world, Chain& chain, bool log_times);

  // Appends the logs that the filter wants, as JSON and in the order of the chain. Returns their
  // number, or nothing as soon as there are more than `most`.
  std::optional<std::size_t> Append(const LogFilter& filter, std::int64_t head, std::size_t most,
                                    std::string& out);

 private:
  struct Resolution {
    std::int64_t block = 0;
    std::uint32_t market = 0;
  };

  std::vector<FillNumber> Candidates(const LogFilter& filter) const;
  bool Wants(const LogFilter& filter, const Fill& fill) const;
  std::uint32_t Exchange(const Fill& fill) const;
  void AppendFill(const Fill& fill, const Chain::Place& place, const Hash32& block_hash,
                  std::string& out) const;
  // Where the log stands: block to `removed`.
  void AppendTail(std::string& out, const Chain::Place& place, const Hash32& block_hash,
                  const Hash32& tx) const;
  // Markets are closed while the world is told.
  void KeepResolutions();
  bool Wants(const LogFilter& filter, const Resolution& resolution) const;
  void AppendResolution(const Resolution& resolution, std::int64_t head, std::string& out) const;

  const World& world_;
  Chain& chain_;
  const bool log_times_;
  std::vector<Hash32> token_words_;
  std::vector<Resolution> resolutions_;       // by block
  std::uint64_t closings_ = 0;                // of the world, when they were collected
  std::array<std::uint32_t, 4> exchanges_{};  // V1, V1 of groups, V2, V2 of groups
};

}  // namespace sim
