// What an audit chooses, on a real PostgreSQL.
#include <cstdlib>
#include <optional>
#include <set>

#include "cli/audit_wallets.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/state_dir.h"
#include "tests/cli/scripted_coordinator.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/postgres_test.h"

namespace cli {
namespace {

class AuditTest : public tests::PostgresTest {
 protected:
  void AddWallets(int count) {
    Query(
        "INSERT INTO wallet (address, discovered_by) SELECT "
        "decode(lpad(to_hex(n), 40, '0'), 'hex'), 'list' FROM generate_series(1, " +
        std::to_string(count) + ") n");
  }
  // Beside an upstream that knows nothing.
  int Run(Options options) {
    unsetenv("SEINE_API_KEY");
    options.state_dir = folder_.path().string();
    options.http = scripted_.address();
    options.database = url_;
    options.data_url = options.gamma_url = "http://" + scripted_.address();
    const StateDir state = *StateDir::Open(options.state_dir);
    EXPECT_TRUE(WriteFile(state.admin_key(), ScriptedCoordinator::kApiKey));
    ::testing::internal::CaptureStdout();
    const int code = Audit(options);
    out_ = ::testing::internal::GetCapturedStdout();
    return code;
  }
  std::set<std::string> Sample(int most) {
    const auto wallets = SampleWallets(connection(), most);
    EXPECT_TRUE(wallets.has_value()) << wallets.error().message;
    return {wallets->begin(), wallets->end()};
  }
  common::PgConnection& connection() {
    if (!connection_) connection_.emplace(Connect());
    return *connection_;
  }

  const TemporaryFolder folder_;
  ScriptedCoordinator scripted_;
  std::string out_;

 private:
  std::optional<common::PgConnection> connection_;
};

TEST_F(AuditTest, CompletedWalletsAreDrawnAndNoOthers) {
  AddWallets(40);
  Query(
      "INSERT INTO wallet_sync (wallet_id, status) SELECT wallet_id, wallet_id % 4 FROM wallet "
      "WHERE wallet_id <= 32");
  EXPECT_EQ(Sample(100).size(), 8U);
  EXPECT_EQ(Sample(3).size(), 3U);
  // Ranges have told what no sync has touched.
  Query("INSERT INTO coverage VALUES (3, 1, 500, 250)");
  EXPECT_EQ(Sample(100).size(), 24U);
}

TEST_F(AuditTest, ASampleCostsWhatItDraws) {
  AddWallets(3000);
  Query("INSERT INTO wallet_sync (wallet_id, status) SELECT wallet_id, 2 FROM wallet");
  Query("INSERT INTO coverage VALUES (3, 1, 500, 250)");
  Query("ANALYZE");
  ASSERT_TRUE(connection().ExecScript("BEGIN").has_value());
  EXPECT_EQ(Sample(5).size(), 5U);
  const auto looks = connection().Exec(
      "SELECT sum(seq_scan + coalesce(idx_scan, 0))::bigint FROM pg_stat_xact_user_tables "
      "WHERE relname IN ('coverage', 'wallet_cursor', 'wallet_due')");
  ASSERT_TRUE(looks.has_value());
  EXPECT_LT(looks->Int64(0, 0), 100);
}

TEST_F(AuditTest, OneThatBeginsByItselfLeavesConditionsOut) {
  Query(
      "INSERT INTO market (condition_id, volume, volume_fed) VALUES "
      "(decode(repeat('01', 32), 'hex'), 5, 5)");
  scripted_.AnswerPost("/api/admin/audit", 200, R"({"due":true})");
  Options options;
  options.is_scheduled = true;
  options.sample = 100;
  EXPECT_EQ(Run(options), kDone);
  options.is_scheduled = false;
  EXPECT_EQ(Run(options), kIncomplete) << "the condition, which nobody tells of";
}

TEST_F(AuditTest, ASampleIsDrawnBesideNamedConditions) {
  AddWallets(3);
  Query("INSERT INTO wallet_sync (wallet_id, status) SELECT wallet_id, 2 FROM wallet");
  Options options;
  options.conditions = {"0x" + std::string(64, '1')};
  options.is_json = true;
  Run(options);
  EXPECT_EQ(out_.find("0x0000"), std::string::npos) << out_;
  options.sample = 2;
  EXPECT_EQ(Run(options), kIncomplete) << "wallets, which nobody tells of";
  EXPECT_NE(out_.find("0x0000"), std::string::npos) << out_;
}

TEST_F(AuditTest, ConditionsAreDrawnBesideNamedOnesWhereThatIsAskedFor) {
  Query(
      "INSERT INTO market (condition_id, volume, volume_fed) "
      "SELECT decode(repeat('0' || n, 32), 'hex'), 5, 5 FROM generate_series(1, 2) n");
  const std::string named = "0x" + std::string(64, '9');
  const auto drawn = [](char digit) {
    std::string condition = "0x";
    for (int i = 0; i < 32; ++i) condition += {'0', digit};
    return condition;
  };
  Options options;
  options.conditions = {named, drawn('1')};
  options.is_json = true;
  EXPECT_EQ(Run(options), kIncomplete) << "nobody tells of them";
  EXPECT_EQ(out_.find(drawn('2')), std::string::npos) << out_;
  options.condition_sample = 2;
  EXPECT_EQ(Run(options), kIncomplete);
  for (const std::string& condition : {named, drawn('1'), drawn('2')}) {
    const std::string finding = "\"condition\": \"" + condition;
    const std::size_t first = out_.find(finding);
    ASSERT_NE(first, std::string::npos) << out_;
    EXPECT_EQ(out_.find(finding, first + 1), std::string::npos) << "twice: " << out_;
  }
}

TEST_F(AuditTest, NamedWalletsTakeNoSample) {
  Options options;
  options.wallets = {"0x" + std::string(40, '1')};
  options.sample = 2;
  EXPECT_EQ(Run(options), kUsage);
}

}  // namespace
}  // namespace cli
