// The protocol's own contracts on Polygon. They appear as maker, taker or holder, and are never
// wallets.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/ids.h"

namespace common {

enum class ContractKind : std::uint8_t {
  kExchangeV1,  // emits OrderFilled with asset ids
  kExchangeV2,  // emits OrderFilled with side and token; ExchangeV3 too
  kOther,
};

struct Contract {
  std::string_view address;  // lower case
  std::string_view name;
  ContractKind kind = ContractKind::kOther;
  std::uint64_t first_block = 0;  // no event of it is older; 0: not known
};

// Sources: [net] Polymarket/polymarket-subgraph networks.yaml; [doc] docs.polymarket.com,
// resources/contracts; [v2] Polymarket/ctf-exchange-v2 README; [s] addresses that public clients
// and labels agree on (polynode's Rust client; nautechsystems/nautilus_trader; Polymarket's
// builder-relayer clients for the factories).
inline constexpr std::array<Contract, 20> kContracts{{
    {"0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e", "CTF Exchange", ContractKind::kExchangeV1,
     33'605'403},  // [net]
    {"0xc5d563a36ae78145c45a50134d48a1215220f80a", "NegRisk CTF Exchange",
     ContractKind::kExchangeV1, 50'505'492},  // [net]
    {"0xe111180000d2663c0091e4f400237545b87b996b", "CTF Exchange V2", ContractKind::kExchangeV2,
     84'902'353},  // [doc, v2], block [s]
    {"0xe2222d279d744050d28e00520010520000310f59", "NegRisk Exchange V2", ContractKind::kExchangeV2,
     84'902'353},  // [doc, v2]
    {"0xe2222d002000ba0053cef3375333610f64600036", "NegRisk Exchange V2, the second one",
     ContractKind::kExchangeV2, 84'902'353},  // [s]
    {"0xe3333700ca9d93003f00f0f71f8515005f6c00aa", "ExchangeV3", ContractKind::kExchangeV2,
     84'902'353},                                                                // [s]
    {"0x4d97dcd97ec945f40cf65f87097ace5ea0476045", "ConditionalTokens"},         // [net]
    {"0xd91e80cf2e7be2e162c6513ced06f1dd0da35296", "NegRiskAdapter"},            // [net]
    {"0x2791bca1f2de4661ed88a30c99a7a9449aa84174", "USDC.e"},                    // [net]
    {"0xc011a7e12a19f7b1f670d46f03b03f3342e82dfb", "pUSD"},                      // [doc]
    {"0x3a3bd7bb9528e159577f7c2e685cc81a765002e2", "WrappedCollateral"},         // [s]
    {"0x006f54f7f9a22e0000cc2ab60031000000ae9fef", "PositionManager"},           // [s]
    {"0x93070a847efef7f70739046a929d47a521f5b8ee", "CollateralOnramp"},          // [s]
    {"0xe3f18acc55091e2c48d883fc8c8413319d4ab7b0", "FeeModule"},                 // [s]
    {"0x6a9d222616c90fca5754cd1333cfd9b7fb6a4f74", "UmaCtfAdapter"},             // [s]
    {"0x65070be91477460d8a7aeeb94ef92fe056c2f2a7", "UmaCtfAdapter, the newer"},  // Gamma resolvedBy
    {"0xab45c5a4b0c941a2f231c04c3f49182e1a254052", "ProxyWalletFactory"},        // [s]
    {"0xaacfeea03eb1561c4e67d661e40682bd20e3541b", "SafeProxyFactory"},          // [s]
    {"0x00000000000fb5c9adea0298d729a0cb3823cc07", "DepositWalletFactory"},      // [s]
    {"0x0000000000000000000000000000000000000000", "nobody"},  // mints and burns name it
}};

// Whether this is one of kContracts, and so no wallet.
bool IsContract(const WalletAddress& address);

// Whether this is one of the exchange contracts, of any version.
bool IsExchange(const WalletAddress& address);

}  // namespace common
