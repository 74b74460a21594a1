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
#include "worker/jobs/told_blocks.h"
#include "worker/jobs/unit_walk.h"
#include "worker/sources/rpc_walk.h"

namespace worker::jobs {

struct RangeTask {
  common::Source source = common::Source::kRpc;
  std::int64_t from = 0;
  std::optional<std::int64_t> to;  // nothing: "head"
};
std::optional<RangeTask> ParseRangeTask(std::string_view text);

// Events that cannot be a trade hold their own wallets back, not the range: what is told of these
// up to `through` is for their own syncs to complete.
void LeaveOut(const std::vector<common::WalletAddress>& wallets, common::UnixSeconds through,
              UnitStep& step);

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
//
// A reorganisation that goes deeper all the same is noticed: every page must join the block that
// was told last, and that one is looked at again when the walk goes on from a stored position and
// before it ends. The walk then goes back to the newest block that still stands, and what it tells
// again replaces what it told. Where the new chain has more blocks in those seconds, the walk goes
// beyond its end: what a neighbour told of them was replaced, too. That it joins its neighbours,
// the store sees: see told_spans.h.
class RpcRangeWalk final : public UnitWalk {
 public:
  RpcRangeWalk(std::string url, const RangeTask& task, const std::string& position);

  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  void GoBack(const store::BrokenSpan& broken) override;
  bool Restart() override;

 private:
  enum class Phase : std::uint8_t {
    kHead,    // how far may we go?
    kVerify,  // is what was told still so?
    kBegin,   // when does the span begin?
    kLogs
  };

  common::Result<UnitStep> TakeHead(const sources::RpcBlock& head, common::UnixSeconds now);
  common::Result<UnitStep> Verify(const sources::RpcBlock& block);
  common::Result<UnitStep> TakeLogs(const HttpResponse& response);
  common::Result<UnitStep> NotJoined();
  bool HasTold() const { return told_.size() >= 2; }
  std::uint64_t end() const;
  UnitStep Done() const;
  std::string Encode() const;
  void Decode(std::string_view text);

  const std::string url_;
  const RangeTask task_;
  Phase phase_ = Phase::kHead;
  sources::RpcWalk walk_;
  common::UnixSeconds begins_at_ = 0;   // 0: not known yet
  ToldBlocks told_;                     // walk_.next is behind the newest of them
  bool of_others_ = false;              // they are borders of other spans
  std::uint64_t goes_to_ = 0;           // the end of a span above that is to be told anew; 0: none
  common::UnixSeconds stale_to_ = 0;    // what was told up to there is to be replaced; 0: nothing
  common::UnixSeconds anew_to_ = 0;     // what was replaced, maybe others' too; 0: all told again
  common::UnixSeconds dropped_at_ = 0;  // the second of the oldest block that does not stand
  int stale_heads_ = 0;
  int unjoined_ = 0;
  int gone_back_ = 0;
  std::string shortfall_;
};

}  // namespace worker::jobs
