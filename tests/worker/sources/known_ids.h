// Ids that tests of several upstreams share.
#pragma once

#include <string>

namespace worker::sources {

inline constexpr char kWallet[] = "0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a";
inline constexpr char kStranger[] = "0xc69bd5567b40ef4d11922eaa57e1f9be1c642076";
inline const std::string kConditionText = "0x" + std::string(63, '0') + "7";
// Exchanges, which are no wallets.
inline constexpr char kNegRisk[] = "0xc5d563a36ae78145c45a50134d48a1215220f80a";
inline constexpr char kV2Exchange[] = "0xE111180000d2663C0091e4f400237545B87B996B";

}  // namespace worker::sources
