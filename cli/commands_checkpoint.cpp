#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/terminal.h"
#include "worker/checkpoint.h"

namespace cli {
namespace {

using nlohmann::json;

const char* StateName(worker::store::WalletState state) {
  switch (state) {
    case worker::store::WalletState::kSyncing:
      return "syncing";
    case worker::store::WalletState::kCompleted:
      return "completed";
    case worker::store::WalletState::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string Hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  return hex;
}

json ToJson(const worker::WalletMark& mark) {
  return {{"wallet_id", mark.wallet.value},
          {"run", mark.run.value},
          {"chunk", mark.chunk.value},
          {"epoch", mark.epoch.value},
          {"state", StateName(mark.state)},
          {"source", common::ToString(mark.cursor.source)},
          {"owned_from", mark.cursor.owned_from},
          {"complete_to", mark.cursor.complete_to},
          {"complete_to_utc", Utc(mark.cursor.complete_to)},
          {"position_hex", Hex(mark.cursor.position)}};
}

}  // namespace

int ShowCheckpoint(const Options& options) {
  const common::Result<worker::CheckpointContents> contents = worker::ReadCheckpoint(options.file);
  if (!contents) return Complain(kCannotStart, contents.error().message);
  json all{{"worker", contents->worker.value},
           {"state_dir_id", contents->state_dir_id},
           {"highest_term", contents->highest_term.value},
           {"records", contents->records},
           {"good_bytes", contents->good_bytes},
           {"torn_bytes", contents->torn_bytes},
           {"wallets", json::array()}};
  for (const worker::WalletMark& mark : contents->wallets) all["wallets"].push_back(ToJson(mark));
  Print(all.dump(2, ' ', false, json::error_handler_t::replace));
  return kDone;
}

}  // namespace cli
