#include "sim/faults.h"

#include <charconv>
#include <utility>

#include "common/ids.h"
#include "sim/random.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::array<const char*, kFaultKinds> kFaultNames = {"429",
                                                              "503",
                                                              "522",
                                                              "errors200",
                                                              "cut",
                                                              "garbled",
                                                              "drip",
                                                              "reset",
                                                              "repeated_page",
                                                              "stale_first_page",
                                                              "empty_page",
                                                              "wrong_content_type",
                                                              "no_cursor",
                                                              "hang",
                                                              "frozen",
                                                              "retry_after_date",
                                                              "retry_after_absurd"};

common::Error Wrong(std::string_view text) {
  return {common::ErrorKind::kRejected,
          "'" + std::string(text) + "' is not of the form KIND=PROBABILITY or KIND@WALLET"};
}

void Set(FaultSetting& setting, FaultKind kind, double probability) {
  setting.probability[static_cast<std::size_t>(kind)] = probability;
}

FaultSetting Mild() {
  FaultSetting setting;
  setting.latency_ms = 20;
  Set(setting, FaultKind::k429, 0.004);
  Set(setting, FaultKind::k503, 0.004);
  Set(setting, FaultKind::kCut, 0.002);
  Set(setting, FaultKind::kReset, 0.002);
  Set(setting, FaultKind::kRepeatedPage, 0.002);
  Set(setting, FaultKind::kDrip, 0.001);
  return setting;
}

// Everything that a client can notice. A frozen subgraph, a server that hangs and one that asks for
// an absurd pause have to be asked for by name.
FaultSetting Nasty() {
  FaultSetting setting;
  setting.latency_ms = 40;
  setting.burst = 3;
  Set(setting, FaultKind::k429, 0.012);
  Set(setting, FaultKind::k503, 0.006);
  Set(setting, FaultKind::k522, 0.004);
  Set(setting, FaultKind::kErrors200, 0.01);
  Set(setting, FaultKind::kCut, 0.01);
  Set(setting, FaultKind::kGarbled, 0.01);
  Set(setting, FaultKind::kDrip, 0.004);
  Set(setting, FaultKind::kReset, 0.01);
  Set(setting, FaultKind::kRepeatedPage, 0.01);
  Set(setting, FaultKind::kStaleFirstPage, 0.006);
  Set(setting, FaultKind::kEmptyPage, 0.006);
  Set(setting, FaultKind::kWrongContentType, 0.006);
  Set(setting, FaultKind::kNoCursor, 0.006);
  Set(setting, FaultKind::kRetryAfterDate, 0.002);
  return setting;
}

}  // namespace

const char* ToString(FaultKind kind) {
  return kFaultNames[static_cast<std::size_t>(kind)];
}

std::optional<FaultKind> ParseFaultKind(std::string_view text) {
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    if (text == kFaultNames[i]) return static_cast<FaultKind>(i);
  }
  return std::nullopt;
}

PageFault PageFaultOf(FaultKind kind, Endpoint endpoint) {
  switch (kind) {
    case FaultKind::kRepeatedPage:
      return PageFault::kRepeat;
    case FaultKind::kStaleFirstPage:
      return PageFault::kStale;
    case FaultKind::kEmptyPage:
      return PageFault::kEmpty;
    case FaultKind::kNoCursor:
      return PageFault::kNoCursor;
    case FaultKind::kFrozen:
      return endpoint == Endpoint::kSubgraph ? PageFault::kFrozen : PageFault::kLagging;
    default:
      return PageFault::kNone;
  }
}

common::Result<FaultSetting> ProfileSetting(std::string_view profile) {
  if (profile == "none") return FaultSetting{};
  if (profile == "mild") return Mild();
  if (profile == "nasty") return Nasty();
  return common::Error{common::ErrorKind::kRejected,
                       "'" + std::string(profile) + "' is none of none, mild, nasty"};
}

common::Status AddFault(std::string_view text, FaultSetting& setting) {
  const std::size_t mark = text.find_first_of("=@");
  if (mark == std::string_view::npos) return Wrong(text);
  const auto kind = ParseFaultKind(text.substr(0, mark));
  if (!kind) return Wrong(text);
  const std::string_view value = text.substr(mark + 1);
  if (text[mark] == '@') {
    const auto wallet = common::WalletAddress::Parse(value);
    if (!wallet) return Wrong(text);
    setting.of_wallets.push_back({*kind, wallet->ToString()});
    return common::Done{};
  }
  double probability = 0;
  const auto [end, failure] =
      std::from_chars(value.data(), value.data() + value.size(), probability);
  const bool is_read = failure == std::errc{} && end == value.data() + value.size();
  if (!is_read || !(probability >= 0 && probability <= 1)) return Wrong(text);
  Set(setting, *kind, probability);
  return common::Done{};
}

void Faults::Set(FaultSetting setting) {
  setting_ = std::move(setting);
  bursts_ = {};
}

std::optional<FaultKind> Faults::Decide(Endpoint endpoint, std::string_view target,
                                        std::string_view body) {
  if (!setting_.of_wallets.empty()) {
    const std::string text = ToLower(target) + '\n' + ToLower(body);
    for (const auto& [kind, wallet] : setting_.of_wallets) {
      if (text.find(wallet) != std::string::npos) return kind;
    }
  }
  Burst& burst = bursts_[static_cast<std::size_t>(endpoint)];
  if (burst.left > 0) {
    --burst.left;
    return burst.kind;
  }
  const auto kind = Draw();
  if (kind == FaultKind::k503 || kind == FaultKind::k522) burst = {*kind, setting_.burst - 1};
  return kind;
}

std::optional<FaultKind> Faults::Draw() {
  constexpr double kTwoTo53 = 9007199254740992.0;
  double draw = static_cast<double>(Mix(seed_, ++drawn_) >> 11) / kTwoTo53;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    draw -= setting_.probability[i];
    if (draw < 0) return static_cast<FaultKind>(i);
  }
  return std::nullopt;
}

}  // namespace sim
