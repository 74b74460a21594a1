#include "worker/store/told_spans.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/store/id_bytes.h"

namespace worker::store {
namespace {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Status;
using sources::RpcBlock;

// Two neighbours that end at the same time must see each other.
constexpr char kLock[] = "LOCK TABLE told_span IN SHARE ROW EXCLUSIVE MODE";

constexpr char kBrokenBelow[] =
    "SELECT 1 FROM told_span WHERE source = $1::smallint AND ends = $2::bigint "
    "AND ends_hash <> $3::bytea";

constexpr char kBrokenAbove[] =
    "SELECT ends, ends_at FROM told_span WHERE source = $1::smallint AND begins = $2::bigint "
    "AND behind_hash <> $3::bytea";

// So many spans are looked back for one that still stands; the next look goes further.
constexpr char kBorders[] =
    "SELECT ends, ends_hash, ends_at, begins - 1, behind_hash, behind_at FROM told_span "
    "WHERE source = $1::smallint AND ends <= $2::bigint ORDER BY ends DESC LIMIT 32";

constexpr char kForget[] =
    "DELETE FROM told_span WHERE source = $1::smallint AND begins BETWEEN $2::bigint AND "
    "$3::bigint";

constexpr char kKeep[] =
    "INSERT INTO told_span (source, begins, behind_hash, behind_at, ends, ends_hash, ends_at) "
    "VALUES ($1::smallint, $2::bigint, $3::bytea, $4::bigint, $5::bigint, $6::bytea, $7::bigint)";

std::int64_t Number(std::uint64_t block) {
  return static_cast<std::int64_t>(block);
}

RpcBlock BlockAt(const PgRows& rows, int row, int column) {
  RpcBlock block;
  block.number = static_cast<std::uint64_t>(rows.Int64(row, column));
  const std::string hash = rows.Bytes(row, column + 1);
  std::memcpy(block.hash.bytes.data(), hash.data(), std::min(hash.size(), block.hash.bytes.size()));
  block.ts = rows.Int64(row, column + 2);
  return block;
}

// Where the spans below begin and end, newest first.
Status ReadBorders(PgConnection& connection, const ToldSpan& span, std::vector<RpcBlock>& borders) {
  const Result<PgRows> rows = connection.Exec(
      kBorders,
      PgParams().Int16(static_cast<std::int16_t>(span.source)).Int64(Number(span.behind.number)));
  if (!rows) return rows.error();
  for (int row = 0; row < rows->size(); ++row) {
    for (const int column : {0, 3}) {
      const RpcBlock border = BlockAt(*rows, row, column);
      if (borders.empty() || border.number < borders.back().number) borders.push_back(border);
    }
  }
  return Done{};
}

// Nothing: the span joins its neighbours.
Result<std::optional<BrokenSpan>> BreakOf(PgConnection& connection, const ToldSpan& span) {
  const auto source = static_cast<std::int16_t>(span.source);
  const Result<PgRows> below = connection.Exec(
      kBrokenBelow,
      PgParams().Int16(source).Int64(Number(span.behind.number)).Bytes(BytesOf(span.behind.hash)));
  if (!below) return below.error();
  const Result<PgRows> above = connection.Exec(
      kBrokenAbove,
      PgParams().Int16(source).Int64(Number(span.last.number) + 1).Bytes(BytesOf(span.last.hash)));
  if (!above) return above.error();
  if (below->empty() && above->empty()) return std::optional<BrokenSpan>();
  BrokenSpan broken;
  broken.at = below->empty() ? span.last.number : span.behind.number;
  if (!above->empty()) {
    broken.through = static_cast<std::uint64_t>(above->Int64(0, 0));
    broken.through_ts = above->Int64(0, 1);
  }
  if (!below->empty()) {
    if (const Status read = ReadBorders(connection, span, broken.below); !read) return read.error();
  }
  return std::optional(std::move(broken));
}

Status Keep(PgConnection& connection, const ToldSpan& span) {
  const auto source = static_cast<std::int16_t>(span.source);
  const std::int64_t begins = Number(span.behind.number) + 1;
  const Result<PgRows> forgotten = connection.Exec(
      kForget, PgParams().Int16(source).Int64(begins).Int64(Number(span.last.number)));
  if (!forgotten) return forgotten.error();
  const Result<PgRows> kept = connection.Exec(kKeep, PgParams()
                                                         .Int16(source)
                                                         .Int64(begins)
                                                         .Bytes(BytesOf(span.behind.hash))
                                                         .Int64(span.behind.ts)
                                                         .Int64(Number(span.last.number))
                                                         .Bytes(BytesOf(span.last.hash))
                                                         .Int64(span.last.ts));
  if (!kept) return kept.error();
  return Done{};
}

}  // namespace

Result<std::vector<BrokenSpan>> SettleSpans(PgConnection& connection,
                                            std::vector<UnitProgress>& units) {
  std::vector<BrokenSpan> all_broken;
  const auto ends = [](const UnitProgress& unit) {
    return unit.span.has_value() && unit.state == WalletState::kCompleted;
  };
  if (std::ranges::none_of(units, ends)) return all_broken;
  const Result<PgRows> locked = connection.Exec(kLock);
  if (!locked) return locked.error();
  for (UnitProgress& unit : units) {
    if (!ends(unit)) continue;
    auto broken = BreakOf(connection, *unit.span);
    if (!broken) return broken.error();
    if (broken->has_value()) {
      (*broken)->unit = unit.unit;
      all_broken.push_back(std::move(**broken));
      unit.state = WalletState::kSyncing;
      continue;
    }
    if (const Status kept = Keep(connection, *unit.span); !kept) return kept.error();
    unit.position = std::string();
  }
  return all_broken;
}

}  // namespace worker::store
