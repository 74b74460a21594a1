#include "cli/embedded_postgres.h"

#include <csignal>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/files.h"
#include "common/postgres.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/needed.h"

namespace cli {
namespace {

class EmbeddedPostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!FindPostgresPrograms()) GTEST_SKIP() << tests::NotInstalled("PostgreSQL").message;
    Place(folder_.path() / "runtime");
  }
  void TearDown() override {
    if (server_) {
      EXPECT_TRUE(server_->Stop());
    }
  }

  void Place(const std::filesystem::path& path) {
    state_.emplace(*StateDir::Open(path.string()));
    server_.emplace(*state_);
  }
  void Start() {
    const common::Status started = server_->Start([](const std::string&) {});
    ASSERT_TRUE(started) << started.error().message;
  }
  std::int64_t Count(const char* sql) {
    common::Result<common::PgConnection> connection = common::PgConnection::Open(server_->url());
    if (!connection) return -1;
    const auto rows = connection->Exec(sql);
    return rows ? rows->Int64(0, 0) : -1;
  }
  void Execute(const char* sql) {
    common::Result<common::PgConnection> connection = common::PgConnection::Open(server_->url());
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->Exec(sql));
  }

  TemporaryFolder folder_;
  std::optional<StateDir> state_;
  std::optional<EmbeddedPostgres> server_;
};

TEST_F(EmbeddedPostgresTest, StartsMigratesStopsAndStartsAgain) {
  Start();
  EXPECT_EQ(Count("SELECT count(*) FROM trades_raw"), 0);
  EXPECT_EQ(*ReadFile(state_->database_url()), server_->url() + "\n");
  Execute("CREATE TABLE kept AS SELECT 7 AS n");
  ASSERT_TRUE(server_->Stop());
  EXPECT_FALSE(server_->Find());
  Start();
  EXPECT_EQ(Count("SELECT n FROM kept"), 7);
}

TEST_F(EmbeddedPostgresTest, StartingTwiceIsStartingOnce) {
  Start();
  const auto first = server_->Find();
  Start();
  EXPECT_EQ(server_->Find(), first);
}

TEST_F(EmbeddedPostgresTest, ComesBackAfterKillNine) {
  Start();
  Execute("CREATE TABLE kept AS SELECT 7 AS n");
  const auto process = server_->Find();
  ASSERT_TRUE(process);
  SendSignal(*process, SIGKILL);
  ASSERT_TRUE(WaitForEnd(*process, std::chrono::seconds(5)));
  Start();
  EXPECT_NE(server_->Find(), process);
  EXPECT_EQ(Count("SELECT n FROM kept"), 7);
}

TEST_F(EmbeddedPostgresTest, ComesBackWhileTheRemainsOfTheDeadOneAreThere) {
  Start();
  const auto process = server_->Find();
  ASSERT_TRUE(process);
  SendSignal(*process, SIGKILL);
  while (IsAlive(*process)) std::this_thread::yield();  // and nobody reaps it
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  common::Result<ProcessId> again = server_->Launch();
  while (!common::PgConnection::Open(server_->url())) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << Tail(server_->log(), 3);
    if (again && !IsAlive(*again)) again = server_->Launch();
  }
  EXPECT_TRUE(WaitForEnd(*process, std::chrono::seconds(0)));
}

TEST_F(EmbeddedPostgresTest, ALockFileThatNamesSomebodyElseIsStale) {
  Start();
  ASSERT_TRUE(server_->Stop());
  std::ofstream(folder_.path() / "runtime/postgres/data/postmaster.pid") << getpid() << "\n";
  Start();
}

TEST_F(EmbeddedPostgresTest, LivesBelowAFolderThatOnlyRootMayEnter) {
  if (geteuid() != 0) GTEST_SKIP() << "only root keeps a folder from the user postgres";
  const std::filesystem::path closed = folder_.path() / "closed";
  std::filesystem::create_directory(closed);
  std::filesystem::permissions(closed, std::filesystem::perms(0700));
  Place(closed / "runtime");
  Start();
  EXPECT_EQ(Count("SELECT count(*) FROM trades_raw"), 0);
}

TEST_F(EmbeddedPostgresTest, ALongPathPutsTheSocketElsewhere) {
  Place(folder_.path() / std::string(100, 'x') / "runtime");
  EXPECT_EQ(server_->socket_folder().parent_path(), "/tmp");
  Start();
  EXPECT_EQ(Count("SELECT count(*) FROM trades_raw"), 0);
  ASSERT_TRUE(server_->Stop());
  EXPECT_FALSE(std::filesystem::exists(server_->socket_folder()));
}

TEST_F(EmbeddedPostgresTest, LoadsAreSafeByDefault) {
  Start();
  EXPECT_EQ(Count("SELECT count(*) FROM pg_settings WHERE (name, setting) IN "
                  "(('synchronous_commit','on'),('fsync','on'),('full_page_writes','on'),"
                  "('listen_addresses',''),('max_wal_size','8192'))"),
            5);
}

}  // namespace
}  // namespace cli
