#include "proto/keys.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/proto/temp_folder.h"

namespace proto {
namespace {

namespace fs = std::filesystem;
using common::WorkerId;

const WorkerId kSomeWorker{"w-1"};

class KeysTest : public ::testing::Test {
 protected:
  KeysTest() { EXPECT_TRUE(keys_.Init()); }

  static mode_t ModeOf(const fs::path& file) {
    struct stat about {};
    EXPECT_EQ(stat(file.c_str(), &about), 0) << file;
    return about.st_mode & 0777U;
  }

  TempFolder folder_;
  KeyFolder keys_{folder_.path() / "keys"};
};

TEST_F(KeysTest, SecretsAreForTheirOwnerAlone) {
  ASSERT_TRUE(keys_.AddWorker(kSomeWorker));
  EXPECT_EQ(ModeOf(keys_.path()), 0700U);
  EXPECT_EQ(ModeOf(keys_.path() / "coordinator.key"), 0600U);
  EXPECT_EQ(ModeOf(keys_.path() / "workers" / "w-1.key"), 0600U);
  EXPECT_EQ(ModeOf(keys_.path() / "authorized" / "w-1.pub"), 0644U);
}

TEST_F(KeysTest, ASecretThatOthersCanReadIsRefused) {
  fs::permissions(keys_.path() / "coordinator.key", fs::perms::group_read, fs::perm_options::add);
  const auto pair = keys_.ReadCoordinator();
  ASSERT_FALSE(pair);
  EXPECT_NE(pair.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(KeysTest, PublicKeyBelongsToTheSecretOne) {
  const auto pair = keys_.ReadCoordinator();
  ASSERT_TRUE(pair);
  EXPECT_EQ(*ReadPublicKey(keys_.path() / "coordinator.pub"), pair->public_z85);
  EXPECT_NE(pair->public_z85, pair->secret_z85);
}

TEST_F(KeysTest, DoingItAgainKeepsTheKeys) {
  ASSERT_TRUE(keys_.AddWorker(kSomeWorker));
  const auto before = keys_.ReadClient(kSomeWorker, "");
  ASSERT_TRUE(keys_.Init());
  ASSERT_TRUE(keys_.AddWorker(kSomeWorker));
  const auto after = keys_.ReadClient(kSomeWorker, "");
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->own.secret_z85, after->own.secret_z85);
  EXPECT_EQ(before->server_public_z85, after->server_public_z85);
}

TEST_F(KeysTest, TheListNamesWhoIsAuthorised) {
  ASSERT_TRUE(keys_.AddWorker(kSomeWorker));
  ASSERT_TRUE(keys_.AddWorker(WorkerId{"w-2"}));
  ASSERT_TRUE(keys_.Revoke(kSomeWorker));
  EXPECT_FALSE(keys_.Revoke(kSomeWorker));
  const auto list = keys_.ReadAllowList();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->begin()->second.value, "w-2");
}

TEST_F(KeysTest, AKeyIsOneWorkersOnly) {
  ASSERT_TRUE(keys_.AddWorker(kSomeWorker));
  const std::string key = keys_.ReadClient(kSomeWorker, "")->own.public_z85;
  EXPECT_FALSE(keys_.Authorise(WorkerId{"w-2"}, key));
  EXPECT_TRUE(keys_.Authorise(kSomeWorker, key));
  EXPECT_FALSE(keys_.Authorise(kSomeWorker, "nonsense"));
}

TEST_F(KeysTest, AFileThatIsNoKeyAuthorisesNobody) {
  ASSERT_TRUE(keys_.AddWorker(kSomeWorker));
  std::ofstream(keys_.path() / "authorized" / "w-2.pub") << "nonsense\n";
  std::ofstream(keys_.path() / "authorized" / "readme.txt") << "hello\n";
  EXPECT_EQ(keys_.ReadAllowList()->size(), 1U);
}

TEST_F(KeysTest, MissingKeysAreAnErrorThatNamesTheFile) {
  const auto client = keys_.ReadClient(WorkerId{"absent"}, "");
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message.find("absent.key"), std::string::npos);
}

}  // namespace
}  // namespace proto
