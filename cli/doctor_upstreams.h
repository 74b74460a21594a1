// Whether the upstreams answer, and how fresh they are.
#pragma once

#include <map>
#include <string>

#include "cli/doctor_findings.h"

namespace cli {

// `urls` by variable, SEINE_DATA_URL and so on; those that are missing are the real services',
// but there is no RPC node unless one is given.
void CheckUpstreams(Findings& findings, const std::map<std::string, std::string>& urls);

}  // namespace cli
