// Spans of the whole history, every wallet at once: by time from the subgraph, by block from a
// node.
//
// The task is "<source> <from>-<to>", both ends asked for, in seconds for the subgraph and in
// blocks for a node; "head" as its end stands for as far as there is anything. A unit is complete
// where it has told all that there is of its span by now; `reached` says how far that was.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/trade.h"
#include "worker/jobs/unit_walk.h"
#include "worker/sources/rpc_walk.h"

namespace worker::jobs {

struct RangeTask {
  common::Source source = common::Source::kRpc;
  std::int64_t from = 0;
  std::optional<std::int64_t> to;  // nothing: "head"
};
std::optional<RangeTask> ParseRangeTask(std::string_view text);

class SubgraphRangeWalk final : public UnitWalk {
 public:
  SubgraphRangeWalk(std::string url, const RangeTask& task, std::string position);

  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  bool Restart() override;

 private:
  common::Result<UnitStep> TakeNewest(const std::string& body);
  UnitStep Done(UnitStep step) const;

  const std::string url_;
  const RangeTask task_;
  std::string position_;
  std::optional<common::UnixSeconds> last_;  // unknown until the archive's end is
  std::string shortfall_;
};

// Reads no block that is younger than kRpcConfirmations. Where the span goes further than the node
// does, the node must be fresh, else the unit falls short of its end: what is not told yet may have
// been made long ago. Behind one address stand several nodes, so a stale one is asked again first.
// A reorganisation that goes deeper all the
// same is noticed by the hash of the last block that was told, when the walk goes on from a stored
// position and before it ends: it then goes back, and what it tells again replaces what it told.
class RpcRangeWalk final : public UnitWalk {
 public:
  RpcRangeWalk(std::string url, const RangeTask& task, const std::string& position);

  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  bool Restart() override;

 private:
  enum class Phase : std::uint8_t {
    kHead,    // how far may we go?
    kVerify,  // is what was told still so?
    kRewind,  // it is not: when was the block that we go back to?
    kBegin,   // when does the span begin?
    kLogs
  };

  common::Result<UnitStep> TakeHead(const sources::RpcBlock& head, common::UnixSeconds now);
  common::Result<UnitStep> Verify(const sources::RpcBlock& block);
  common::Result<UnitStep> TakeLogs(const HttpResponse& response);
  UnitStep Done() const;
  std::string Encode() const;
  void Decode(std::string_view text);

  const std::string url_;
  const RangeTask task_;
  Phase phase_ = Phase::kHead;
  sources::RpcWalk walk_;
  common::UnixSeconds begins_at_ = 0;         // 0: not known yet
  std::optional<sources::RpcBlock> through_;  // the last block that is told
  std::optional<store::ReplacedSpan> replaces_;
  int stale_heads_ = 0;
  std::string shortfall_;
};

}  // namespace worker::jobs
