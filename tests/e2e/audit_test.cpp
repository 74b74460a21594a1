// `seine audit` tells what is stored from what is not, in an installation that `seine sync` filled.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/e2e/fleet.h"

namespace e2e {
namespace {

class AuditTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
    fleet_->StartSimulator({.wallets = 6, .fills = 1000, .seed = "3", .more = {}});
    fleet_->StartCoordinator();
    fleet_->StartWorker("worker-1");
    wallets_ = fleet_->Wallets();
    (void)fleet_->Value("CREATE TABLE friend AS SELECT unnest('{" + Joined() +
                        "}'::text[]) AS one");
  }

  std::string Joined() const {
    std::string all;
    for (const std::string& wallet : wallets_) all += (all.empty() ? "" : ",") + wallet;
    return all;
  }
  std::string Upstream(const std::string& path) const {
    std::string port;
    std::ifstream(fleet_->directory() + "/sim.port") >> port;
    return "http://127.0.0.1:" + port + path;
  }
  // The exit code; what it printed is in out_.
  std::optional<int> Seine(const Arguments& arguments) {
    const std::string log = fleet_->directory() + "/seine.txt";
    std::ofstream(log, std::ios::trunc).close();
    Arguments command = {std::string(SEINE_BIN_DIR) + "/seine",
                         "--state-dir",
                         fleet_->StateDirectory(),
                         "--http",
                         fleet_->HttpAddress(),
                         "--database",
                         fleet_->database_url()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto code = Process(command, {}, log).Wait(kRunDeadline);
    std::ostringstream text;
    text << std::ifstream(log).rdbuf();
    out_ = text.str();
    return code;
  }
  std::optional<int> Audit() {
    Arguments arguments = {"audit", "--data-url", Upstream("/data/v2"), "--gamma-url",
                           Upstream("/gamma")};
    arguments.insert(arguments.end(), wallets_.begin(), wallets_.end());
    return Seine(arguments);
  }

  std::unique_ptr<Fleet> fleet_;
  std::vector<std::string> wallets_;
  std::string out_;
};

TEST_F(AuditTest, OneTradeThatIsMissingIsFound) {
  ASSERT_EQ(Seine({"sync", "--wallets-query", "SELECT one FROM friend"}), 0) << out_;
  fleet_->ExpectOracle();
  // Shares that came by a split are no purchase: the audit has to know of them.
  ASSERT_EQ(Seine({"activity"}), 0) << out_;
  EXPECT_EQ(Audit(), 0) << out_;
  EXPECT_NE(out_.find("6 of 6 wallets are the same"), std::string::npos) << out_;

  const std::string victim = fleet_->Value(
      "WITH gone AS (DELETE FROM trade WHERE (wallet_id, ts, tx_head, event_key) = (SELECT "
      "wallet_id, ts, tx_head, event_key FROM trade ORDER BY 1, 2, 3, 4 LIMIT 1) "
      "RETURNING wallet_id) SELECT hex0x(address) FROM gone JOIN wallet USING (wallet_id)");
  ASSERT_FALSE(victim.empty());
  EXPECT_EQ(Audit(), 3) << out_;
  EXPECT_NE(out_.find(victim + "  differs"), std::string::npos) << out_;
  EXPECT_NE(out_.find("5 of 6 wallets are the same"), std::string::npos) << out_;
}

TEST_F(AuditTest, AQueryThatWritesIsRefused) {
  const std::string wallet = "0x1111111111111111111111111111111111111111";
  EXPECT_EQ(Seine({"sync", "--wallets-query",
                   "INSERT INTO friend VALUES ('" + wallet + "') RETURNING one"}),
            2);
  EXPECT_NE(out_.find("--wallets-query: "), std::string::npos) << out_;
  EXPECT_NE(out_.find("read-only transaction"), std::string::npos) << out_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1) << out_;
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM friend WHERE one = '" + wallet + "'"), "0");
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM run"), "0");
}

}  // namespace
}  // namespace e2e
