#include "coordinator/admin_server.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "coordinator/postgres_ledger.h"
#include "tests/support/postgres_test.h"

namespace coordinator {
namespace {

using nlohmann::json;

// The real loop, ledger and HTTP server; no worker.
class AdminServerTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    channel_ = proto::ServerChannel::Open(context_, {"tcp://127.0.0.1:0", "", false, {}}).value();
    ledger_ = std::make_unique<PostgresLedger>(url_, "test");
    reader_ = std::make_unique<PostgresLedger>(url_, "test");
    loop_ = std::make_unique<LedgerLoop>(*ledger_, *reader_, clock_);
    coordinator_ = std::make_unique<Coordinator>(*channel_, *loop_, clock_, SchedulerTimings{},
                                                 DefaultLimits());
    server_ = AdminServer::Start("127.0.0.1:0", "secret-key-of-the-test", AdminLedger(url_),
                                 *coordinator_, clock_)
                  .value();
    running_ = std::jthread([this] { coordinator_->Run(nullptr); });
    client_ = std::make_unique<httplib::Client>("http://" + server_->address());
    Until("/readyz", [](const std::string& body) { return body == "ok"; });
  }
  void TearDown() override {
    if (coordinator_) coordinator_->Stop();
  }

  std::string Get(const std::string& path, int status = 200) {
    const auto answer = client_->Get(path);
    EXPECT_TRUE(answer);
    if (!answer) return "";
    EXPECT_EQ(answer->status, status) << path << ": " << answer->body;
    return answer->body;
  }
  json Post(const std::string& path, const std::string& body, int status = 202) {
    const auto answer =
        client_->Post(path, {{"x-api-key", "secret-key-of-the-test"}}, body, "application/json");
    EXPECT_TRUE(answer);
    if (!answer) return json::object();
    EXPECT_EQ(answer->status, status) << path << ": " << answer->body;
    return json::parse(answer->body, nullptr, false);
  }
  template <typename Condition>
  std::string Until(const std::string& path, Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string body;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto answer = client_->Get(path);
      body = answer ? answer->body : "";
      if (condition(body)) return body;
    }
    ADD_FAILURE() << path << " stays " << body;
    return body;
  }
  void AddWallets() {
    Post("/api/admin/wallets?selection=abc&discovered_by=list",
         "0x00000000000000000000000000000000000000AA\n"
         "0x00000000000000000000000000000000000000bb\r\n\n",
         200);
  }

  common::SystemClock clock_;
  proto::Context context_;
  std::unique_ptr<proto::ServerChannel> channel_;
  std::unique_ptr<PostgresLedger> ledger_;
  std::unique_ptr<PostgresLedger> reader_;
  std::unique_ptr<LedgerLoop> loop_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<AdminServer> server_;
  std::unique_ptr<httplib::Client> client_;
  std::jthread running_;
};

TEST_F(AdminServerTest, TellsThatItIsWell) {
  EXPECT_EQ(Get("/healthz"), "ok");
  EXPECT_EQ(Get("/readyz"), "ok");
  EXPECT_NE(Get("/metrics").find("seine_database_up 1"), std::string::npos);
}

TEST_F(AdminServerTest, StatusHasWhatItsReadersExpect) {
  const json status = json::parse(Get("/api/status"));
  EXPECT_TRUE(status.at("freshness").contains("newest_trade"));
  EXPECT_TRUE(json::parse(Get("/api/freshness")).at("ranges_to").is_null());
  EXPECT_EQ(status["state"], "running");
  EXPECT_EQ(status["database"], "ok");
  EXPECT_TRUE(status["run"].is_null());
  EXPECT_EQ(status["fleet"]["live"], 0);
  EXPECT_EQ(status["rates"].size(), 8U);
  for (const char* name :
       {"malformed", "stale", "fenced", "releases", "takeovers", "handshake_failures"}) {
    EXPECT_TRUE(status["counters"].contains(name)) << name;
  }
  EXPECT_TRUE(json::parse(Get("/api/workers"))["workers"].empty());
}

TEST_F(AdminServerTest, ChangingNeedsTheKey) {
  for (const char* key : {"", "secret", "secret-key-of-the-tesu", "secret-key-of-the-test-"}) {
    const auto answer = client_->Post("/api/admin/pause", {{"x-api-key", key}}, "", "text/plain");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 401);
    EXPECT_TRUE(json::parse(answer->body).contains("error"));
  }
  EXPECT_EQ(QueryInt("SELECT count(*) FROM fleet_setting"), 0);
}

TEST_F(AdminServerTest, ARunIsCreatedPlannedAttachedToAndCancelled) {
  AddWallets();
  const std::string wish = R"({"action":"process","source":"auto","selection":"abc"})";
  const json run = Post("/api/admin/ingest", wish);
  EXPECT_EQ(run["attached"], false);
  EXPECT_EQ(Post("/api/admin/ingest", wish)["attached"], true);
  Until("/api/status", [](const std::string& body) {
    const json status = json::parse(body);
    return status["run"].is_object() && status["run"]["state"] == "running" &&
           status["run"]["wallets"]["total"] == 2;
  });
  const json listed = json::parse(Get("/api/runs?limit=5"));
  EXPECT_EQ(listed["runs"][0]["chunks"]["pending"], 1);
  Post("/api/admin/cancel", run.dump());
  Until("/api/status", [](const std::string& body) { return json::parse(body)["run"].is_null(); });
  const json over = json::parse(Get("/api/runs?run=" + run["run"].dump()));
  EXPECT_EQ(over["outcome"], "cancelled");
  EXPECT_TRUE(over["failed"].empty());
  Post("/api/admin/cancel", run.dump(), 409);
}

TEST_F(AdminServerTest, ProcessWithoutAChoiceIsAllWallets) {
  AddWallets();
  EXPECT_EQ(Post("/api/admin/ingest", R"({"action":"process","dry_run":true})", 200)["wallets"], 2);
  EXPECT_TRUE(Post("/api/admin/ingest", R"({"action":"process"})")["run"].is_number());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run WHERE selection IS NULL"), 1);
}

TEST_F(AdminServerTest, ADryRunKeepsNothing) {
  AddWallets();
  const json plan =
      Post("/api/admin/ingest", R"({"action":"process","max_wallets":1,"dry_run":true})", 200);
  EXPECT_EQ(plan["wallets"], 1);
  EXPECT_EQ(plan["chunks"], 1);
  EXPECT_EQ(plan["endpoint"], "data_trades");
  EXPECT_GT(plan["rate_per_second"].get<double>(), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run"), 0);
  const json named = Post("/api/admin/ingest",
                          R"({"action":"process","dry_run":true,"wallets":[")"
                          "0x" +
                              std::string(40, 'a') + R"("]})",
                          200);
  EXPECT_EQ(named["wallets"], 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run"), 0);
  EXPECT_EQ(QueryInt("SELECT count(DISTINCT selection) FROM selection_wallet"), 1);
}

TEST_F(AdminServerTest, MistakesGetOneClearLine) {
  for (const char* body :
       {"{", "[]", R"({"action":"dance"})", R"({"action":"process","selection":""})",
        R"({"action":"process","selection":7})",
        R"({"action":"process","all":true,"source":"tea-leaves"})",
        R"({"action":"process","selection":"../x"})", R"({"action":"process","max_wallets":-1})",
        R"({"action":"process","selection":"unknown"})",
        R"({"action":"process","wallets":["0x1"]})",
        R"({"action":"process","dry_run":true,"wallets":["0x1"]})",
        R"({"action":"markets","dry_run":true,"wallets":[]})"}) {
    EXPECT_TRUE(Post("/api/admin/ingest", body, 400)["error"].is_string()) << body;
  }
  Post("/api/admin/wallets?selection=abc", "0x12\n", 400);
  Post("/api/admin/wallets", "", 400);
  Post("/api/admin/scale", R"({"workers":-1})", 400);
  Post("/api/admin/scale", R"({"workers":"many"})", 400);
  Post("/api/admin/retry", R"({"wallets":["0x00000000000000000000000000000000000000aa"]})", 404);
  for (const char* body : {R"({"wallets":["0x1"]})", R"({"wallets":[]})", R"({"wallets":"0x1"})",
                           R"({"all":false})", R"({"all":1})"}) {
    Post("/api/admin/retry", body, 400);
  }
  Post("/api/admin/workers/nobody/kill", "", 404);
  Get("/api/runs?run=99", 404);
  Get("/api/wallets/0x12", 400);
  EXPECT_TRUE(json::parse(Get("/nowhere", 404)).contains("error"));
}

TEST_F(AdminServerTest, WhatIsOfAWrongTypeOrUnknownIsNotTakenForAbsent) {
  AddWallets();
  for (const auto& [member, complaint] :
       {std::pair(R"("dry_run":"true")", "dry_run is true or false"),
        std::pair(R"("dry_run":null)", "dry_run is true or false"),
        std::pair(R"("all":1)", "all is true or false"),
        std::pair(R"("source":["rpc"])", "source is a text"),
        std::pair(R"("action":7)", "action is a text"),
        std::pair(R"("wallet":"0x12")", "unknown name: wallet")}) {
    const std::string body = std::string(R"({"action":"process",)") + member + "}";
    EXPECT_EQ(Post("/api/admin/ingest", body, 400)["error"], complaint);
  }
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run"), 0);
}

TEST_F(AdminServerTest, ARetryWithoutABodyIsOfEverythingThatFailed) {
  AddWallets();
  const json nothing = Post("/api/admin/retry", R"({"all":true})", 200);
  EXPECT_TRUE(nothing["run"].is_null()) << nothing;
  EXPECT_EQ(nothing["wallets"], 0);
  const std::string named = R"({"wallets":["0x00000000000000000000000000000000000000aa"]})";
  EXPECT_EQ(Post("/api/admin/retry", named, 200), nothing);
  Query("INSERT INTO wallet_sync (wallet_id, status) SELECT wallet_id, 3 FROM wallet");
  const json retry = Post("/api/admin/retry", "");
  EXPECT_EQ(retry["wallets"], 2);
  EXPECT_TRUE(retry["run"].is_number());
}

TEST_F(AdminServerTest, AnOversizedBodyIsRefused) {
  const auto answer = client_->Post("/api/admin/ingest", {{"x-api-key", "secret-key-of-the-test"}},
                                    std::string(std::size_t{5} << 20U, 'x'), "application/json");
  EXPECT_TRUE(!answer || answer->status == 413);
  EXPECT_EQ(Get("/healthz"), "ok");
}

TEST_F(AdminServerTest, AWalletIsShown) {
  AddWallets();
  const json wallet = json::parse(Get("/api/wallets/0x00000000000000000000000000000000000000AA"));
  EXPECT_EQ(wallet["sync_status"], "pending");
  EXPECT_EQ(wallet["discovered_by"], "list");
  Get("/api/wallets/0x00000000000000000000000000000000000000cc", 404);
}

TEST_F(AdminServerTest, PauseResumeAndScaleShowInTheStatus) {
  Post("/api/admin/pause", "");
  Until("/api/status",
        [](const std::string& body) { return json::parse(body)["state"] == "paused"; });
  Post("/api/admin/resume", "");
  Post("/api/admin/scale", R"({"workers":4})");
  Until("/api/status", [](const std::string& body) {
    const json status = json::parse(body);
    return status["state"] == "running" && status["fleet"]["desired"] == 4;
  });
}

TEST(ApiKeyTest, IsMadeOnceForItsOwnerAlone) {
  char directory[] = "/tmp/seine-key-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const auto made = ReadApiKey(directory);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->size(), 64U);
  EXPECT_EQ(ReadApiKey(directory).value(), *made);
  struct stat facts {};
  ASSERT_EQ(stat((std::string(directory) + "/admin.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace coordinator
