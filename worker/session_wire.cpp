#include "worker/session_wire.h"

#include <algorithm>
#include <utility>

namespace worker {
namespace {

using common::WalletId;

std::optional<common::Source> SourceOf(std::uint32_t number) {
  if (number < 1 || number > 4) return std::nullopt;
  return static_cast<common::Source>(number);
}

std::optional<WalletTask> ReadWallet(const proto::WalletTask& wire) {
  WalletTask task;
  task.id = WalletId{wire.wallet_id()};
  if (wire.address().size() != task.address.bytes.size()) return std::nullopt;
  std::copy(wire.address().begin(), wire.address().end(), task.address.bytes.begin());
  for (const proto::SourceCursor& cursor : wire.cursors()) {
    const auto source = SourceOf(cursor.source());
    if (!source) return std::nullopt;
    task.cursors.push_back({*source, cursor.owned_from(), cursor.complete_to(), cursor.position()});
  }
  task.has_trades = wire.has_trades();
  return task;
}

}  // namespace

std::optional<ChunkTask> ReadChunk(const proto::Assign& wire) {
  ChunkTask task{LeaseOf(wire), common::RunId{wire.run()}, wire.source(), {}};
  task.urgent = wire.urgent();
  task.kind = wire.kind();
  if (task.kind != "trades") {
    task.units.reserve(static_cast<std::size_t>(wire.wallets_size()));
    for (const proto::WalletTask& unit : wire.wallets()) {
      task.units.push_back(
          {WalletId{unit.wallet_id()}, unit.task(), unit.position(), unit.complete_to()});
    }
    return task;
  }
  task.wallets.reserve(static_cast<std::size_t>(wire.wallets_size()));
  for (const proto::WalletTask& wallet : wire.wallets()) {
    auto read = ReadWallet(wallet);
    if (!read) return std::nullopt;
    task.wallets.push_back(std::move(*read));
  }
  return task;
}

proto::WalletOutcome::Kind WireKind(WalletOutcome::Kind kind) {
  switch (kind) {
    case WalletOutcome::Kind::kComplete:
      return proto::WalletOutcome::COMPLETE;
    case WalletOutcome::Kind::kFailed:
      return proto::WalletOutcome::FAILED;
    case WalletOutcome::Kind::kSuspect:
      return proto::WalletOutcome::SUSPECT;
    case WalletOutcome::Kind::kRejected:
      return proto::WalletOutcome::REJECTED;
  }
  return proto::WalletOutcome::UNSPECIFIED;
}

}  // namespace worker
