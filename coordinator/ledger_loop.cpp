#include "coordinator/ledger_loop.h"

#include <algorithm>
#include <utility>

#include "common/logging.h"

namespace coordinator {

using common::Duration;
using common::Error;
using common::ErrorKind;
using common::Instant;
using common::Term;

namespace {

constexpr std::size_t kMostAsked = 100'000;
constexpr Duration kLongestWait = std::chrono::milliseconds(200);

}  // namespace

LedgerLoop::LedgerLoop(Ledger& ledger, Ledger& reader, const common::Clock& clock,
                       LedgerTimings timings)
    : ledger_(ledger),
      reader_(reader),
      clock_(clock),
      timings_(timings),
      asked_(kMostAsked),
      to_read_(kMostAsked),
      events_(kMostAsked),
      thread_([this] { Run(); }),
      reading_([this] { Read(); }) {}

LedgerLoop::~LedgerLoop() {
  asked_.Close();
  to_read_.Close();
  events_.Close();
}

bool LedgerLoop::Ask(Term term, LedgerRequest request) {
  const bool reads = std::holds_alternative<PrepareRequest>(request);
  return (reads ? to_read_ : asked_).TryPush({term, std::move(request)});
}

std::string LedgerLoop::trouble() const {
  const auto text = trouble_.Get();
  return text == nullptr ? "not connected yet" : *text;
}

void LedgerLoop::Trouble(const std::string& text) {
  const auto before = trouble_.Get();
  if (before != nullptr && *before == text) return;
  if (!text.empty()) common::LogWarning("database_away", {{"why", text}});
  if (text.empty() && before != nullptr) common::LogInfo("database_back");
  trouble_.Set(text);
}

// The other side drains faster than this side can ask; a full mailbox is waited for all the same.
void LedgerLoop::Emit(LedgerEvent event) {
  while (!asked_.closed() && events_.size() >= kMostAsked) Pause(kLongestWait);
  events_.TryPush(std::move(event));
}

void LedgerLoop::Pause(Duration duration) {
  const Instant until = clock_.Now() + duration;
  while (!asked_.closed() && clock_.Now() < until) {
    std::this_thread::sleep_for(std::min<Duration>(duration, std::chrono::milliseconds(20)));
  }
}

void LedgerLoop::LoseTerm(bool replaced, Instant now) {
  renew_at_ = now + timings_.retry;
  if (term_.value == 0) return;
  term_ = {};
  held_term_ = 0;
  Emit(TermLost{replaced});
}

void LedgerLoop::KeepTerm(Instant now) {
  if (now < renew_at_) return;
  const auto held = ledger_.HoldTerm(term_);
  if (held) {
    Trouble("");
    good_since_ = now;
    renew_at_ = now + timings_.renew;
    if (*held != term_) {
      term_ = *held;
      held_term_ = term_.value;
      Emit(TermHeld{term_});
    }
    return;
  }
  if (held.error().kind == ErrorKind::kRejected) {
    Trouble(held.error().message);
    return LoseTerm(true, now);
  }
  Trouble(held.error().message);
  renew_at_ = now + timings_.retry;
  if (term_.value != 0 && clock_.Now() - good_since_ >= timings_.trust) LoseTerm(false, now);
}

void LedgerLoop::Answer(const Asked& asked) {
  int refusals = 0;
  while (!asked_.closed() && asked.term == term_) {
    auto answer = ledger_.Perform(asked.term, asked.request);
    if (answer) {
      Trouble("");
      return Emit(Answered{asked.term, std::move(*answer)});
    }
    const Error& error = answer.error();
    if (error.kind == ErrorKind::kRejected) {
      // Most likely the term ran out while nobody could renew it.
      common::LogWarning("ledger_refused", {{"why", error.message}});
      if (++refusals > 1) return LoseTerm(false, clock_.Now());
      renew_at_ = clock_.Now();
    } else {
      Trouble(error.message);
      Pause(timings_.retry);
    }
    KeepTerm(clock_.Now());
  }
}

// A failure here is told by the other thread too, which has the word about the term.
void LedgerLoop::Read() {
  while (!asked_.closed()) {
    const auto asked = to_read_.WaitPop(kLongestWait);
    if (!asked) continue;
    while (!asked_.closed() && asked->term.value == held_term_) {
      auto answer = reader_.Perform(asked->term, asked->request);
      if (answer) {
        Emit(Answered{asked->term, std::move(*answer)});
        break;
      }
      common::LogWarning("chunks_not_read", {{"why", answer.error().message}});
      Pause(timings_.retry);
    }
  }
}

void LedgerLoop::Run() {
  while (!asked_.closed()) {
    const Instant now = clock_.Now();
    KeepTerm(now);
    const Duration wait = std::clamp<Duration>(renew_at_ - now, Duration::zero(), kLongestWait);
    if (const auto asked = asked_.WaitPop(wait)) Answer(*asked);
  }
}

}  // namespace coordinator
