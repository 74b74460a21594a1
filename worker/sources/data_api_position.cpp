// The format: version, phase (a byte each); floor, horizon, oldest_refused, boundary (varints);
// page_hash (8 bytes); next_cursor (length as varint, bytes); the tally (entries as varint, then
// key in 8 bytes and count as varint each); a hash of all of that (8 bytes). Integers
// little-endian.
#include "worker/sources/data_api_position.h"

#include <cstddef>

namespace worker::sources {
namespace {

constexpr std::uint8_t kVersion = 1;

void AppendByte(std::string& out, std::uint64_t byte) {
  out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
}

void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) AppendByte(out, (value & 0x7fU) | 0x80U);
  AppendByte(out, value);
}

void AppendWord(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i, value >>= 8U) AppendByte(out, value & 0xffU);
}

std::uint64_t HashOf(std::string_view bytes) {
  StableHash hash;
  hash.Add(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    for (const char c : bytes.substr(at, 8)) word = word << 8U | static_cast<unsigned char>(c);
    hash.Add(word);
  }
  return hash.value();
}

// Takes values from the front of a text; after the first failure everything is zero.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::uint64_t Byte() {
    if (rest_.empty()) return Fail();
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      const std::uint64_t byte = Byte();
      value |= (byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    return Fail();
  }

  std::uint64_t Word() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) value |= Byte() << shift;
    return value;
  }

  common::UnixSeconds Seconds() { return static_cast<common::UnixSeconds>(Varint()); }

  std::string_view Bytes(std::size_t size) {
    if (size > rest_.size()) {
      Fail();
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  bool Done() const { return ok_ && rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::uint64_t Fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

bool ReadTally(Reader& reader, Tally& tally) {
  const std::uint64_t size = reader.Varint();
  if (size > kLargestTally) return false;
  for (std::uint64_t i = 0; i < size && reader.ok(); ++i) {
    const std::uint64_t key = reader.Word();
    const std::uint64_t count = reader.Varint();
    if (count > std::numeric_limits<std::uint32_t>::max()) return false;
    tally.Set(key, static_cast<std::uint32_t>(count));
  }
  return reader.ok();
}

}  // namespace

std::string Encode(const DataApiPosition& position) {
  std::string out;
  AppendByte(out, kVersion);
  AppendByte(out, static_cast<std::uint8_t>(position.phase));
  AppendVarint(out, static_cast<std::uint64_t>(position.floor));
  AppendVarint(out, static_cast<std::uint64_t>(position.horizon));
  AppendVarint(out, static_cast<std::uint64_t>(position.oldest_refused));
  AppendVarint(out, static_cast<std::uint64_t>(position.boundary));
  AppendWord(out, position.page_hash);
  AppendVarint(out, position.next_cursor.size());
  out += position.next_cursor;
  AppendVarint(out, position.tally.size());
  for (const Tally::Entry& entry : position.tally.entries()) {
    AppendWord(out, entry.key);
    AppendVarint(out, entry.count);
  }
  AppendWord(out, HashOf(out));
  return out;
}

std::optional<DataApiPosition> DecodeDataApiPosition(std::string_view text) {
  constexpr std::size_t kHashSize = 8;
  if (text.size() < kHashSize) return std::nullopt;
  const std::string_view content = text.substr(0, text.size() - kHashSize);
  if (Reader(text.substr(content.size())).Word() != HashOf(content)) return std::nullopt;

  Reader reader(content);
  if (reader.Byte() != kVersion) return std::nullopt;
  DataApiPosition position;
  const std::uint64_t phase = reader.Byte();
  if (phase != 1 && phase != 2) return std::nullopt;
  position.phase = static_cast<DataApiPosition::Phase>(phase);
  position.floor = reader.Seconds();
  position.horizon = reader.Seconds();
  position.oldest_refused = reader.Seconds();
  position.boundary = reader.Seconds();
  position.page_hash = reader.Word();
  const std::uint64_t cursor_size = reader.Varint();
  if (cursor_size > kLongestNextCursor) return std::nullopt;
  position.next_cursor = reader.Bytes(cursor_size);
  if (!ReadTally(reader, position.tally) || !reader.Done()) return std::nullopt;
  return position;
}

}  // namespace worker::sources
