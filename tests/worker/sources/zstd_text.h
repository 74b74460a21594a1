// Unpacks a recorded file.
#pragma once

#include <string>

#include <zstd.h>

namespace worker::sources {

inline std::string Unpacked(const std::string& packed) {
  std::string text;
  std::string chunk(1 << 20, '\0');
  ZSTD_DCtx* const context = ZSTD_createDCtx();
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (std::size_t left = 1; left != 0 && !ZSTD_isError(left);) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    left = ZSTD_decompressStream(context, &out, &in);
    text.append(chunk, 0, out.pos);
    if (in.pos == in.size && out.pos < out.size) break;
  }
  ZSTD_freeDCtx(context);
  return text;
}

}  // namespace worker::sources
