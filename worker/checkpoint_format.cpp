#include "worker/checkpoint_format.h"

#include <algorithm>
#include <type_traits>
#include <unordered_map>

#include <fmt/format.h>

#include "common/crc32c.h"

namespace worker {
namespace {

using common::Error;
using common::ErrorKind;
using common::Result;

enum class RecordKind : std::uint8_t { kHeader = 1, kWallet = 2, kTerm = 3 };

constexpr std::uint32_t kMarker = 0xC5EC0DF5;
constexpr std::size_t kFrameBytes = 12;
constexpr std::size_t kMostPayload = 1024UL * 1024;
// Where damage is searched for good records behind it; more candidates than this are not read.
constexpr int kMostCandidates = 10'000;

template <typename Number>
void Put(std::string& out, Number number) {
  using Unsigned = std::make_unsigned_t<Number>;
  auto bits = static_cast<std::uint64_t>(static_cast<Unsigned>(number));
  for (std::size_t i = 0; i < sizeof(Number); ++i, bits >>= 8U) {
    out.push_back(static_cast<char>(bits & 0xFFU));
  }
}

void PutText(std::string& out, std::string_view text) {
  Put(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

// Reads a payload front to back; after running out, ok() is false for good.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    if (bytes_.size() < sizeof(Number)) {
      ok_ = false;
      return Number{};
    }
    std::uint64_t bits = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) {
      bits = bits << 8U | static_cast<std::uint8_t>(bytes_[i]);
    }
    bytes_.remove_prefix(sizeof(Number));
    return static_cast<Number>(static_cast<std::make_unsigned_t<Number>>(bits));
  }

  std::string TakeText() {
    const auto size = Take<std::uint32_t>();
    if (!ok_ || bytes_.size() < size) {
      ok_ = false;
      return "";
    }
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }

  bool ok() const { return ok_; }
  bool is_at_end() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

std::string Frame(std::string_view payload) {
  std::string length;
  Put(length, static_cast<std::uint32_t>(payload.size()));
  std::string frame;
  Put(frame, kMarker);
  frame += length;
  Put(frame, common::Crc32c(payload, common::Crc32c(length)));
  frame += payload;
  return frame;
}

// The payload of the record that begins here, if it is whole and sound.
std::optional<std::string_view> PayloadAt(std::string_view bytes, std::size_t at) {
  if (bytes.size() - at < kFrameBytes) return std::nullopt;
  Reader frame(bytes.substr(at, kFrameBytes));
  const auto marker = frame.Take<std::uint32_t>();
  const auto length = frame.Take<std::uint32_t>();
  const auto crc = frame.Take<std::uint32_t>();
  if (marker != kMarker || length > kMostPayload || bytes.size() - at - kFrameBytes < length) {
    return std::nullopt;
  }
  const std::string_view payload = bytes.substr(at + kFrameBytes, length);
  const std::uint32_t expected = common::Crc32c(payload, common::Crc32c(bytes.substr(at + 4, 4)));
  if (crc != expected) return std::nullopt;
  return payload;
}

bool HasGoodRecordAfter(std::string_view bytes, std::size_t at) {
  std::string marker;
  Put(marker, kMarker);
  int candidates = 0;
  for (at = bytes.find(marker, at); at != std::string_view::npos; at = bytes.find(marker, at + 1)) {
    if (PayloadAt(bytes, at).has_value()) return true;
    if (++candidates == kMostCandidates) return true;  // Far too odd for a torn tail.
  }
  return false;
}

// Adds records to contents.
class Collector {
 public:
  Result<common::Done> Add(std::string_view payload) {
    Reader reader(payload);
    const auto kind = static_cast<RecordKind>(reader.Take<std::uint8_t>());
    const bool is_first = contents.records++ == 0;
    if (is_first != (kind == RecordKind::kHeader)) return Senseless();
    switch (kind) {
      case RecordKind::kHeader:
        return AddHeader(reader);
      case RecordKind::kWallet:
        return AddMark(reader);
      case RecordKind::kTerm:
        contents.highest_term =
            std::max(contents.highest_term, common::Term{reader.Take<std::int64_t>()});
        return reader.is_at_end() ? common::Status(common::Done{}) : Senseless();
    }
    return Senseless();
  }

  CheckpointContents Finish() {
    std::vector<WalletMark> newest;
    for (std::size_t i = 0; i < contents.wallets.size(); ++i) {
      if (places_.at(contents.wallets[i].wallet) == i) {
        newest.push_back(std::move(contents.wallets[i]));
      }
    }
    contents.wallets = std::move(newest);
    return std::move(contents);
  }

  CheckpointContents contents;

 private:
  static Error Senseless() {
    return {ErrorKind::kMalformed, "the checkpoint has a record that makes no sense"};
  }

  common::Status AddHeader(Reader& reader) {
    const auto version = reader.Take<std::uint32_t>();
    if (reader.ok() && version != kCheckpointVersion) {
      return Error{ErrorKind::kRejected,
                   fmt::format("the checkpoint has version {}, this program reads {}", version,
                               kCheckpointVersion)};
    }
    const std::optional<common::WorkerId> worker = common::ParseWorkerId(reader.TakeText());
    contents.state_dir_id = reader.TakeText();
    if (!worker.has_value() || !reader.is_at_end()) return Senseless();
    contents.worker = *worker;
    return common::Done{};
  }

  common::Status AddMark(Reader& reader) {
    WalletMark mark;
    mark.run.value = reader.Take<std::int64_t>();
    mark.chunk.value = reader.Take<std::int64_t>();
    mark.epoch.value = reader.Take<std::int64_t>();
    mark.wallet.value = reader.Take<std::int32_t>();
    const auto state = reader.Take<std::uint8_t>();
    const auto source = reader.Take<std::uint8_t>();
    mark.cursor.owned_from = reader.Take<std::int64_t>();
    mark.cursor.complete_to = reader.Take<std::int64_t>();
    mark.cursor.position = reader.TakeText();
    const bool is_known = state >= 1 && state <= 3 && source >= 1 && source <= 4;
    if (!reader.is_at_end() || !is_known) return Senseless();
    mark.state = static_cast<store::WalletState>(state);
    mark.cursor.source = static_cast<common::Source>(source);
    places_[mark.wallet] = contents.wallets.size();
    contents.wallets.push_back(std::move(mark));
    return common::Done{};
  }

  std::unordered_map<common::WalletId, std::size_t> places_;
};

}  // namespace

std::string EncodeHeader(const common::WorkerId& worker, const std::string& state_dir_id) {
  std::string payload(1, static_cast<char>(RecordKind::kHeader));
  Put(payload, kCheckpointVersion);
  PutText(payload, worker.value);
  PutText(payload, state_dir_id);
  return std::string(kCheckpointMagic) + Frame(payload);
}

std::string EncodeTerm(common::Term term) {
  std::string payload(1, static_cast<char>(RecordKind::kTerm));
  Put(payload, term.value);
  return Frame(payload);
}

std::string EncodeMark(const WalletMark& mark) {
  std::string payload(1, static_cast<char>(RecordKind::kWallet));
  Put(payload, mark.run.value);
  Put(payload, mark.chunk.value);
  Put(payload, mark.epoch.value);
  Put(payload, mark.wallet.value);
  Put(payload, static_cast<std::uint8_t>(mark.state));
  Put(payload, static_cast<std::uint8_t>(mark.cursor.source));
  Put(payload, mark.cursor.owned_from);
  Put(payload, mark.cursor.complete_to);
  PutText(payload, mark.cursor.position);
  return Frame(payload);
}

Result<CheckpointContents> DecodeCheckpoint(std::string_view bytes) {
  const bool has_magic = bytes.starts_with(kCheckpointMagic);
  if (!has_magic && !kCheckpointMagic.starts_with(bytes)) {
    if (HasGoodRecordAfter(bytes, 0)) {
      return Error{ErrorKind::kMalformed, "the checkpoint is damaged at its beginning"};
    }
    return Error{ErrorKind::kRejected, "this file is no checkpoint of ours"};
  }
  Collector collector;
  std::size_t at = has_magic ? kCheckpointMagic.size() : bytes.size();
  while (at < bytes.size()) {
    const std::optional<std::string_view> payload = PayloadAt(bytes, at);
    if (!payload.has_value()) break;
    const common::Status added = collector.Add(*payload);
    if (!added) return added.error();
    at += kFrameBytes + payload->size();
  }
  if (at < bytes.size() && HasGoodRecordAfter(bytes, at + 1)) {
    return Error{ErrorKind::kMalformed, fmt::format("the checkpoint is damaged at byte {}", at)};
  }
  CheckpointContents contents = collector.Finish();
  contents.good_bytes = contents.records == 0 ? 0 : at;
  contents.torn_bytes = bytes.size() - contents.good_bytes;
  return contents;
}

}  // namespace worker
