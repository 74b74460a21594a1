// CRC-32C (Castagnoli), as in iSCSI and ext4: tells a torn or flipped record from a good one.
#pragma once

#include <cstdint>
#include <string_view>

namespace common {

// To go on over several pieces, pass the result for the pieces before.
std::uint32_t Crc32c(std::string_view bytes, std::uint32_t so_far = 0);

}  // namespace common
