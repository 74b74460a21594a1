// A world of recorded responses: real markets and real fills.
//
// The directory is laid out as the collection of recordings is: gamma/, clob/, onchain/,
// data_api_v1/ and data_api_v2/. The pages of Gamma have to be there; what else is missing adds
// nothing.
//
// Fills of chain logs have all that the chain says. Rows of the Data API have no order hash, so the
// V1 subgraph does not tell them. Orders of Dome are left out: their `user` is the key that signed,
// which need not be the wallet that traded, and they do not say what was paid.
#pragma once

#include <string>

#include "common/error.h"
#include "sim/world.h"

namespace sim {

common::Result<WorldParts> LoadRecorded(const std::string& directory);

}  // namespace sim
