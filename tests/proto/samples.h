// One well-formed message of every type.
#pragma once

#include <string>
#include <vector>

#include "proto/seine.pb.h"

namespace proto {

inline Envelope MakeHello(const std::string& worker) {
  Envelope message;
  Hello& hello = *message.mutable_hello();
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  hello.set_worker_id(worker);
  hello.set_incarnation(std::string(16, 'i'));
  return message;
}

inline Envelope MakeBeat(std::uint64_t sequence) {
  Envelope message;
  message.mutable_beat()->set_session(1);
  message.mutable_beat()->set_sequence(sequence);
  return message;
}

template <typename Message>
void NameLease(Message& message) {
  message.set_chunk(7);
  message.set_epoch(9);
}

inline Envelope MakeWelcome() {
  Envelope message;
  Welcome& welcome = *message.mutable_welcome();
  welcome.set_session(1);
  welcome.set_term(2);
  welcome.set_heartbeat_ms(1000);
  welcome.set_lease_ms(15000);
  NameLease(*welcome.add_kept());
  RateShare& rate = *welcome.add_rates();
  rate.set_endpoint("data_trades");
  rate.set_per_second(9.5);
  rate.set_burst(5);
  return message;
}

inline Envelope MakeAssign() {
  Envelope message;
  Assign& assign = *message.mutable_assign();
  NameLease(assign);
  assign.set_kind("trades");
  WalletTask& task = *assign.add_wallets();
  task.set_wallet_id(3);
  task.set_address(std::string(20, '\x01'));
  task.add_cursors()->set_source(2);
  return message;
}

inline std::vector<Envelope> MakeOneOfEach() {
  std::vector<Envelope> all{MakeHello("w-1"), MakeWelcome(), MakeAssign(), MakeBeat(5)};
  const auto add = [&all]() -> Envelope& {
    return all.emplace_back();
  };
  add().mutable_reject()->set_reason(Reject::DUPLICATE);
  add().mutable_credit()->set_chunks(2);
  NameLease(*add().mutable_accept());
  add().mutable_beat_ack()->set_sequence(5);
  NameLease(*add().mutable_finished());
  NameLease(*add().mutable_done_ack());
  NameLease(*add().mutable_release());
  NameLease(*add().mutable_recall());
  add().mutable_fenced()->set_session(1);
  add().mutable_drain()->set_mode(QUICK);
  add().mutable_draining()->set_session(1);
  add().mutable_bye()->set_session(1);
  return all;
}

}  // namespace proto
