// The ledger's own threads: requests in, answers out, the term renewed in between.
//
// What chunks hold is read by a second thread through a connection of its own, so that a grant
// never waits behind it: a grant finds out whether what was read still holds.
// A database that is away stops nothing but this thread: requests wait, and are offered again until
// they are answered or the term they belong to is lost.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <variant>

#include "common/clock.h"
#include "common/mailbox.h"
#include "common/published.h"
#include "coordinator/ledger.h"

namespace coordinator {

struct TermHeld {
  common::Term term;
};
struct TermLost {
  bool replaced = false;
};
struct Answered {
  common::Term term;
  LedgerAnswer answer;
};
using LedgerEvent = std::variant<TermHeld, TermLost, Answered>;

struct LedgerTimings {
  common::Duration renew = std::chrono::seconds(5);
  // After the start of the last good renewal.
  common::Duration trust = std::chrono::seconds(14);
  common::Duration retry = std::chrono::milliseconds(500);
};

class LedgerLoop {
 public:
  // The ledgers belong to the loop's threads from now on. Starts them.
  LedgerLoop(Ledger& ledger, Ledger& reader, const common::Clock& clock,
             LedgerTimings timings = {});
  // Ends and joins it; requests that wait are forgotten.
  ~LedgerLoop();
  LedgerLoop(const LedgerLoop&) = delete;
  LedgerLoop& operator=(const LedgerLoop&) = delete;

  // Safe to call from any thread. False if too many wait.
  bool Ask(common::Term term, LedgerRequest request);
  common::Mailbox<LedgerEvent>& events() { return events_; }
  // Empty while the database answers, else why it does not. Safe to call from any thread.
  std::string trouble() const;

 private:
  struct Asked {
    common::Term term;
    LedgerRequest request;
  };

  void Run();
  void Read();
  void KeepTerm(common::Instant now);
  void LoseTerm(bool replaced, common::Instant now);
  // Until it is answered, or its term is lost.
  void Answer(const Asked& asked);
  void Trouble(const std::string& text);
  void Emit(LedgerEvent event);
  void Pause(common::Duration duration);

  Ledger& ledger_;
  Ledger& reader_;
  const common::Clock& clock_;
  const LedgerTimings timings_;
  common::Mailbox<Asked> asked_;
  common::Mailbox<Asked> to_read_;
  common::Mailbox<LedgerEvent> events_;
  common::Published<std::string> trouble_;

  std::atomic<std::int64_t> held_term_{0};  // as term_, for the reader

  // Of the first thread.
  common::Term term_;
  common::Instant good_since_{};
  common::Instant renew_at_{};

  std::jthread thread_;
  std::jthread reading_;
};

}  // namespace coordinator
