// The private PostgreSQL cluster under the state directory: made, started, found again, stopped.
//
// It listens on a unix socket only, in its own folder; where that path would be too long for a
// socket, in /tmp/seine-<hash>. Only the cluster's user and root may enter, so no password is
// needed. As root it runs as the user postgres. Its settings are for loading much, safely:
// nothing is ever reported stored that a crash could take back.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/process.h"
#include "cli/state_dir.h"
#include "common/error.h"

namespace cli {

// The folder that holds `postgres` and `initdb`, and their major version.
struct PostgresPrograms {
  std::filesystem::path folder;
  int version = 0;
};

// The newest there is, or exactly `version` if that is not 0.
common::Result<PostgresPrograms> FindPostgresPrograms(int version = 0);

// Sets PGHOST, PGPASSWORD and so on, as the URL says, for a client program that we become. False
// if it is no libpq URL.
bool ExportConnection(const std::string& url);

class EmbeddedPostgres {
 public:
  explicit EmbeddedPostgres(const StateDir& state);

  // Makes the cluster if there is none, starts it if it is not running, waits until it answers,
  // and brings the database to our schema. `say` gets a line before each step that takes time.
  // After a crash the wait covers PostgreSQL's recovery, as long as the server lives.
  common::Status Start(const std::function<void(const std::string&)>& say);

  // Starts the server of a cluster that exists, and does not wait for it.
  common::Result<ProcessId> Launch();

  // Ends it in order: transactions under way are rolled back. Nothing to do if it is not running.
  common::Status Stop();

  std::optional<ProcessId> Find() const;
  bool is_made() const;
  std::string url() const;
  const std::filesystem::path& socket_folder() const { return socket_folder_; }
  std::filesystem::path log() const { return state_.postgres() / "log"; }

 private:
  int ClusterVersion() const;
  bool IsAnyoneInside() const;
  void RemoveStaleLock() const;
  common::Status Make(const RunAs* user);
  common::Status PrepareFolder(const std::filesystem::path& folder, const RunAs* user) const;
  common::Status WaitUntilItAnswers();
  common::Status MakeDatabase();
  std::string LastWords() const;

  const StateDir& state_;
  std::filesystem::path data_;
  std::filesystem::path socket_folder_;
};

}  // namespace cli
