#include "proto/codec.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "common/random.h"
#include "proto/seine.pb.h"
#include "tests/proto/samples.h"

namespace proto {
namespace {

constexpr std::size_t kLongest = kLongestFrameToCoordinator;

std::string WhyNot(const std::string& frame, std::size_t longest = kLongest) {
  const common::Result<Envelope> message = Decode(frame, longest);
  return message ? "" : message.error().message;
}

TEST(CodecTest, EveryTypeGoesThereAndBack) {
  std::set<std::string> names;
  for (const Envelope& message : MakeOneOfEach()) {
    const common::Result<Envelope> decoded = Decode(Encode(message), kLongest);
    ASSERT_TRUE(decoded) << TypeName(message) << ": " << decoded.error().message;
    EXPECT_EQ(decoded->SerializeAsString(), message.SerializeAsString());
    names.insert(TypeName(message));
  }
  EXPECT_EQ(names.size(), std::size_t{Envelope::kBye});
}

TEST(CodecTest, CountsEachFaultUnderItsName) {
  const std::string good = Encode(MakeHello("w-1"));
  const auto with = [&good](std::size_t index, char byte) {
    std::string frame = good;
    frame[index] = byte;
    return frame;
  };
  EXPECT_EQ(WhyNot(""), "too_short");
  EXPECT_EQ(WhyNot(good.substr(0, 5)), "too_short");
  EXPECT_EQ(WhyNot(good, good.size() - 1), "too_long");
  EXPECT_EQ(WhyNot(with(0, 'X')), "bad_magic");
  EXPECT_EQ(WhyNot(with(4, 0)), "bad_version");
  EXPECT_EQ(WhyNot(with(4, 2)), "bad_version");
  EXPECT_EQ(WhyNot(with(5, 0)), "unknown_type");
  EXPECT_EQ(WhyNot(with(5, 17)), "unknown_type");
  EXPECT_EQ(WhyNot(with(5, 2)), "type_mismatch");
  EXPECT_EQ(WhyNot(good.substr(0, 6)), "type_mismatch");
  EXPECT_EQ(WhyNot(good.substr(0, good.size() - 1)), "bad_payload");
}

TEST(CodecTest, RefusesHelloWithoutAProperName) {
  EXPECT_EQ(WhyNot(Encode(MakeHello("../etc"))), "bad_field");
  EXPECT_EQ(WhyNot(Encode(MakeHello(""))), "bad_field");
  Envelope message = MakeHello("w-1");
  message.mutable_hello()->set_incarnation("short");
  EXPECT_EQ(WhyNot(Encode(message)), "bad_field");
}

TEST(CodecTest, RefusesWhatNoWalletCanBe) {
  Envelope message = MakeAssign();
  message.mutable_assign()->mutable_wallets(0)->set_address("short");
  EXPECT_EQ(WhyNot(Encode(message)), "bad_field");
  message = MakeAssign();
  message.mutable_assign()->mutable_wallets(0)->mutable_cursors(0)->set_source(99);
  EXPECT_EQ(WhyNot(Encode(message)), "bad_field");
}

TEST(CodecTest, UnitsHaveATaskInsteadOfAnAddress) {
  Envelope message = MakeAssign();
  message.mutable_assign()->set_kind("markets");
  EXPECT_EQ(WhyNot(Encode(message)), "bad_field");
  WalletTask& unit = *message.mutable_assign()->mutable_wallets(0);
  unit.clear_address();
  EXPECT_EQ(WhyNot(Encode(message)), "bad_field");
  unit.set_task("markets open");
  EXPECT_EQ(WhyNot(Encode(message)), "");
  message.mutable_assign()->set_kind("trades");
  EXPECT_EQ(WhyNot(Encode(message)), "bad_field");
}

TEST(CodecTest, RefusesRatesThatAreNoNumbers) {
  for (const double rate : {std::nan(""), -1.0, std::numeric_limits<double>::infinity()}) {
    Envelope message = MakeWelcome();
    message.mutable_welcome()->mutable_rates(0)->set_per_second(rate);
    EXPECT_EQ(WhyNot(Encode(message)), "bad_field");
  }
}

TEST(CodecTest, SurvivesEveryCutOfEveryMessage) {
  for (const Envelope& message : MakeOneOfEach()) {
    const std::string frame = Encode(message);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const common::Result<Envelope> decoded = Decode(frame.substr(0, size), kLongest);
      EXPECT_FALSE(!decoded && decoded.error().message.empty());
    }
  }
}

TEST(CodecTest, SurvivesRandomBytes) {
  common::Random random(1);
  int refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string frame = i % 2 == 0 ? "SEIN\x01" : "";
    for (std::uint64_t left = random.Below(200); left > 0; --left) {
      frame += static_cast<char>(random.Next());
    }
    refused += Decode(frame, kLongest) ? 0 : 1;
  }
  EXPECT_GT(refused, 9'000);
}

TEST(CodecTest, SurvivesFlippedBytes) {
  common::Random random(2);
  const std::vector<Envelope> all = MakeOneOfEach();
  int accepted = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string frame = Encode(all[random.Below(all.size())]);
    frame[random.Below(frame.size())] = static_cast<char>(random.Next());
    accepted += Decode(frame, kLongest) ? 1 : 0;
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 10'000);
}

}  // namespace
}  // namespace proto
