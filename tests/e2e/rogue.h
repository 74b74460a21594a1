// A worker that the coordinator lets in, and that talks nonsense, or does nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proto/keys.h"
#include "proto/seine.pb.h"

namespace e2e {

class Rogue {
 public:
  struct Counts {
    int said = 0;
    int garbled = 0;   // of them no message at all
    int welcomed = 0;  // answers: it was let in, given work, told off
    int assigned = 0;
    int recalled = 0;
    int fenced = 0;
    int rejected = 0;
  };

  Rogue(const std::string& address, const proto::ClientKeys& keys, std::string id);
  ~Rogue();
  Rogue(const Rogue&) = delete;
  Rogue& operator=(const Rogue&) = delete;

  // So many messages: well-formed ones of every type in any order, with sessions, chunks and epochs
  // that it was told, guesses, or makes up; others are cut, prolonged, or have bytes changed. It
  // hears the answers and asks for work, which it never does.
  void Talk(int messages);
  // One round of a worker that lives, takes work, and gets nowhere.
  void Dawdle();
  // As a worker that speaks this version of the protocol and no other; the reason of a REJECT.
  std::optional<proto::Reject::Reason> Introduce(std::uint32_t version);
  const Counts& counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace e2e
