// The status as JSON for the HTTP API, and as text for Prometheus.
#pragma once

#include <string>
#include <vector>

#include "coordinator/admin_ledger.h"
#include "coordinator/coordinator.h"
#include "coordinator/ledger.h"

namespace coordinator {

std::string StatusJson(const View& view, const Census& census, common::UnixSeconds now);
std::string FreshnessJson(const Census& census, common::UnixSeconds now);
std::string WorkersJson(const View& view);
// `live` is the active run with what is under way; it stands in for its row.
std::string RunsJson(const std::vector<RunRow>& runs, const View& view);
std::string RunJson(const RunRow& run, const std::vector<FailedWallet>& failed, const View& view);
std::string WalletJson(const WalletView& wallet);
std::string MetricsText(const View& view, const Census& census);

}  // namespace coordinator
