#include "common/postgres.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "common/migrate.h"
#include "common/postgres_copy.h"
#include "common/postgres_pool.h"
#include "tests/support/postgres_test.h"

namespace common {
namespace {

class PostgresConnectionTest : public tests::PostgresTest {};

TEST_F(PostgresConnectionTest, ParametersOfEveryTypeComeBack) {
  PgConnection connection = Connect();
  const auto rows =
      connection.Exec("SELECT $1 || '!', $2 + 1, $3 + 1, $4, $5::text, $6::int, NOT $7, $8 + 1",
                      PgParams()
                          .Text("caf\xC3\xA9")
                          .Int32(41)
                          .Int64(1LL << 40)
                          .Bytes(std::string_view("\0\xFF", 2))
                          .Null()
                          .Text("7")
                          .Bool(false)
                          .Int16(8));
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  EXPECT_EQ(rows->Text(0, 0), "caf\xC3\xA9!");
  EXPECT_EQ(rows->Int64(0, 1), 42);
  EXPECT_EQ(rows->Int64(0, 2), (1LL << 40) + 1);
  EXPECT_EQ(rows->Bytes(0, 3), std::string("\0\xFF", 2));
  EXPECT_TRUE(rows->IsNull(0, 4));
  EXPECT_EQ(rows->Int64(0, 5), 7);
  EXPECT_TRUE(rows->Bool(0, 6));
  EXPECT_EQ(rows->Int64(0, 7), 9);
}

TEST_F(PostgresConnectionTest, ArraysAreUnnestedInOrderWithNulls) {
  PgConnection connection = Connect();
  PgArray numbers = PgArray::OfInt64();
  numbers.Add(std::int64_t{-5});
  numbers.AddNull();
  PgArray chars = PgArray::OfChar();
  chars.Add('1');
  chars.Add('2');
  const auto rows = connection.Exec(
      "SELECT a, b, c, d, e FROM unnest($1, $2, $3, $4, $5) AS u(a, b, c, d, e)",
      PgParams().Array(numbers).Int32s({1, 2}).Texts({"x", ""}).BytesOf({"\x01", ""}).Array(chars));
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2);
  EXPECT_EQ(rows->Int64(0, 0), -5);
  EXPECT_TRUE(rows->IsNull(1, 0));
  EXPECT_EQ(rows->Int64(1, 1), 2);
  EXPECT_EQ(rows->Text(1, 2), "");
  EXPECT_EQ(rows->Bytes(0, 3), "\x01");
  EXPECT_EQ(rows->Text(1, 4), "2");
}

TEST_F(PostgresConnectionTest, EmptyArraysAndResultArraysWork) {
  PgConnection connection = Connect();
  const auto none = connection.Exec("SELECT unnest($1)", PgParams().Int32s({}));
  ASSERT_TRUE(none.has_value()) << none.error().message;
  EXPECT_TRUE(none->empty());
  const auto array = connection.Exec("SELECT '{3,-4,5}'::int[], '{}'::int[]");
  EXPECT_EQ(array->Int64s(0, 0), (std::vector<std::int64_t>{3, -4, 5}));
  EXPECT_TRUE(array->Int64s(0, 1).empty());
}

TEST_F(PostgresConnectionTest, FailuresCarryKindAndSqlstate) {
  PgConnection connection = Connect();
  const auto wrong = connection.Exec("SELECT nothing_there");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(connection.sqlstate(), "42703");
  EXPECT_NE(wrong.error().message.find("42703"), std::string::npos);
  EXPECT_TRUE(connection.healthy());
  EXPECT_EQ(KindOfSqlstate("40P01"), ErrorKind::kTransient);
  EXPECT_EQ(KindOfSqlstate("53300"), ErrorKind::kTransient);
  EXPECT_EQ(KindOfSqlstate("57014"), ErrorKind::kTransient);
  EXPECT_EQ(KindOfSqlstate("23505"), ErrorKind::kRejected);
}

TEST_F(PostgresConnectionTest, AKilledBackendIsTransient) {
  PgConnection connection = Connect();
  const auto backend = connection.Exec("SELECT pg_backend_pid()");
  Query("SELECT pg_terminate_backend(" + std::string(backend->Text(0, 0)) + ", 5000)");
  const auto lost = connection.Exec("SELECT 1");
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, ErrorKind::kTransient);
  EXPECT_FALSE(connection.healthy());
}

TEST(PostgresUrlTest, AnUnreadableUrlDoesNotShowItsPassword) {
  const auto connection = PgConnection::Open("postgresql://u:hunter2%zz@localhost/db");
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(connection.error().message.find("hunter2"), std::string::npos);
}

TEST(PostgresUrlTest, AnAbsentServerIsTransientAndDoesNotShowThePassword) {
  const auto connection = PgConnection::Open("postgresql://u:hunter2@/db?host=/nonexistent");
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(connection.error().message.find("hunter2"), std::string::npos);
}

TEST(PostgresUrlTest, EmbeddedMeansTheUrlInTheStateDirectory) {
  const std::string directory = tests::MakeServerDirectory("seine-url-");
  EXPECT_FALSE(ResolveDatabaseUrl("embedded", directory).has_value());
  std::filesystem::create_directories(directory + "/postgres");
  std::ofstream(directory + "/postgres/url") << "postgresql:///x\n";
  EXPECT_EQ(*ResolveDatabaseUrl("embedded", directory), "postgresql:///x");
  EXPECT_EQ(*ResolveDatabaseUrl("postgresql:///y", directory), "postgresql:///y");
  std::filesystem::remove_all(directory);
}

TEST_F(PostgresConnectionTest, AnUncommittedTransactionLeavesNothing) {
  PgConnection connection = Connect();
  {
    auto transaction = PgTransaction::Begin(connection);
    ASSERT_TRUE(connection.Exec("CREATE TABLE gone (x int)").has_value());
  }
  EXPECT_FALSE(connection.in_transaction());
  EXPECT_TRUE(Query("SELECT to_regclass('gone')").IsNull(0, 0));
}

TEST_F(PostgresConnectionTest, CommitOfAFailedTransactionIsAnError) {
  PgConnection connection = Connect();
  auto transaction = PgTransaction::Begin(connection);
  EXPECT_FALSE(connection.Exec("SELECT nothing_there").has_value());
  EXPECT_FALSE(transaction->Commit().has_value());
}

TEST_F(PostgresConnectionTest, CopyWritesRowsAndTellsTheirNumber) {
  PgConnection connection = Connect();
  ASSERT_TRUE(connection.Exec("CREATE TABLE c (a int, b bytea, d bigint)").has_value());
  auto copy = PgCopyIn::Start(connection, "COPY c FROM STDIN (FORMAT binary)");
  ASSERT_TRUE(copy.has_value());
  constexpr int kRows = 10'000;  // more than one send
  for (int row = 0; row < kRows; ++row) {
    copy->BeginRow(3);
    copy->Field(std::int32_t{row});
    copy->BytesField("xyz");
    copy->NullField();
    ASSERT_TRUE(copy->EndRow().has_value());
  }
  const auto copied = copy->Finish();
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  EXPECT_EQ(*copied, kRows);
  EXPECT_EQ(QueryInt("SELECT sum(a) FROM c WHERE b = 'xyz' AND d IS NULL"),
            std::int64_t{kRows} * (kRows - 1) / 2);
}

TEST_F(PostgresConnectionTest, AFailedCopyLeavesTheConnectionUsable) {
  PgConnection connection = Connect();
  ASSERT_TRUE(connection.Exec("CREATE TABLE c (a int PRIMARY KEY)").has_value());
  auto copy = PgCopyIn::Start(connection, "COPY c FROM STDIN (FORMAT binary)");
  for (int row = 0; row < 2; ++row) {
    copy->BeginRow(1);
    copy->Field(std::int32_t{7});
  }
  ASSERT_FALSE(copy->Finish().has_value());
  EXPECT_EQ(connection.sqlstate(), kUniqueViolation);
  { auto given_up = PgCopyIn::Start(connection, "COPY c FROM STDIN (FORMAT binary)"); }
  EXPECT_TRUE(connection.Exec("SELECT 1").has_value());
}

class MigrateTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (server_ != nullptr) url_ = server_->CreateEmptyDatabase();
  }
};

constexpr Migration kFirst = {"0001_first", "aaaa", "CREATE TABLE one (x int);"};
constexpr Migration kSecond = {"0002_second", "bbbb", "CREATE TABLE two (x int); SELECT 1;"};

TEST_F(MigrateTest, AppliesWhatIsMissingOnce) {
  PgConnection connection = Connect();
  const Migration one[] = {kFirst};
  const Migration both[] = {kFirst, kSecond};
  EXPECT_TRUE(Migrate(connection, one).has_value());
  EXPECT_TRUE(Migrate(connection, both).has_value());
  EXPECT_TRUE(Migrate(connection, both).has_value());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM schema_migration"), 2);
}

TEST_F(MigrateTest, AChangedMigrationIsNamed) {
  PgConnection connection = Connect();
  const Migration one[] = {kFirst};
  ASSERT_TRUE(Migrate(connection, one).has_value());
  const Migration changed[] = {{"0001_first", "cccc", "CREATE TABLE one (y int);"}};
  const Status refused = Migrate(connection, changed);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_NE(refused.error().message.find("0001_first"), std::string::npos);
}

TEST_F(MigrateTest, AnUnknownMigrationIsNamed) {
  PgConnection connection = Connect();
  const Migration both[] = {kFirst, kSecond};
  ASSERT_TRUE(Migrate(connection, both).has_value());
  const Migration one[] = {kFirst};
  const Status refused = Migrate(connection, one);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("0002_second"), std::string::npos);
}

TEST_F(MigrateTest, AFailedMigrationLeavesNothing) {
  PgConnection connection = Connect();
  const Migration broken[] = {{"0001_broken", "dddd", "CREATE TABLE half (x int); SELECT oops;"}};
  EXPECT_FALSE(Migrate(connection, broken).has_value());
  EXPECT_TRUE(Query("SELECT to_regclass('half')").IsNull(0, 0));
}

TEST_F(MigrateTest, RacingStartersAllSucceed) {
  std::atomic<int> succeeded = 0;
  std::vector<std::jthread> starters;
  for (int i = 0; i < 6; ++i) {
    starters.emplace_back([&] {
      PgConnection connection = Connect();
      const Status migrated = Migrate(connection);
      if (migrated) ++succeeded;
    });
  }
  starters.clear();
  EXPECT_EQ(succeeded, 6);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM schema_migration"),
            static_cast<std::int64_t>(EmbeddedMigrations().size()));
}

class PostgresServerTest : public tests::PostgresTest {};

TEST_F(PostgresServerTest, CommittedRowsSurviveKill9AndRestart) {
  Query("CREATE TABLE kept AS SELECT 5 AS x");
  Query("CHECKPOINT");
  server_->Kill9();
  EXPECT_FALSE(PgConnection::Open(url_).has_value());
  const Status restarted = server_->Restart();
  ASSERT_TRUE(restarted.has_value()) << restarted.error().message;
  EXPECT_EQ(QueryInt("SELECT x FROM kept"), 5);
}

class PostgresPoolTest : public tests::PostgresTest {
 protected:
  static std::string Session(PgPool& pool) {
    auto loan = pool.Borrow();
    EXPECT_TRUE(loan.has_value());
    return std::string(loan->Exec("SELECT pg_backend_pid()")->Text(0, 0));
  }
};

TEST_F(PostgresPoolTest, AConnectionIsUsedAgain) {
  PgPool pool(url_);
  const std::string first = Session(pool);
  EXPECT_EQ(Session(pool), first);
  auto one = pool.Borrow();
  auto other = pool.Borrow();
  EXPECT_NE(one->Exec("SELECT pg_backend_pid()")->Text(0, 0),
            other->Exec("SELECT pg_backend_pid()")->Text(0, 0));
}

TEST_F(PostgresPoolTest, ABrokenOneIsNotLentAgain) {
  PgPool pool(url_);
  const std::string first = Session(pool);
  Query("SELECT pg_terminate_backend(" + first + ")");
  while (QueryInt("SELECT count(*) FROM pg_stat_activity WHERE pid = " + first) > 0) {
    std::this_thread::yield();
  }
  EXPECT_NE(Session(pool), first);
  {
    auto loan = pool.Borrow();
    ASSERT_TRUE(loan->Exec("BEGIN").has_value());
  }
  EXPECT_EQ(pool.Borrow()->Exec("SELECT pg_current_xact_id_if_assigned()")->size(), 1);
}

}  // namespace
}  // namespace common
