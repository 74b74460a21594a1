#include "coordinator/coordinator.h"

#include <algorithm>
#include <array>
#include <utility>

#include <poll.h>

#include "common/failpoint.h"
#include "common/logging.h"

namespace coordinator {
namespace {

constexpr std::size_t kMostCommands = 1000;
constexpr common::Duration kTickEvery = std::chrono::milliseconds(50);
constexpr common::Duration kPublishEvery = std::chrono::milliseconds(250);

void Write(const NoteAction& note) {
  if (note.worker.value.empty()) {
    common::Log(note.level, note.event, {{"about", note.text}});
  } else if (note.chunk.value == 0) {
    common::Log(note.level, note.event, {{"worker", note.worker}, {"about", note.text}});
  } else {
    common::Log(note.level, note.event,
                {{"worker", note.worker}, {"chunk", note.chunk}, {"about", note.text}});
  }
}

}  // namespace

Coordinator::Coordinator(proto::ServerChannel& channel, LedgerLoop& ledger,
                         const common::Clock& clock, SchedulerTimings timings,
                         std::vector<EndpointLimit> limits)
    : channel_(channel),
      ledger_(ledger),
      clock_(clock),
      scheduler_(timings, std::move(limits)),
      commands_(kMostCommands) {}

void Coordinator::Run(common::Signals* signals) {
  while (!commands_.closed()) {
    Wait(signals);
    now_ = clock_.Now();
    if (signals != nullptr) {
      const common::Signals::Seen seen = signals->Drain();
      if (seen.stops > 0) break;
      if (seen.reloads > 0) {
        const common::Status read = channel_.ReloadKeys();
        if (!read) common::LogError("keys_not_read", {{"why", read.error().message}});
      }
    }
    for (const proto::Incoming& incoming : channel_.Receive()) {
      Perform(scheduler_.Receive(incoming, now_));
    }
    TakeEvents();
    TakeCommands();
    if (now_ >= tick_at_) {
      tick_at_ = now_ + kTickEvery;
      Perform(scheduler_.Tick(now_));
    }
    if (now_ >= publish_at_) Publish();
  }
  channel_.LingerOnClose();
}

void Coordinator::Wait(common::Signals* signals) {
  std::array<pollfd, 4> waits = {{{channel_.fd(), POLLIN, 0},
                                  {ledger_.events().fd(), POLLIN, 0},
                                  {commands_.fd(), POLLIN, 0},
                                  {signals == nullptr ? -1 : signals->fd(), POLLIN, 0}}};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(tick_at_ - clock_.Now());
  const auto timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left.count() + 1, 0, 50));
  poll(waits.data(), waits.size(), timeout_ms);
}

void Coordinator::TakeEvents() {
  for (LedgerEvent& event : ledger_.events().Drain()) {
    if (const auto* const held = std::get_if<TermHeld>(&event)) {
      Perform(scheduler_.HoldTerm(held->term, now_));
    } else if (const auto* const lost = std::get_if<TermLost>(&event)) {
      Perform(scheduler_.LoseTerm(lost->replaced, now_));
    } else {
      auto& answered = std::get<Answered>(event);
      Perform(scheduler_.Answer(answered.term, std::move(answered.answer), now_));
    }
  }
}

void Coordinator::TakeCommands() {
  if (commands_.closed()) return;
  for (Command& command : commands_.Drain()) {
    if (const auto* const drain = std::get_if<DrainCommand>(&command)) {
      Perform(scheduler_.OrderDrain(drain->worker, drain->mode, now_).first);
    } else {
      Perform(scheduler_.Resync(now_));
    }
    publish_at_ = now_;
  }
}

// A send that finds its connection gone is an event of its own, at once.
void Coordinator::Perform(Actions actions) {
  for (Action& action : actions) {
    if (auto* const send = std::get_if<SendAction>(&action)) {
      PerformOne(*send);
    } else if (auto* const ask = std::get_if<LedgerAction>(&action)) {
      if (!ledger_.Ask(ask->term, std::move(ask->request))) {
        common::LogError("ledger_mailbox_full");
      }
    } else {
      Write(std::get<NoteAction>(action));
    }
  }
}

void Coordinator::PerformOne(SendAction& send) {
  if (send.message.has_assign() && common::Failpoint("before_assign_send")) return;
  switch (channel_.Send(send.connection, send.message)) {
    case proto::SendResult::kGone:
      return Perform(scheduler_.ConnectionGone(send.connection, now_));
    case proto::SendResult::kFull:
    case proto::SendResult::kTooLong:
      common::LogDebug("not_sent");
      return;
    case proto::SendResult::kSent:
      return;
  }
}

void Coordinator::Publish() {
  publish_at_ = now_ + kPublishEvery;
  const std::string trouble = ledger_.trouble();
  view_.Set(
      {scheduler_.status(now_), channel_.counters(), trouble.empty() ? "ok" : "away: " + trouble});
}

}  // namespace coordinator
