// The CURVE keys of a local fleet, made where they are missing.
#pragma once

#include <string>

#include "common/error.h"

namespace cli {

// Does nothing where `folder` is empty: a fleet without encryption, on loopback.
common::Status EnsureCoordinatorKeys(const std::string& folder);

// A coordinator that runs reads its list anew when the new key knocks.
common::Status EnsureWorkerKey(const std::string& folder, const std::string& worker);

}  // namespace cli
