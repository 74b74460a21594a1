#include "cli/fleet_keys.h"

#include <filesystem>

#include "proto/keys.h"

namespace cli {

common::Status EnsureCoordinatorKeys(const std::string& folder) {
  if (folder.empty()) return common::Done{};
  return proto::KeyFolder(folder).Init();
}

common::Status EnsureWorkerKey(const std::string& folder, const std::string& worker) {
  if (folder.empty()) return common::Done{};
  std::error_code failure;
  const std::filesystem::path root(folder);
  if (std::filesystem::exists(root / "workers" / (worker + ".key"), failure)) return common::Done{};
  return proto::KeyFolder(root).AddWorker({worker});
}

}  // namespace cli
