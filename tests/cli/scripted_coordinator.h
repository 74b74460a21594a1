// A coordinator's HTTP as tests want it: on a free port, answering from its fields.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cli {

class ScriptedCoordinator {
 public:
  ScriptedCoordinator();
  ~ScriptedCoordinator();
  ScriptedCoordinator(const ScriptedCoordinator&) = delete;
  ScriptedCoordinator& operator=(const ScriptedCoordinator&) = delete;

  std::string address() const;  // host:port
  int port() const { return port_; }

  void SetFleet(int desired, const std::string& stopped_json = "[]");
  // Whether it has read its database, where the fleet's wishes are.
  void KnowFleet(bool known);
  int desired() const;
  int statuses() const;  // asked for so far
  // What GET `path` answers from now on.
  void Answer(const std::string& path, int status, const std::string& body);
  // Answers to POST `path`.
  void AnswerPost(const std::string& path, int status, const std::string& body);
  // "path body" of every POST that had the right key.
  std::vector<std::string> posts() const;

  static constexpr char kApiKey[] = "secret-of-the-script";

 private:
  struct Server;
  std::unique_ptr<Server> server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace cli
