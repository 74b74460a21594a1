#include "cli/run_as.h"

#include <algorithm>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cli {
namespace {

constexpr char kUser[] = "postgres";

// Raises CAP_DAC_READ_SEARCH and nothing else, so that it survives exec. No libcap: two system
// calls say it all.
const char* KeepSearchOnly() {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  __user_cap_data_struct sets[2] = {};
  static_assert(CAP_DAC_READ_SEARCH < 32);
  sets[0].effective = sets[0].permitted = sets[0].inheritable = 1U << CAP_DAC_READ_SEARCH;
  if (syscall(SYS_capset, &header, sets) != 0) return "capset";
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0) != 0) {
    return "raising CAP_DAC_READ_SEARCH";
  }
  return nullptr;
}

bool MayEnter(const RunAs& user, const struct stat& folder) {
  if (folder.st_uid == user.uid) return (folder.st_mode & S_IXUSR) != 0;
  const bool is_in_group =
      folder.st_gid == user.gid ||
      std::find(user.groups.begin(), user.groups.end(), folder.st_gid) != user.groups.end();
  if (is_in_group) return (folder.st_mode & S_IXGRP) != 0;
  return (folder.st_mode & S_IXOTH) != 0;
}

}  // namespace

bool CanTraverse(const RunAs& user, const std::filesystem::path& folder) {
  for (std::filesystem::path at = folder;; at = at.parent_path()) {
    struct stat status {};
    if (stat(at.c_str(), &status) == 0 && !MayEnter(user, status)) return false;
    if (at == at.parent_path()) return true;
  }
}

common::Result<std::optional<RunAs>> ChooseDatabaseUser(const std::filesystem::path& folder) {
  if (geteuid() != 0) return std::optional<RunAs>();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): what it returns is copied at once.
  const passwd* entry = getpwnam(kUser);
  if (entry == nullptr) {
    return common::Error{
        common::ErrorKind::kRejected,
        "PostgreSQL refuses to run as root, and this machine has no user 'postgres' to run it as; "
        "install the package postgresql, or give --database URL"};
  }
  RunAs user;
  user.uid = entry->pw_uid;
  user.gid = entry->pw_gid;
  int count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  if (getgrouplist(kUser, user.gid, user.groups.data(), &count) < 0) count = 0;
  user.groups.resize(static_cast<std::size_t>(count));
  user.keeps_search = !CanTraverse(user, folder);
  return std::optional<RunAs>(std::move(user));
}

const char* Become(const RunAs& user) {
  if (user.keeps_search && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return "PR_SET_KEEPCAPS";
  if (setgroups(user.groups.size(), user.groups.data()) != 0) return "setgroups";
  if (setresgid(user.gid, user.gid, user.gid) != 0) return "setresgid";
  if (setresuid(user.uid, user.uid, user.uid) != 0) return "setresuid";
  return user.keeps_search ? KeepSearchOnly() : nullptr;
}

}  // namespace cli
