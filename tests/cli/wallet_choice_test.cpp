// --wallets-query against a real PostgreSQL.
#include "cli/wallet_choice.h"

#include "cli/terminal.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/postgres_test.h"

namespace cli {
namespace {

constexpr char kFirst[] = "0x1111111111111111111111111111111111111111";
constexpr char kSecond[] = "0x2222222222222222222222222222222222222abc";

class WalletChoiceTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    Query("CREATE TABLE friend (one text)");
    Query(std::string("INSERT INTO friend VALUES ('") + kFirst + "'), ('" + kSecond + "')");
  }
  std::optional<int> Ask(const std::string& query) {
    Options options;
    options.database = url_;
    options.wallets_query = query;
    list_ = {};
    ::testing::internal::CaptureStderr();
    const auto code = QueryWallets(options, *StateDir::Open(folder_.path().string()), list_);
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  std::vector<std::string> Chosen() const {
    std::vector<std::string> chosen;
    for (const common::WalletAddress& wallet : list_.wallets) chosen.push_back(wallet.ToString());
    return chosen;
  }
  bool IsOneLine() const { return error_.find('\n') == error_.size() - 1; }

  TemporaryFolder folder_;
  WalletList list_;
  std::string error_;
};

TEST_F(WalletChoiceTest, AddressesMayBeTextOrBytes) {
  const std::vector<std::string> both = {kFirst, kSecond};
  EXPECT_EQ(Ask("SELECT one, 'more' FROM friend"), std::nullopt) << error_;
  EXPECT_EQ(Chosen(), both);
  EXPECT_EQ(Ask("SELECT decode(substr(one, 3), 'hex') FROM friend"), std::nullopt) << error_;
  EXPECT_EQ(Chosen(), both);
}

TEST_F(WalletChoiceTest, NothingIsWrittenByIt) {
  for (const char* query :
       {"INSERT INTO friend VALUES ('x') RETURNING one",
        "WITH gone AS (DELETE FROM friend RETURNING one) SELECT one FROM gone",
        "SELECT one FROM friend; COMMIT; DELETE FROM friend", "DROP TABLE friend"}) {
    EXPECT_EQ(Ask(query), kUsage) << query;
    EXPECT_NE(error_.find("--wallets-query: "), std::string::npos) << error_;
    EXPECT_TRUE(IsOneLine()) << error_;
    EXPECT_TRUE(list_.wallets.empty()) << query;
    EXPECT_EQ(QueryInt("SELECT count(*) FROM friend"), 2) << query;
  }
}

TEST_F(WalletChoiceTest, ARowThatIsNoAddressIsNamed) {
  EXPECT_EQ(Ask("SELECT one FROM friend UNION ALL SELECT NULL ORDER BY 1 NULLS LAST"), kUsage);
  EXPECT_NE(error_.find("--wallets-query, row 3"), std::string::npos) << error_;
}

TEST_F(WalletChoiceTest, NoRowsAreNoChoice) {
  EXPECT_EQ(Ask("SELECT one FROM friend WHERE false"), kUsage);
  EXPECT_NE(error_.find("returned no address"), std::string::npos) << error_;
  EXPECT_EQ(Ask("SELECT FROM friend"), kUsage) << "no column at all";
}

}  // namespace
}  // namespace cli
