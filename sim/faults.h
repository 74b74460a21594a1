// Which request is treated badly, and how. A function of the seed and of the number of requests
// before it, so that a run can be repeated.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "sim/message.h"

namespace sim {

enum class FaultKind : std::uint8_t {
  k429,
  k503,
  k522,
  kErrors200,
  kCut,
  kGarbled,
  kDrip,
  kReset,
  kRepeatedPage,
  kStaleFirstPage,
  kEmptyPage,
  kWrongContentType,
  kNoCursor,
  kHang,
  kFrozen,
  kRetryAfterDate,    // 429 or 503 with Retry-After as a date
  kRetryAfterAbsurd,  // 429 or 503 with a Retry-After that makes no sense
};
inline constexpr std::size_t kFaultKinds = 17;

const char* ToString(FaultKind kind);
std::optional<FaultKind> ParseFaultKind(std::string_view text);

// The wrong page that a fault asks an upstream for; kNone for faults of other kinds.
PageFault PageFaultOf(FaultKind kind, Endpoint endpoint);

struct FaultSetting {
  std::array<double, kFaultKinds> probability{};
  struct OfWallet {
    FaultKind kind = FaultKind::k503;
    std::string wallet;  // lower case
  };
  std::vector<OfWallet> of_wallets;  // every request that names the wallet
  std::int64_t latency_ms = 0;
  std::int64_t burst = 1;  // so many 503s and 522s in a row
};

// A profile by name: none, mild or nasty.
common::Result<FaultSetting> ProfileSetting(std::string_view profile);
// Adds KIND=PROBABILITY or KIND@WALLET to a setting.
common::Status AddFault(std::string_view text, FaultSetting& setting);

class Faults {
 public:
  Faults(std::uint64_t seed, FaultSetting setting) : seed_(seed), setting_(std::move(setting)) {}

  const FaultSetting& setting() const { return setting_; }
  void Set(FaultSetting setting);

  // `target` and `body` are searched for the wallets of the setting.
  std::optional<FaultKind> Decide(Endpoint endpoint, std::string_view target,
                                  std::string_view body);

  // For the statistics: the fault was really done.
  void Count(FaultKind kind) { ++counts_[static_cast<std::size_t>(kind)]; }
  std::uint64_t count(FaultKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

 private:
  struct Burst {
    FaultKind kind = FaultKind::k503;
    std::int64_t left = 0;
  };

  std::optional<FaultKind> Draw();

  std::uint64_t seed_;
  FaultSetting setting_;
  std::uint64_t drawn_ = 0;
  std::array<Burst, kEndpoints> bursts_{};
  std::array<std::uint64_t, kFaultKinds> counts_{};
};

}  // namespace sim
