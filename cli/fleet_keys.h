// The CURVE keys of a local fleet, made where they are missing.
#pragma once

#include <string>

#include "common/error.h"

namespace cli {

// Does nothing where `folder` is empty: a fleet without encryption, on loopback.
common::Status EnsureCoordinatorKeys(const std::string& folder);

// True if a pair was made just now: a coordinator that runs has to read its list anew (SIGHUP).
common::Result<bool> EnsureWorkerKey(const std::string& folder, const std::string& worker);

}  // namespace cli
