#include "cli/admin_client.h"

#include <functional>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "cli/files.h"
#include "common/environment.h"
#include "common/options.h"

namespace cli {
namespace {

using common::Error;
using common::ErrorKind;
using common::Result;

constexpr std::chrono::seconds kConnectTimeout(2);
constexpr std::chrono::seconds kQuickTimeout(5);
constexpr std::chrono::milliseconds kRetryInterval(300);
constexpr char kDefaultAddress[] = "127.0.0.1:8600";

std::string ApiKey(const StateDir& state) {
  std::string key = common::Variable("SEINE_API_KEY");
  if (key.empty()) key = ReadFile(state.admin_key()).value_or("");
  while (!key.empty() && std::isspace(static_cast<unsigned char>(key.back())) != 0) key.pop_back();
  return key;
}

Error Refused(const httplib::Response& answer, const StateDir& state) {
  const nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
  std::string what = fmt::format("the coordinator answered {}", answer.status);
  if (body.is_object() && body.contains("error") && body["error"].is_string()) {
    what = body["error"];
  }
  if (answer.status == 401) {
    what += "; the key is in " + state.admin_key().string() + " or SEINE_API_KEY";
  }
  return {answer.status == 503 ? ErrorKind::kThrottled : ErrorKind::kRejected, what};
}

Result<std::string> Ask(const StateDir& state, const std::string& address, common::Duration timeout,
                        const std::function<httplib::Result(httplib::Client&)>& request) {
  const Result<common::HostPort> place = common::ParseHostPort(address);
  if (!place) return place.error();
  httplib::Client client(place->host, place->port);
  client.set_connection_timeout(kConnectTimeout);
  client.set_read_timeout(std::chrono::duration_cast<std::chrono::milliseconds>(timeout));
  client.set_write_timeout(std::chrono::duration_cast<std::chrono::milliseconds>(timeout));
  const httplib::Result answer = request(client);
  if (!answer) {
    return Error{ErrorKind::kTransient,
                 fmt::format("no coordinator answers at {} ({}); start one with `seine up`",
                             address, httplib::to_string(answer.error()))};
  }
  if (answer->status < 200 || answer->status > 299) return Refused(*answer, state);
  return answer->body;
}

Result<std::string> Patiently(common::Duration patience,
                              const std::function<Result<std::string>()>& request) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (true) {
    Result<std::string> answer = request();
    const bool may_pass = !answer && answer.error().kind != ErrorKind::kRejected;
    if (!may_pass || std::chrono::steady_clock::now() >= give_up) return answer;
    std::this_thread::sleep_for(kRetryInterval);
  }
}

}  // namespace

std::string Reachable(std::string address) {
  for (const std::string any : {"0.0.0.0:", "*:", "[::]:"}) {
    const std::size_t at = address.find(any);
    if (at == 0 || (at != std::string::npos && address[at - 1] == '/')) {
      return address.replace(at, any.size(), "127.0.0.1:");
    }
  }
  return address;
}

AdminClient::AdminClient(const StateDir& state, std::string http)
    : state_(state), http_(std::move(http)) {}

std::string AdminClient::address() const {
  if (!http_.empty() && !http_.ends_with(":0")) return Reachable(http_);  // port 0: see the file
  const nlohmann::json place =
      nlohmann::json::parse(ReadFile(state_.coordinator()).value_or(""), nullptr, false);
  if (place.is_object() && place.contains("http") && place["http"].is_string()) {
    return Reachable(place["http"]);
  }
  return kDefaultAddress;
}

Result<std::string> AdminClient::Get(const std::string& path) const {
  return Ask(state_, address(), timeout_,
             [&](httplib::Client& client) { return client.Get(path); });
}

Result<std::string> AdminClient::Post(const std::string& path, const std::string& body,
                                      const std::string& content_type) const {
  const httplib::Headers headers{{"x-api-key", ApiKey(state_)}};
  return Ask(state_, address(), timeout_, [&](httplib::Client& client) {
    return client.Post(path, headers, body, content_type);
  });
}

Result<std::string> AdminClient::GetPatiently(const std::string& path,
                                              common::Duration patience) const {
  return Patiently(patience, [&] { return Get(path); });
}

Result<std::string> AdminClient::PostPatiently(const std::string& path, const std::string& body,
                                               common::Duration patience,
                                               const std::string& content_type) const {
  return Patiently(patience, [&] { return Post(path, body, content_type); });
}

bool AdminClient::IsUp() const {
  AdminClient quick(state_, http_);
  quick.set_timeout(kQuickTimeout);
  return quick.Get("/healthz").has_value();
}

bool AdminClient::IsReady() const {
  AdminClient quick(state_, http_);
  quick.set_timeout(kQuickTimeout);
  return quick.Get("/readyz").has_value();
}

}  // namespace cli
