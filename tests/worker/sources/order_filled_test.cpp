#include "worker/sources/order_filled.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"

namespace worker::sources {
namespace {

using common::Role;
using common::Side;

common::WalletAddress Address(const char* text) {
  return *common::WalletAddress::Parse(text);
}

// 10 shares for 8 pUSD, from a recorded transaction.
OrderFilledV2 Recorded10For8() {
  OrderFilledV2 event;
  event.taker = Address(kV2Exchange);
  event.token = "7513960599313508175221406531566208571173568115476583808543905304236680112729";
  event.maker_amount = "8000000";
  event.taker_amount = "10000000";
  event.fee = "115200";
  return event;
}

std::int64_t Number(simdjson::dom::element object, const char* key) {
  return std::stoll(std::string(object[key].get_string().value()));
}

// "0.05" to 50000.
std::int64_t Millionths(std::string_view rate) {
  return static_cast<std::int64_t>(std::stod(std::string(rate)) * 1e6 + 0.5);
}

TEST(OrderFilledV2Test, ABuyGivesCollateralForShares) {
  const auto trade = TradeOf(Recorded10For8());
  ASSERT_TRUE(trade) << trade.error().message;
  EXPECT_EQ(trade->side, Side::kBuy);
  EXPECT_EQ(trade->role, Role::kTaker);
  EXPECT_EQ(trade->size, 10'000'000);
  EXPECT_EQ(trade->usdc, 8'000'000);
  EXPECT_EQ(trade->fee, ExpectedFeeV2(trade->usdc, trade->size, 72'000));
}

TEST(OrderFilledV2Test, ASaleGivesSharesForCollateral) {
  OrderFilledV2 event = Recorded10For8();
  event.side = 1;
  event.taker = Address("0xc2bec11a79567ea92f7c5dfa6587eadaede6af12");
  const auto trade = TradeOf(event);
  EXPECT_EQ(trade->side, Side::kSell);
  EXPECT_EQ(trade->role, Role::kMaker);
  EXPECT_EQ(trade->size, 8'000'000);
  EXPECT_EQ(trade->usdc, 10'000'000);
}

TEST(OrderFilledV2Test, WhatHasNoPriceIsRefused) {
  OrderFilledV2 sideless = Recorded10For8();
  sideless.side = 2;
  OrderFilledV2 empty = Recorded10For8();
  empty.taker_amount = "0";
  OrderFilledV2 huge = Recorded10For8();
  huge.maker_amount = "9223372036854775808";
  OrderFilledV2 tokenless = Recorded10For8();
  tokenless.token = "";
  for (const auto& event : {sideless, empty, huge, tokenless}) EXPECT_FALSE(TradeOf(event));
}

TEST(OrderFilledV2Test, TheFeeRuleHoldsForAllRecordedLegs) {
  const auto text = Recorded("onchain/orderfilled_v2_taker_leg_amounts_fees.json");
  if (!text) GTEST_SKIP() << "no recorded data";
  simdjson::dom::parser parser;
  int legs = 0;
  for (const simdjson::dom::element leg : parser.parse(*text).get_array()) {
    const bool is_buy = leg["side"].get_string().value() == "BUY";
    const std::int64_t maker = Number(leg, "maker_amount_filled");
    const std::int64_t taker = Number(leg, "taker_amount_filled");
    const std::int64_t rate = Millionths(leg["fee_rate"].get_string().value());
    const auto fee = ExpectedFeeV2(is_buy ? maker : taker, is_buy ? taker : maker, rate);
    EXPECT_EQ(fee, Number(leg, "fee")) << leg;
    ++legs;
  }
  EXPECT_EQ(legs, 21);
}

TEST(OrderFilledV2Test, AmountsWithoutAPriceHaveNoFee) {
  EXPECT_EQ(ExpectedFeeV2(8, 0, 72'000), std::nullopt);
  EXPECT_EQ(ExpectedFeeV2(11, 10, 72'000), std::nullopt);
  EXPECT_EQ(ExpectedFeeV2(-1, 10, 72'000), std::nullopt);
  EXPECT_EQ(ExpectedFeeV2(10, 10, 72'000), 0);
}

TEST(OrderFilledTest, TheKeyIsTheHeadOfTheOrderHash) {
  common::OrderHash order;
  order.bytes[0] = 0x80;
  order.bytes[7] = 1;
  order.bytes[8] = 0xff;
  EXPECT_EQ(EventKeyOf(order), std::numeric_limits<std::int64_t>::min() + 1);
}

}  // namespace
}  // namespace worker::sources
