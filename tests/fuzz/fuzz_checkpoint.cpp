// The checkpoint reader: whatever the bytes, it answers, and what it accepts survives being written
// again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/check.h"
#include "worker/checkpoint_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const common::Result<worker::CheckpointContents> contents = worker::DecodeCheckpoint(input);
  if (!contents || contents->good_bytes == 0) return 0;
  std::string written = worker::EncodeHeader(contents->worker, contents->state_dir_id);
  written += worker::EncodeTerm(contents->highest_term);
  for (const worker::WalletMark& mark : contents->wallets) written += worker::EncodeMark(mark);
  const common::Result<worker::CheckpointContents> again = worker::DecodeCheckpoint(written);
  CHECK(again.has_value() && again->torn_bytes == 0);
  CHECK(again->wallets == contents->wallets && again->highest_term == contents->highest_term);
  return 0;
}
