#include "worker/checkpoint.h"

#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/random.h"

namespace worker {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::Result;
using common::Status;

// What a mark takes in memory and on disk, roughly.
std::size_t SizeOf(const WalletMark& mark) {
  return 96 + mark.cursor.position.size();
}

std::string NewStateDirId() {
  common::Random random(common::EntropySeed());
  const std::uint64_t high = random.Next();
  return fmt::format("{:016x}{:016x}", high, random.Next());
}

Files& TheSystemsFiles() {
  static SystemFiles files;  // stateless
  return files;
}

}  // namespace

Checkpoint::Checkpoint(DirectoryLock lock, Files& files, std::string path, common::WorkerId worker,
                       CheckpointLimits limits)
    : lock_(std::move(lock)),
      files_(&files),
      path_(std::move(path)),
      worker_(std::move(worker)),
      limits_(limits),
      state_dir_id_(NewStateDirId()) {}

Result<Checkpoint> Checkpoint::Open(const std::string& directory, const common::WorkerId& worker,
                                    CheckpointLimits limits, Files* files) {
  Result<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock) return lock.error();
  Checkpoint checkpoint(std::move(*lock), files == nullptr ? TheSystemsFiles() : *files,
                        directory + "/checkpoint.log", worker, limits);
  if (const Status loaded = checkpoint.Load(); !loaded) return loaded.error();
  return checkpoint;
}

Status Checkpoint::Load() {
  const Result<std::optional<std::string>> bytes = files_->Read(path_);
  if (!bytes) return bytes.error();
  if (!bytes->has_value()) return Begin();
  const Result<CheckpointContents> contents = DecodeCheckpoint(**bytes);
  if (!contents && contents.error().kind == ErrorKind::kMalformed) {
    const std::string aside = path_ + ".damaged";
    notice_ =
        fmt::format("{}: {}; moved to {} and begun anew", path_, contents.error().message, aside);
    if (Status moved = files_->Rename(path_, aside); !moved) return moved;
    return Begin();
  }
  if (!contents) {
    return Error{contents.error().kind, fmt::format("{}: {}", path_, contents.error().message)};
  }
  if (contents->good_bytes == 0) return Begin();
  if (contents->worker != worker_) {
    return Error{ErrorKind::kRejected, fmt::format("{} belongs to worker {}, not to {}", path_,
                                                   contents->worker.value, worker_.value)};
  }
  state_dir_id_ = contents->state_dir_id;
  highest_term_ = contents->highest_term;
  for (const WalletMark& mark : contents->wallets) Remember(mark);
  if (contents->torn_bytes > 0) {
    notice_ = fmt::format("{}: cut off {} torn bytes at its end", path_, contents->torn_bytes);
  }
  Result<std::unique_ptr<AppendFile>> file = files_->Continue(path_, contents->good_bytes);
  if (file.has_value()) {
    file_ = std::move(*file);
    file_bytes_ = contents->good_bytes;
  } else {
    notice_ = file.error().message;
  }
  return Done{};
}

// A worker can live without its cache: no room now is only worth a line.
Status Checkpoint::Begin() {
  if (const Status begun = Rewrite(); !begun) notice_ = begun.error().message;
  return Done{};
}

std::optional<WalletMark> Checkpoint::Find(common::WalletId wallet) const {
  const auto found = newest_.find(wallet);
  if (found == newest_.end()) return std::nullopt;
  return marks_.at(found->second);
}

// The marks written longest ago give way: their chunks are over, or the database tells.
void Checkpoint::Remember(const WalletMark& mark) {
  const auto forget = [&](std::map<std::uint64_t, WalletMark>::iterator place) {
    mark_bytes_ -= SizeOf(place->second);
    marks_.erase(place);
  };
  const auto [known, is_new] = newest_.try_emplace(mark.wallet, next_mark_);
  if (!is_new) forget(marks_.find(known->second));
  known->second = next_mark_;
  marks_.emplace(next_mark_++, mark);
  mark_bytes_ += SizeOf(mark);
  while (mark_bytes_ > limits_.keep_bytes && marks_.size() > 1) {
    newest_.erase(marks_.begin()->second.wallet);
    forget(marks_.begin());
  }
}

Status Checkpoint::Append(std::span<const WalletMark> marks) {
  if (marks.empty()) return Done{};
  std::string bytes;
  for (const WalletMark& mark : marks) {
    Remember(mark);
    bytes += EncodeMark(mark);
  }
  return Write(bytes);
}

Status Checkpoint::NoteTerm(common::Term term) {
  if (term <= highest_term_) return Done{};
  highest_term_ = term;
  return Write(EncodeTerm(term));
}

Status Checkpoint::Write(const std::string& bytes) {
  if (common::Failpoint("checkpoint_before_append")) {
    return Error{ErrorKind::kTransient, "failpoint checkpoint_before_append"};
  }
  if (file_ == nullptr || file_bytes_ + bytes.size() > limits_.compact_at_bytes) return Rewrite();
  Status done = file_->Append(bytes);
  if (done.has_value()) done = file_->Sync();
  if (!done.has_value()) {
    // The descriptor is given up for good; what it left behind is a torn tail to any reader.
    file_.reset();
    return done;
  }
  file_bytes_ += bytes.size();
  return Done{};
}

// Written beside, made durable, then put in place: the old file stays whole until the new one is.
Status Checkpoint::Rewrite() {
  std::string bytes = EncodeHeader(worker_, state_dir_id_);
  if (highest_term_.value != 0) bytes += EncodeTerm(highest_term_);
  for (const auto& [age, mark] : marks_) bytes += EncodeMark(mark);
  const std::string temporary = path_ + ".new";
  file_.reset();
  Result<std::unique_ptr<AppendFile>> file = files_->Create(temporary);
  if (!file) return file.error();
  Status done = (*file)->Append(bytes);
  if (done.has_value()) done = (*file)->Sync();
  if (done.has_value()) done = files_->Rename(temporary, path_);
  if (!done.has_value()) {
    files_->Remove(temporary);
    return done;
  }
  file_ = std::move(*file);
  file_bytes_ = bytes.size();
  ++rewrites_;
  return Done{};
}

Result<CheckpointContents> ReadCheckpoint(const std::string& path) {
  const Result<std::optional<std::string>> bytes = SystemFiles().Read(path);
  if (!bytes) return bytes.error();
  if (!bytes->has_value()) return Error{ErrorKind::kTransient, fmt::format("{} is missing", path)};
  return DecodeCheckpoint(**bytes);
}

}  // namespace worker
