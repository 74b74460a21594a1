// The checkpoint file's bytes, shared by its writer and its reader.
//
// A file is kMagic and then records. A record is, little-endian:
//   marker   4 bytes  kMarker, where a reader finds its way again after damage
//   length   4 bytes  of the payload, at most kMostPayload
//   crc      4 bytes  CRC-32C of length and payload
//   payload  its first byte is the RecordKind
// The first record is the header. Numbers are fixed-width, texts have their length (4 bytes) before
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "common/trade.h"
#include "worker/store/trade_store.h"

namespace worker {

inline constexpr std::string_view kCheckpointMagic = "SEINECKP";
inline constexpr std::uint32_t kCheckpointVersion = 1;

// How far one wallet is, durable in the database already.
struct WalletMark {
  common::RunId run;
  common::ChunkId chunk;
  common::Epoch epoch;
  common::WalletId wallet;
  store::WalletState state = store::WalletState::kSyncing;
  common::Cursor cursor;

  friend bool operator==(const WalletMark&, const WalletMark&) = default;
};

struct CheckpointContents {
  common::WorkerId worker;
  std::string state_dir_id;         // 32 hex digits, made with the file
  common::Term highest_term;        // never obey a coordinator of a lower one
  std::vector<WalletMark> wallets;  // the newest of each wallet, oldest first
  std::uint64_t records = 0;        // in the file, the header included
  std::size_t good_bytes = 0;       // what lies behind is a torn tail
  std::size_t torn_bytes = 0;
};

std::string EncodeHeader(const common::WorkerId& worker, const std::string& state_dir_id);
std::string EncodeTerm(common::Term term);
std::string EncodeMark(const WalletMark& mark);

// A torn tail is left out. kMalformed: a bad record is followed by good ones, or makes no sense;
// kRejected: no checkpoint, or one of a newer version. An empty file, or one torn within its
// header, gives empty contents (good_bytes 0).
common::Result<CheckpointContents> DecodeCheckpoint(std::string_view bytes);

}  // namespace worker
