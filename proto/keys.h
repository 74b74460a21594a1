// CURVE key files: make, read, authorise, revoke.
//
//   DIR/coordinator.key           secret, Z85, mode 0600: stays with the coordinator
//   DIR/coordinator.pub           public: copied to every worker's host
//   DIR/workers/<id>.key          secret, mode 0600: moved to the worker's host
//   DIR/authorized/<id>.pub       public: who may come in, and under which name
// A key is 40 Z85 characters and a newline. A secret is never logged, and never part of an Error.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"

namespace proto {

// A CURVE key in bytes, and as Z85 text.
inline constexpr std::size_t kKeySize = 32;
inline constexpr std::size_t kZ85Size = 40;

struct KeyPair {
  std::string public_z85;
  std::string secret_z85;
};

// What a worker needs: its own pair, and the coordinator's public key that it insists on.
struct ClientKeys {
  KeyPair own;
  std::string server_public_z85;
};

// Public key (Z85) -> the worker that it proves.
using AllowList = std::map<std::string, common::WorkerId>;

class KeyFolder {
 public:
  explicit KeyFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Makes the folders and the coordinator's pair. What is there already is kept.
  common::Status Init() const;
  // Makes the worker's pair and authorises it. A pair that is there already is kept.
  common::Status AddWorker(const common::WorkerId& worker) const;
  // Lets the holder of this key in as `worker`, in place of the key that was there before.
  // Refuses a key that is authorised for another worker.
  common::Status Authorise(const common::WorkerId& worker, const std::string& public_z85) const;
  // The worker's key opens nothing any more once the coordinator has noticed: at its next look, or
  // at SIGHUP. An Error if it was not authorised.
  common::Status Revoke(const common::WorkerId& worker) const;

  common::Result<KeyPair> ReadCoordinator() const;
  // `server_key`: where coordinator.pub is; empty for the one in this folder.
  common::Result<ClientKeys> ReadClient(const common::WorkerId& worker,
                                        const std::filesystem::path& server_key) const;
  // A file that cannot be used authorises nobody: it is left out and its reason logged.
  common::Result<AllowList> ReadAllowList() const;

  // When a key last came or went, by the file system's clock; nothing where that cannot be told.
  std::optional<std::filesystem::file_time_type> AuthorizedChangedAt() const;

  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path WorkerKey(const common::WorkerId& worker) const;
  std::filesystem::path AuthorizedKey(const common::WorkerId& worker) const;

  std::filesystem::path folder_;
};

// Reads a secret key and computes its public one. Refuses a file that others may read.
common::Result<KeyPair> ReadKeyPair(const std::filesystem::path& file);
common::Result<std::string> ReadPublicKey(const std::filesystem::path& file);

}  // namespace proto
