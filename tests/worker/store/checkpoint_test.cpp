#include "worker/checkpoint.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace worker {
namespace {

namespace fs = std::filesystem;

const common::WorkerId kWorker{"worker-1"};

WalletMark Mark(int wallet, int n = 1) {
  return {.run = common::RunId{3},
          .chunk = common::ChunkId{40},
          .epoch = common::Epoch{500},
          .wallet = common::WalletId{wallet},
          .state = store::WalletState::kSyncing,
          .cursor = {common::Source::kDataApi, 1, 1'700'000'000 + n, fmt::format("page {}", n)}};
}

// The system's files, until an operation is told to fail.
class FaultyFiles final : public Files {
 public:
  class File final : public AppendFile {
   public:
    File(std::unique_ptr<AppendFile> file, FaultyFiles& owner)
        : file_(std::move(file)), owner_(owner) {}
    common::Status Append(std::string_view bytes) override {
      if (owner_.room < bytes.size()) {  // as a full disk: a part is written
        const common::Status part = file_->Append(bytes.substr(0, owner_.room));
        owner_.room = 0;
        return Fault("no space left");
      }
      owner_.room -= bytes.size();
      return file_->Append(bytes);
    }
    common::Status Sync() override {
      EXPECT_FALSE(has_failed_) << "a failed sync was tried again on the same descriptor";
      if (!owner_.sync_fails) return common::Done{};  // the disk's time is not tested here
      has_failed_ = true;
      return Fault("input/output error");
    }

   private:
    std::unique_ptr<AppendFile> file_;
    FaultyFiles& owner_;
    bool has_failed_ = false;
  };

  common::Result<std::optional<std::string>> Read(const std::string& path) override {
    return system_.Read(path);
  }
  common::Result<std::unique_ptr<AppendFile>> Create(const std::string& path) override {
    return Wrap(system_.Create(path));
  }
  common::Result<std::unique_ptr<AppendFile>> Continue(const std::string& path,
                                                       std::size_t size) override {
    return Wrap(system_.Continue(path, size));
  }
  common::Status Rename(const std::string& from, const std::string& to) override {
    if (rename_fails) return Fault("read-only");
    return system_.Rename(from, to);
  }
  void Remove(const std::string& path) override { system_.Remove(path); }

  std::size_t room = std::size_t{1} << 40U;
  bool sync_fails = false;
  bool rename_fails = false;

 private:
  static common::Error Fault(const char* what) { return {common::ErrorKind::kTransient, what}; }
  common::Result<std::unique_ptr<AppendFile>> Wrap(
      common::Result<std::unique_ptr<AppendFile>> file) {
    if (!file) return file.error();
    return std::unique_ptr<AppendFile>(new File(std::move(*file), *this));
  }
  SystemFiles system_;
};

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    std::string path = (fs::temp_directory_path() / "seine-checkpoint-XXXXXX").string();
    directory_ = mkdtemp(path.data());
    path_ = directory_ + "/checkpoint.log";
  }
  ~CheckpointTest() override { fs::remove_all(directory_); }

  Checkpoint Open(CheckpointLimits limits = {}) {
    common::Result<Checkpoint> opened = Checkpoint::Open(directory_, kWorker, limits, &files_);
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().message);
    return std::move(*opened);
  }
  static void Append(Checkpoint& checkpoint, const std::vector<WalletMark>& marks) {
    const common::Status done = checkpoint.Append(marks);
    EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
  }
  std::string Bytes() const { return **SystemFiles().Read(path_); }
  void SetBytes(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  CheckpointContents Contents() const { return *ReadCheckpoint(path_); }

  FaultyFiles files_;
  std::string directory_;
  std::string path_;
};

TEST_F(CheckpointTest, WhatWasNotedIsFoundAfterAReopening) {
  std::string id;
  {
    Checkpoint checkpoint = Open();
    id = checkpoint.state_dir_id();
    Append(checkpoint, {Mark(1), Mark(2)});
    Append(checkpoint, {Mark(1, 9)});
    EXPECT_TRUE(checkpoint.NoteTerm(common::Term{7}).has_value());
    EXPECT_TRUE(checkpoint.NoteTerm(common::Term{5}).has_value());
  }
  const Checkpoint checkpoint = Open();
  EXPECT_EQ(checkpoint.Find(common::WalletId{1}), Mark(1, 9));
  EXPECT_EQ(checkpoint.Find(common::WalletId{2}), Mark(2));
  EXPECT_EQ(checkpoint.Find(common::WalletId{3}), std::nullopt);
  EXPECT_EQ(checkpoint.highest_term().value, 7);
  EXPECT_EQ(checkpoint.state_dir_id(), id);
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(checkpoint.notice(), "");
}

TEST_F(CheckpointTest, OnlyItsOwnerMayReadIt) {
  Open();
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(CheckpointTest, ADirectoryIsForOneProcess) {
  const Checkpoint checkpoint = Open();
  const common::Result<Checkpoint> second = Checkpoint::Open(directory_, kWorker);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, common::ErrorKind::kRejected);
}

TEST_F(CheckpointTest, TruncatedAtEveryByteItKeepsTheWholeRecordsBefore) {
  {
    Checkpoint checkpoint = Open();
    for (int wallet = 1; wallet <= 5; ++wallet) Append(checkpoint, {Mark(wallet)});
  }
  const std::string whole = Bytes();
  std::size_t last = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    SetBytes(whole.substr(0, size));
    Checkpoint checkpoint = Open();
    std::size_t kept = 0;
    while (checkpoint.Find(common::WalletId{static_cast<int>(kept) + 1}).has_value()) ++kept;
    EXPECT_GE(kept, last);
    last = kept;
    Append(checkpoint, {Mark(77)});
    EXPECT_EQ(Contents().wallets.size(), kept + 1);
    EXPECT_EQ(Contents().torn_bytes, 0U);
  }
  EXPECT_EQ(last, 4U);
}

TEST_F(CheckpointTest, WithAnyByteFlippedItNeverTellsWhatWasNotWritten) {
  {
    Checkpoint checkpoint = Open();
    for (int wallet = 1; wallet <= 4; ++wallet) Append(checkpoint, {Mark(wallet)});
  }
  const std::string whole = Bytes();
  int damaged = 0;
  int torn = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x41);
    SetBytes(flipped);
    const Checkpoint checkpoint = Open();
    for (int wallet = 1; wallet <= 4; ++wallet) {
      const std::optional<WalletMark> mark = checkpoint.Find(common::WalletId{wallet});
      EXPECT_TRUE(!mark.has_value() || *mark == Mark(wallet)) << "byte " << at;
    }
    EXPECT_NE(checkpoint.notice(), "") << "byte " << at;
    const bool is_aside = fs::remove(path_ + ".damaged");
    damaged += is_aside ? 1 : 0;
    torn += is_aside ? 0 : 1;
    EXPECT_TRUE(ReadCheckpoint(path_).has_value());
  }
  EXPECT_GT(damaged, torn);
  EXPECT_GT(torn, 0);  // the last record
}

TEST_F(CheckpointTest, AForeignFileIsRefusedAndLeftAlone) {
  SetBytes("#!/bin/sh\nprecious\n");
  const common::Result<Checkpoint> opened = Checkpoint::Open(directory_, kWorker);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind, common::ErrorKind::kRejected);
  EXPECT_EQ(Bytes(), "#!/bin/sh\nprecious\n");
}

TEST_F(CheckpointTest, AnotherWorkersFileIsRefused) {
  { const auto other = Checkpoint::Open(directory_, common::WorkerId{"worker-2"}); }
  const common::Result<Checkpoint> opened = Checkpoint::Open(directory_, kWorker);
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().message.find("worker-2"), std::string::npos);
}

TEST_F(CheckpointTest, AFullDiskKeepsThePreviousFileAndLosesNothing) {
  Checkpoint checkpoint = Open();
  Append(checkpoint, {Mark(1), Mark(2)});
  files_.room = 20;
  EXPECT_FALSE(checkpoint.Append(std::vector{Mark(3)}).has_value());
  EXPECT_FALSE(checkpoint.Append(std::vector{Mark(4)}).has_value());
  EXPECT_EQ(Contents().wallets.size(), 2U);
  EXPECT_FALSE(fs::exists(path_ + ".new"));
  files_.room = 1'000'000;
  Append(checkpoint, {Mark(5)});
  EXPECT_EQ(Contents().wallets.size(), 5U);
  EXPECT_EQ(Contents().torn_bytes, 0U);
}

TEST_F(CheckpointTest, AfterAFailedSyncANewFileIsWritten) {
  Checkpoint checkpoint = Open();
  Append(checkpoint, {Mark(1)});
  files_.sync_fails = true;
  EXPECT_FALSE(checkpoint.Append(std::vector{Mark(2)}).has_value());
  EXPECT_FALSE(checkpoint.Append(std::vector{Mark(3)}).has_value());
  files_.sync_fails = false;
  const std::uint64_t rewrites = checkpoint.rewrites();
  Append(checkpoint, {Mark(4)});
  EXPECT_EQ(checkpoint.rewrites(), rewrites + 1);
  EXPECT_EQ(Contents().wallets.size(), 4U);
}

TEST_F(CheckpointTest, AFailedRenameKeepsThePreviousFile) {
  Checkpoint checkpoint = Open({.compact_at_bytes = 400, .keep_bytes = 10'000});
  Append(checkpoint, {Mark(1)});
  files_.rename_fails = true;
  EXPECT_FALSE(checkpoint.Append(std::vector{Mark(2), Mark(3), Mark(4), Mark(5)}).has_value());
  EXPECT_EQ(Contents().wallets.size(), 1U);
}

TEST_F(CheckpointTest, StartsWithoutRoomAndWritesLater) {
  files_.room = 3;
  Checkpoint checkpoint = Open();
  EXPECT_EQ(checkpoint.notice(), "no space left");
  files_.room = 1'000'000;
  Append(checkpoint, {Mark(1)});
  EXPECT_EQ(Contents().wallets.size(), 1U);
}

TEST_F(CheckpointTest, GrownItIsRewrittenWithTheNewestMarks) {
  constexpr int kWallets = 50;
  {
    Checkpoint checkpoint = Open({.compact_at_bytes = 20'000, .keep_bytes = 100'000});
    for (int n = 0; n < 1000; ++n) Append(checkpoint, {Mark(1 + n % kWallets, n)});
    EXPECT_GT(checkpoint.rewrites(), 2U);
    EXPECT_LE(checkpoint.file_bytes(), 20'000U);
    EXPECT_EQ(fs::file_size(path_), checkpoint.file_bytes());
  }
  const Checkpoint checkpoint = Open();
  for (int wallet = 1; wallet <= kWallets; ++wallet) {
    EXPECT_EQ(checkpoint.Find(common::WalletId{wallet}), Mark(wallet, 949 + wallet));
  }
}

TEST_F(CheckpointTest, MarksWrittenLongAgoGiveWay) {
  Checkpoint checkpoint = Open({.compact_at_bytes = 20'000, .keep_bytes = 2'000});
  for (int wallet = 1; wallet <= 300; ++wallet) Append(checkpoint, {Mark(wallet)});
  EXPECT_FALSE(checkpoint.Find(common::WalletId{1}).has_value());
  EXPECT_TRUE(checkpoint.Find(common::WalletId{300}).has_value());
}

TEST_F(CheckpointTest, ReadingAMissingFileSaysSo) {
  const common::Result<CheckpointContents> contents = ReadCheckpoint(path_);
  ASSERT_FALSE(contents.has_value());
  EXPECT_NE(contents.error().message.find("missing"), std::string::npos);
}

}  // namespace
}  // namespace worker
