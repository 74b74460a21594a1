#include "cli/state_dir.h"

#include <system_error>

namespace cli {

common::Result<StateDir> StateDir::Open(const std::string& path) {
  std::error_code failure;
  std::filesystem::path root = std::filesystem::weakly_canonical(path, failure);
  if (!failure) std::filesystem::create_directories(root / "fleet", failure);
  if (!failure) std::filesystem::create_directories(root / "logs", failure);
  if (failure) {
    return common::Error{common::ErrorKind::kRejected, "the state directory " + path +
                                                           " cannot be made: " + failure.message() +
                                                           "; choose another with --state-dir"};
  }
  return StateDir(std::move(root));
}

std::filesystem::path StateDir::log(std::string_view program) const {
  return root_ / "logs" / (std::string(program) + ".log");
}

std::filesystem::path StateDir::pid_file(std::string_view program) const {
  return fleet() / (std::string(program) + ".pid");
}

std::filesystem::path StateDir::lock(std::string_view what) const {
  return fleet() / (std::string(what) + ".lock");
}

}  // namespace cli
