// Where everything of one Seine installation lives on this machine.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/error.h"

namespace cli {

// The files under the state directory. The path is absolute, so that programs with another working
// directory mean the same place.
class StateDir {
 public:
  // Makes the directory if it is missing.
  static common::Result<StateDir> Open(const std::string& path);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path postgres() const { return root_ / "postgres"; }
  std::filesystem::path database_url() const { return postgres() / "url"; }
  std::filesystem::path keys() const { return root_ / "keys"; }
  std::filesystem::path admin_key() const { return root_ / "admin.key"; }
  std::filesystem::path coordinator() const { return root_ / "coordinator.json"; }
  std::filesystem::path log(std::string_view program) const;

  // Owned by the supervisor.
  std::filesystem::path fleet() const { return root_ / "fleet"; }
  std::filesystem::path settings() const { return fleet() / "fleet.json"; }
  std::filesystem::path programs() const { return fleet() / "programs.json"; }
  std::filesystem::path stopping() const { return fleet() / "stopping"; }
  // The `seine sync` that the fleet was started for and ends with.
  std::filesystem::path owner() const { return fleet() / "owner.pid"; }
  std::filesystem::path pid_file(std::string_view program) const;
  std::filesystem::path lock(std::string_view what) const;

 private:
  explicit StateDir(std::filesystem::path root) : root_(std::move(root)) {}
  std::filesystem::path root_;
};

}  // namespace cli
