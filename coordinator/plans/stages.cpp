#include "coordinator/plans/stages.h"

namespace coordinator::plans {
namespace {

// Ranges where they have begun already or are asked for; else the feeds of markets that moved.
std::vector<std::string> RefreshStages(const StageFacts& facts) {
  const bool is_auto = facts.source == "auto";
  if (facts.source == "rpc" || (is_auto && facts.is_rpc_covered)) {
    return {"markets", "resolutions", "range", "trades"};
  }
  // The archive is closed: what is new is in the feeds.
  if (facts.source == "subgraph" ||
      (is_auto && facts.is_archive_covered && !facts.is_archive_told)) {
    return {"markets", "resolutions", "range", "holders", "trades"};
  }
  return {"markets", "resolutions", "holders", "trades"};
}

}  // namespace

std::vector<std::string> StagesOf(std::string_view action, const StageFacts& facts) {
  if (action == "process") return {"trades"};
  if (action == "markets") return {"markets", "resolutions"};
  if (action == "range" || action == "activity" || action == "positions") {
    return {std::string(action)};
  }
  if (action == "discover") return {"markets", "holders"};
  if (action == "refresh") return RefreshStages(facts);
  if (action != "full") return {};
  if (IsRangeSource(facts.source)) {
    return {"markets", "resolutions", "holders", "range", "trades", "activity", "positions"};
  }
  return {"markets", "resolutions", "holders", "trades", "activity", "positions"};
}

std::string RunKind(std::string_view action) {
  return action == "process" ? "trades" : std::string(action);
}

std::string ChunkKind(std::string_view stage) {
  return stage == "resolutions" ? "markets" : std::string(stage);
}

bool IsRangeSource(std::string_view source) {
  return source == "rpc" || source == "subgraph";
}

std::string SourceOf(std::string_view run_kind, std::string_view run_source,
                     std::string_view chunk_kind) {
  const bool is_behind_ranges = run_kind != "trades" && chunk_kind == "trades";
  return is_behind_ranges && IsRangeSource(run_source) ? "auto" : std::string(run_source);
}

}  // namespace coordinator::plans
