#include "proto/authenticator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

#include "common/clock.h"
#include "common/logging.h"

namespace proto {
namespace {

constexpr const char* kZapAddress = "inproc://zeromq.zap.01";
constexpr std::chrono::milliseconds kLookEvery{1000};
// File systems count time in ticks: a folder that changed so recently may change unseen.
constexpr std::chrono::seconds kSettlesIn{2};

// A request: version, request id, domain, address, identity, mechanism, credentials.
constexpr std::size_t kRequestIdAt = 1;
constexpr std::size_t kDomainAt = 2;
constexpr std::size_t kAddressAt = 3;
constexpr std::size_t kMechanismAt = 5;
constexpr std::size_t kKeyAt = 6;
constexpr std::size_t kRequestParts = 7;

std::vector<std::string> ReceiveAll(zmq::socket_t& socket) {
  std::vector<std::string> parts;
  zmq::message_t part;
  do {
    part.rebuild();
    if (zmq_msg_recv(part.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) break;
    parts.push_back(part.to_string());
  } while (part.more());
  return parts;
}

std::string ToZ85(const std::string& key) {
  std::array<char, kZ85Size + 1> text{};
  std::array<std::uint8_t, kKeySize> bytes{};
  std::copy(key.begin(), key.end(), bytes.begin());
  zmq_z85_encode(text.data(), bytes.data(), bytes.size());
  return text.data();
}

// The key that asks, in Z85; nothing if it is no question about a key of ours.
std::optional<std::string> KeyOf(const std::vector<std::string>& request) {
  if (request.size() != kRequestParts || request[kDomainAt] != kZapDomain ||
      request[kMechanismAt] != "CURVE" || request[kKeyAt].size() != kKeySize) {
    return std::nullopt;
  }
  return ToZ85(request[kKeyAt]);
}

// The name alone would not do: it may be authorised again later, with another key.
std::string MakeUserId(const common::WorkerId& worker, const std::string& key) {
  return worker.value + " " + key;
}

}  // namespace

Authenticator::Authenticator(zmq::context_t& context, KeyFolder keys, AllowList list)
    : keys_(std::move(keys)), socket_(context, zmq::socket_type::rep) {
  list_.Set(std::move(list));
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind(kZapAddress);
  thread_ = std::thread([this] { Serve(); });
}

Authenticator::~Authenticator() {
  stop_.Raise();
  thread_.join();
}

std::optional<common::WorkerId> Authenticator::Identify(std::string_view user_id) const {
  const std::size_t space = user_id.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::shared_ptr<const AllowList> list = list_.Get();
  const auto found = list->find(std::string(user_id.substr(space + 1)));
  if (found == list->end() || found->second.value != user_id.substr(0, space)) return std::nullopt;
  return found->second;
}

common::Status Authenticator::Reload() {
  const std::lock_guard lock(reading_);
  common::Result<AllowList> list = keys_.ReadAllowList();
  if (!list) return list.error();
  list_.Set(std::move(list).value());
  return common::Done{};
}

void Authenticator::ReloadIfChanged() {
  const auto changed_at = keys_.AuthorizedChangedAt();
  if (!changed_at || changed_at == settled_at_) return;
  const bool is_settled = std::filesystem::file_time_type::clock::now() - *changed_at > kSettlesIn;
  const common::Status read = Reload();
  if (read && is_settled) settled_at_ = changed_at;
  if (!read && log_pace_.TryTake(common::SystemClock().Now())) {
    common::LogError("keys_not_read", {{"why", read.error().message}});
  }
}

void Authenticator::Serve() {
  std::array<zmq_pollitem_t, 2> items{
      {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, stop_.fd(), ZMQ_POLLIN, 0}}};
  auto look_at = std::chrono::steady_clock::now();
  while (true) {
    const int ready = zmq_poll(items.data(), static_cast<int>(items.size()), kLookEvery.count());
    if (ready < 0) continue;
    if (items[1].revents != 0) return;
    if (items[0].revents != 0) Answer();
    const auto now = std::chrono::steady_clock::now();
    if (now < look_at) continue;
    look_at = now + kLookEvery;
    ReloadIfChanged();
  }
}

void Authenticator::Answer() {
  const std::vector<std::string> request = ReceiveAll(socket_);
  if (request.size() <= kRequestIdAt) return;
  const std::optional<std::string> key = KeyOf(request);
  std::shared_ptr<const AllowList> list = list_.Get();
  if (key && list->count(*key) == 0) {
    ReloadIfChanged();
    list = list_.Get();
  }
  const auto found = key ? list->find(*key) : list->end();
  const bool is_known = found != list->end();
  if (!is_known) {
    ++refused_;
    if (log_pace_.TryTake(common::SystemClock().Now())) {
      common::LogWarning("key_refused", {{"key", key.value_or("none")},
                                         {"from", request.size() > kAddressAt ? request[kAddressAt]
                                                                              : std::string()}});
    }
  }
  const std::array<std::string, 6> reply{"1.0",
                                         request[kRequestIdAt],
                                         is_known ? "200" : "400",
                                         is_known ? "" : "this key is not authorised",
                                         is_known ? MakeUserId(found->second, *key) : "",
                                         ""};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const int flags = ZMQ_DONTWAIT | (i + 1 < reply.size() ? ZMQ_SNDMORE : 0);
    zmq_send(socket_.handle(), reply[i].data(), reply[i].size(), flags);
  }
}

}  // namespace proto
