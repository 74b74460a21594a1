// Events of the orderbook subgraph as it writes them, for tests.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/clock.h"
#include "tests/worker/sources/known_ids.h"

namespace worker::sources {

inline constexpr char kMaker[] = "0x8119010a6e589062aa03583bb3f39ca632d9f887";
inline constexpr char kOther[] = "0x75c1b78cdb5d3d7b1e5b4f0a5c9d9e9f2a4dfc78";
inline constexpr char kToken[] = "2174263314346390629056905015582624153306727273689761";
inline constexpr common::UnixSeconds kThen = 1'728'000'000;

struct Event {
  int tx = 1;
  int order = 1;
  common::UnixSeconds ts = kThen;
  std::string maker = kMaker;
  std::string taker = kOther;
  std::string gives = "0";
  std::string gets = kToken;
  std::string given = "2326895910";
  std::string got = "4719870000";
  std::string fee = "0";
};

// "0x" and 64 digits that begin with the number, so that texts are in the order of the numbers.
inline std::string Hash(int number) {
  return fmt::format("0x{:08x}{:056x}", number, 0);
}

inline std::string RowOf(const Event& event) {
  return fmt::format(
      R"({{"id":"{0}_{1}","transactionHash":"{0}","orderHash":"{1}","timestamp":"{2}",)"
      R"("maker":"{3}","taker":"{4}","makerAssetId":"{5}","takerAssetId":"{6}",)"
      R"("makerAmountFilled":"{7}","takerAmountFilled":"{8}","fee":"{9}"}})",
      Hash(event.tx), Hash(event.order), event.ts, event.maker, event.taker, event.gives,
      event.gets, event.given, event.got, event.fee);
}

inline std::string Answer(const std::vector<Event>& events) {
  std::string rows;
  for (const Event& event : events) rows += (rows.empty() ? "" : ",") + RowOf(event);
  return R"({"data":{"orderFilledEvents":[)" + rows + "]}}";
}

// A full page within one second, its transactions numbered from `first` on.
inline std::vector<Event> FullPage(int first) {
  std::vector<Event> events;
  for (int i = 0; i < 1000; ++i) events.push_back({.tx = first + i});
  return events;
}

}  // namespace worker::sources
