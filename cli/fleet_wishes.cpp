#include "cli/fleet_wishes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/status_reply.h"

namespace cli {
namespace {

constexpr std::chrono::milliseconds kInterval(250);
constexpr std::chrono::milliseconds kStep(50);
constexpr std::chrono::seconds kTimeout(3);
constexpr int kPatience = 40;  // questions

}  // namespace

FleetWishes::FleetWishes(const StateDir& state, std::optional<int> tell)
    : client_(state), tell_(tell) {
  client_.set_timeout(kTimeout);
  thread_ = std::thread([this] { Run(); });
}

FleetWishes::~FleetWishes() {
  is_stopping_ = true;
  thread_.join();
}

void FleetWishes::Run() {
  while (!is_stopping_) {
    Ask();
    for (auto waited = kStep; waited < kInterval && !is_stopping_; waited += kStep) {
      std::this_thread::sleep_for(kStep);
    }
  }
}

void FleetWishes::Ask() {
  if (tell_) {
    if (!client_.Post("/api/admin/scale", fmt::format("{{\"workers\":{}}}", *tell_))) return;
    told_ = std::exchange(tell_, std::nullopt);
  }
  const common::Result<std::string> body = client_.Get("/api/status");
  if (!body) return;
  const common::Result<StatusReply> status = ParseStatus(*body);
  // A coordinator that has just begun knows nothing of the fleet: its zero workers are no wish.
  if (!status || !status->is_fleet_known) return;
  // What it was told shows in its status a moment later; until then it speaks of former times.
  if (told_ && status->desired != *told_ && ++not_seen_ < kPatience) return;
  told_.reset();
  const bool is_audit_due =
      std::any_of(status->schedule.begin(), status->schedule.end(), [&](const ScheduleReply& one) {
        return one.name == "audit" && one.is_enabled && one.next_at <= status->now;
      });
  latest_.Set({status->desired, status->stopped, is_audit_due});
}

}  // namespace cli
