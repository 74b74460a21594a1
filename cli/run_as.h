// The user that PostgreSQL runs as when we are root, which it refuses.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/error.h"

namespace cli {

struct RunAs {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  // A folder above the cluster is closed to this user (as /root is): of root's powers it keeps
  // the one to pass through folders and read, CAP_DAC_READ_SEARCH.
  bool keeps_search = false;
};

// Nothing when we are not root: the cluster is simply ours. `folder` is where the cluster lives.
common::Result<std::optional<RunAs>> ChooseDatabaseUser(const std::filesystem::path& folder);

// Turns this process, a child just forked, into that user. Returns nullptr, or the step that
// failed, with errno set. Calls nothing that may not be called between fork and exec.
const char* Become(const RunAs& user);

// Whether the user could pass from / down to `folder` by itself.
bool CanTraverse(const RunAs& user, const std::filesystem::path& folder);

}  // namespace cli
