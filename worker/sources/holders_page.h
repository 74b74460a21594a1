// The Data API's /holders: who holds a condition's tokens, to discover wallets.
//
// It is an offset walk inside: holders may repeat, or be missed, when the upstream's data are
// refreshed. A wallet that holds nothing any more is not in it, but in the condition's trades.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "worker/http.h"
#include "worker/sources/page_end.h"

namespace worker::sources {

struct HoldersPage {
  std::vector<common::WalletAddress> wallets;  // each once, without the protocol's contracts
  PageEnd end;
};

// `position` is what EncodePageEnd made of the page before; empty: the first page.
HttpRequest HoldersRequest(const std::string& data_url, const common::ConditionId& condition,
                           std::string_view position);

// kTransient: an error body, no complete JSON, a pagination that contradicts itself or stands
// still. kMalformed: a holder without a readable address.
common::Result<HoldersPage> ParseHoldersPage(std::string_view position, std::string_view body);

}  // namespace worker::sources
