// `seine doctor` beside a coordinator that nobody's pid file names, and upstreams of its own.
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "cli/commands.h"
#include "cli/doctor_upstreams.h"
#include "tests/cli/scripted_coordinator.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

// Answers every POST with the same.
class Upstream {
 public:
  Upstream(int status, const std::string& body) {
    server_.Get(".*", [](const httplib::Request&, httplib::Response&) {});
    server_.Post(".*", [=, this](const httplib::Request& request, httplib::Response& answer) {
      asked_ = request.body;
      answer.status = status;
      answer.set_content(body, "application/json");
    });
    url_ = fmt::format("http://127.0.0.1:{}", server_.bind_to_any_port("127.0.0.1"));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Upstream() {
    server_.stop();
    thread_.join();
  }
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  const std::string& url() const { return url_; }
  const std::string& asked() const { return asked_; }

 private:
  httplib::Server server_;
  std::string url_;
  std::string asked_;
  std::thread thread_;
};

// What is found with `rpc_url`, and all else at `url`.
std::string Look(const std::string& url, const std::string& rpc_url) {
  Findings findings;
  ::testing::internal::CaptureStdout();
  CheckUpstreams(findings, {{"SEINE_DATA_URL", url},
                            {"SEINE_GAMMA_URL", url},
                            {"SEINE_CLOB_URL", url},
                            {"SEINE_SUBGRAPH_URL", url},
                            {"SEINE_RPC_URL", rpc_url}});
  return ::testing::internal::GetCapturedStdout();
}

TEST(DoctorTest, AsksTheNodeForItsBlock) {
  const Upstream node(200, R"({"jsonrpc":"2.0","id":1,"result":"0x4b7"})");
  const std::string out = Look(node.url(), node.url() + "/v2/secret");
  EXPECT_NE(out.find("ok    RPC node answers 200"), std::string::npos) << out;
  EXPECT_NE(node.asked().find("eth_blockNumber"), std::string::npos);
  EXPECT_EQ(out.find("secret"), std::string::npos) << out;
  EXPECT_EQ(out.find("no block number"), std::string::npos) << out;
}

TEST(DoctorTest, ANodeThatRefusesIsToldWithoutItsKey) {
  for (const int status : {200, 401, 403, 500}) {
    const Upstream node(status, R"({"error":{"message":"secret is no key"}})");
    const std::string out = Look(node.url(), node.url() + "/v2/secret");
    const std::string last = out.substr(out.rfind('\n', out.size() - 2) + 1);
    EXPECT_NE(last.find("RPC node"), std::string::npos) << out;
    EXPECT_FALSE(last.starts_with("ok")) << out;
    EXPECT_EQ(out.find("secret"), std::string::npos) << out;
  }
}

TEST(DoctorTest, AUrlThatIsNoneOrLeadsNowhereIsNotPrinted) {
  const Upstream other(200, "{}");
  for (const char* url : {"secret", "http://127.0.0.1:1/secret", "http://me:secret@127.0.0.1:1/"}) {
    const std::string out = Look(other.url(), url);
    EXPECT_NE(out.find("fail  "), std::string::npos) << out;
    EXPECT_EQ(out.find("secret"), std::string::npos) << out;
  }
}

TEST(DoctorTest, ACoordinatorThatAnswersIsAFleetThatIsUp) {
  const TemporaryFolder folder;
  const ScriptedCoordinator scripted;
  Options options;
  options.state_dir = folder.path().string();
  options.http = scripted.address();
  for (std::string* url :
       {&options.data_url, &options.gamma_url, &options.clob_url, &options.subgraph_url}) {
    *url = "http://" + scripted.address();
  }
  ::testing::internal::CaptureStdout();
  (void)Doctor(options);
  const std::string out = ::testing::internal::GetCapturedStdout();
  EXPECT_NE(out.find("a fleet is up"), std::string::npos) << out;
}

}  // namespace
}  // namespace cli
