// What walks over the orderbook subgraph have in common: the fields that are asked for, the order
// that must hold, and the judgement of an event.
//
// Included by the .cpp files of this folder alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "worker/sources/subgraph_page.h"
#include "worker/sources/subgraph_position.h"
#include "worker/sources/trade_source.h"

namespace worker::sources {

inline constexpr std::size_t kSubgraphPageSize = 1000;  // graph-node's largest
inline constexpr char kSubgraphFields[] =
    "id transactionHash orderHash timestamp maker taker makerAssetId takerAssetId "
    "makerAmountFilled takerAmountFilled fee";
inline constexpr char kSubgraphNewestQuery[] =
    R"({"query":"{orderFilledEvents(first:1,orderBy:timestamp,orderDirection:desc){timestamp}}"})";

// What must hold of an event that follows `before` on a walk over [first, last].
std::optional<common::Error> CheckOrder(const SubgraphEvent& event, const SubgraphPosition& before,
                                        common::UnixSeconds first, common::UnixSeconds last);

// Each token of the trades once.
std::vector<TokenHint> HintsOf(std::vector<common::TokenId> tokens);

// What is told of an event that cannot be a trade.
std::string EvidenceOf(const SubgraphEvent& event, const std::string& why);

}  // namespace worker::sources
