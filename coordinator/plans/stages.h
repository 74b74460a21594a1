// What a run is made of: its stages in order, each a set of chunks of one kind. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coordinator::plans {

// What is known when a run is asked for.
struct StageFacts {
  std::string source = "auto";
  bool is_rpc_covered = false;      // ranges of blocks have told something
  bool is_archive_covered = false;  // ranges of the subgraph have told something ...
  bool is_archive_told = false;     // ... and all there is
};

// "process", "markets", "discover", "refresh", "range", "activity", "positions", "full"; empty for
// anything else.
std::vector<std::string> StagesOf(std::string_view action, const StageFacts& facts);

// The kind of a run of that action: the action itself, but "trades" for "process".
std::string RunKind(std::string_view action);

// The kind of the chunks of a stage: "resolutions" are units of "markets".
std::string ChunkKind(std::string_view stage);

// Whether ranges can be told by that source.
bool IsRangeSource(std::string_view source);

// The source that chunks of `kind` are to use: where ranges own the past, wallets are synced by the
// default source behind them.
std::string SourceOf(std::string_view run_kind, std::string_view run_source,
                     std::string_view chunk_kind);

}  // namespace coordinator::plans
