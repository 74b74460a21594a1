#include "tests/cli/scripted_coordinator.h"

#include <map>

#include <fmt/format.h>
#include <httplib.h>

namespace cli {

struct ScriptedCoordinator::Server {
  httplib::Server http;
  mutable std::mutex mutex;
  int desired = 0;
  bool known = true;
  int statuses = 0;
  std::string stopped = "[]";
  std::map<std::string, std::pair<int, std::string>> gets;
  std::map<std::string, std::pair<int, std::string>> posts_answers;
  std::vector<std::string> posts;

  void Get(const httplib::Request& request, httplib::Response& answer) {
    const std::lock_guard lock(mutex);
    if (request.path == "/api/status") ++statuses;
    if (const auto found = gets.find(request.path); found != gets.end()) {
      answer.status = found->second.first;
      answer.set_content(found->second.second, "application/json");
    } else if (request.path == "/healthz" || request.path == "/readyz") {
      answer.set_content("ok", "text/plain");
    } else if (request.path == "/api/status") {
      answer.set_content(
          fmt::format("{{\"version\":\"0\",\"state\":\"running\",\"database\":\"ok\",\"fleet\":"
                      "{{\"known\":{},\"desired\":{},\"live\":0,\"stopped\":{}}}}}",
                      known, known ? desired : 0, stopped),
          "application/json");
    } else {
      answer.status = 404;
      answer.set_content(R"({"error":"no such page"})", "application/json");
    }
  }

  void Post(const httplib::Request& request, httplib::Response& answer) {
    const std::lock_guard lock(mutex);
    if (request.get_header_value("x-api-key") != kApiKey) {
      answer.status = 401;
      answer.set_content(R"({"error":"wrong key"})", "application/json");
      return;
    }
    posts.push_back(request.path + " " + request.body);
    if (request.path == "/api/admin/scale") {
      desired = std::atoi(request.body.c_str() + request.body.find(':') + 1);
    }
    if (const auto found = posts_answers.find(request.path); found != posts_answers.end()) {
      answer.status = found->second.first;
      answer.set_content(found->second.second, "application/json");
      return;
    }
    answer.set_content("{}", "application/json");
  }
};

ScriptedCoordinator::ScriptedCoordinator() : server_(std::make_unique<Server>()) {
  server_->http.Get(".*", [this](const httplib::Request& request, httplib::Response& answer) {
    server_->Get(request, answer);
  });
  server_->http.Post(".*", [this](const httplib::Request& request, httplib::Response& answer) {
    server_->Post(request, answer);
  });
  port_ = server_->http.bind_to_any_port("127.0.0.1");
  thread_ = std::thread([this] { server_->http.listen_after_bind(); });
  while (!server_->http.is_running()) std::this_thread::yield();
}

ScriptedCoordinator::~ScriptedCoordinator() {
  server_->http.stop();
  thread_.join();
}

std::string ScriptedCoordinator::address() const {
  return fmt::format("127.0.0.1:{}", port_);
}

void ScriptedCoordinator::SetFleet(int desired, const std::string& stopped_json) {
  const std::lock_guard lock(server_->mutex);
  server_->desired = desired;
  server_->stopped = stopped_json;
}

void ScriptedCoordinator::KnowFleet(bool known) {
  const std::lock_guard lock(server_->mutex);
  server_->known = known;
}

int ScriptedCoordinator::statuses() const {
  const std::lock_guard lock(server_->mutex);
  return server_->statuses;
}

int ScriptedCoordinator::desired() const {
  const std::lock_guard lock(server_->mutex);
  return server_->desired;
}

void ScriptedCoordinator::Answer(const std::string& path, int status, const std::string& body) {
  const std::lock_guard lock(server_->mutex);
  server_->gets[path] = {status, body};
}

void ScriptedCoordinator::AnswerPost(const std::string& path, int status, const std::string& body) {
  const std::lock_guard lock(server_->mutex);
  server_->posts_answers[path] = {status, body};
}

std::vector<std::string> ScriptedCoordinator::posts() const {
  const std::lock_guard lock(server_->mutex);
  return server_->posts;
}

}  // namespace cli
