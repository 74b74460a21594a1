// The addresses of the contracts that a trade goes through.
#pragma once

#include <array>

namespace sim {

inline constexpr std::array<const char*, 5> kExchanges = {
    "0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e",  // V1 CTF Exchange
    "0xc5d563a36ae78145c45a50134d48a1215220f80a",  // V1 NegRisk CTF Exchange
    "0xe111180000d2663c0091e4f400237545b87b996b",  // V2 CTF Exchange
    "0xe2222d279d744050d28e00520010520000310f59",  // V2 NegRisk Exchange
    "0xe2222d002000ba0053cef3375333610f64600036",  // the second V2 NegRisk Exchange
};
inline constexpr const char* kConditionalTokens = "0x4d97dcd97ec945f40cf65f87097ace5ea0476045";
inline constexpr const char* kNegRiskAdapter = "0xd91e80cf2e7be2e162c6513ced06f1dd0da35296";

}  // namespace sim
