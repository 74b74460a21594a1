// What this worker's wallets have reached, on local disk: <directory>/checkpoint.log.
//
// A cache of what the database holds: written after the commit, and the database wins in every
// disagreement, so the file may be deleted at any moment. It is append-only; when it has grown to
// 64 MiB it is rewritten with what is still of use: the newest marks of the wallets written last.
// One thread; one process a directory, which a lock sees to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "common/error.h"
#include "common/ids.h"
#include "worker/checkpoint_format.h"
#include "worker/files.h"

namespace worker {

struct CheckpointLimits {
  std::size_t compact_at_bytes = 64UL * 1024 * 1024;
  std::size_t keep_bytes = 16UL * 1024 * 1024;  // of marks, in memory and after a rewrite
};

class Checkpoint {
 public:
  // Locks the directory and reads or begins the file. A torn tail is cut off; a damaged file is
  // moved aside (checkpoint.log.damaged) and a new one begun; where that cannot be written, later
  // writes try again; notice() tells. kRejected: another process has the directory, the file is
  // another worker's, or it is no checkpoint.
  // `files` outlives this; nullptr means the system's.
  static common::Result<Checkpoint> Open(const std::string& directory,
                                         const common::WorkerId& worker,
                                         CheckpointLimits limits = {}, Files* files = nullptr);

  // What the file knows of a wallet.
  std::optional<WalletMark> Find(common::WalletId wallet) const;
  common::Term highest_term() const { return highest_term_; }
  const std::string& state_dir_id() const { return state_dir_id_; }
  // What happened while opening, for the log; empty: nothing worth a line.
  const std::string& notice() const { return notice_; }

  // Durable when it returns success: one sync for all of them. After a failure (no room, a failing
  // disk) the file on disk is as it was; what was noted is kept in memory, and the next call writes
  // all of it into a new file.
  common::Status Append(std::span<const WalletMark> marks);
  common::Status NoteTerm(common::Term term);

  std::uint64_t rewrites() const { return rewrites_; }
  std::size_t file_bytes() const { return file_bytes_; }

 private:
  Checkpoint(DirectoryLock lock, Files& files, std::string path, common::WorkerId worker,
             CheckpointLimits limits);

  common::Status Load();
  common::Status Begin();
  common::Status Write(const std::string& bytes);
  common::Status Rewrite();
  void Remember(const WalletMark& mark);

  // Constant after construction.
  DirectoryLock lock_;
  Files* files_;
  std::string path_;
  common::WorkerId worker_;
  CheckpointLimits limits_;

  std::string state_dir_id_;
  std::string notice_;
  common::Term highest_term_;
  std::map<std::uint64_t, WalletMark> marks_;                   // by age
  std::unordered_map<common::WalletId, std::uint64_t> newest_;  // place in marks_
  std::uint64_t next_mark_ = 0;
  std::size_t mark_bytes_ = 0;
  std::unique_ptr<AppendFile> file_;  // nullptr: it failed, the next write begins a new one
  std::size_t file_bytes_ = 0;
  std::uint64_t rewrites_ = 0;
};

// Reads a file without locking or changing it, for `seine checkpoint show`. Errors as
// DecodeCheckpoint, and kTransient where there is no such file.
common::Result<CheckpointContents> ReadCheckpoint(const std::string& path);

}  // namespace worker
