// A source whose upstream is a pure function: a wallet's address says how many fills it has, one a
// second, told oldest first. Bodies: "ok", or the name of a failure.
#pragma once

#include <algorithm>
#include <string>

#include "worker/sources/trade_source.h"

namespace worker::jobs {

class FakeSource final : public sources::TradeSource {
 public:
  explicit FakeSource(common::Source id = common::Source::kDataApi, std::size_t page = 10)
      : id_(id), page_(page) {}

  common::Source id() const override { return id_; }
  HttpRequest FreshnessRequest() const override { return {Endpoint::kDataOther, "status", ""}; }
  common::Result<common::UnixSeconds> ParseFreshness(std::string_view body,
                                                     common::UnixSeconds now) const override {
    if (body != "ok") return common::Error{common::ErrorKind::kTransient, "stale"};
    return now;
  }
  std::string Shortfall(common::UnixSeconds) const override { return shortfall; }
  HttpRequest PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                          common::UnixSeconds horizon) const override {
    return {Endpoint::kDataTrades,
            wallet.ToString() + "/" + cursor.position + "/" + std::to_string(horizon), ""};
  }
  common::Result<sources::Page> ParsePage(const common::WalletAddress& wallet,
                                          const common::Cursor& cursor, common::UnixSeconds horizon,
                                          std::string_view body) const override {
    using common::Error;
    using common::ErrorKind;
    if (body == "garbled") return Error{ErrorKind::kTransient, "garbled"};
    if (body == "malformed") return Error{ErrorKind::kMalformed, "malformed"};
    if (body == "refused") return Error{ErrorKind::kRejected, "refused"};
    sources::Page page;
    page.next = cursor;
    if (body == "stuck") return page;
    if (body == "unknown") {
      page.last = true;
      if (cursor.position.empty()) page.nothing_since = cursor.owned_from;
      page.next.complete_to = horizon;
      return page;
    }
    const std::size_t begin =
        cursor.position.empty() ? 0 : static_cast<std::size_t>(std::stoul(cursor.position));
    const std::size_t end = std::min(begin + page_, FillsOf(wallet));
    for (std::size_t i = begin; i < end; ++i) page.trades.push_back(FillOf(i));
    if (end > begin) page.hints.push_back({page.trades[0].token, {}, "Yes", 0});
    page.last = end == FillsOf(wallet);
    page.next.position = page.last ? "" : std::to_string(end);
    if (page.last) page.next.complete_to = horizon;
    if (body == "odd event") {
      page.refused = {"no shares"};
      if (page.last) page.shortfall = "an event cannot be a trade";
    }
    return page;
  }

  std::string shortfall;  // what Shortfall says

  static std::size_t FillsOf(const common::WalletAddress& wallet) {
    return wallet.bytes[0] * std::size_t{65536} + wallet.bytes[1] * std::size_t{256} +
           wallet.bytes[2];
  }
  static common::WalletAddress AddressOf(std::int32_t id, std::size_t fills) {
    common::WalletAddress address;
    address.bytes[0] = static_cast<std::uint8_t>(fills >> 16U);
    address.bytes[1] = static_cast<std::uint8_t>(fills >> 8U);
    address.bytes[2] = static_cast<std::uint8_t>(fills);
    address.bytes[19] = static_cast<std::uint8_t>(id);
    return address;
  }

 private:
  static common::Trade FillOf(std::size_t i) {
    common::Trade trade;
    trade.ts = static_cast<common::UnixSeconds>(i) + 1;
    trade.event_key = static_cast<std::int64_t>(i);
    trade.token.bytes[31] = 7;
    return trade;
  }

  const common::Source id_;
  const std::size_t page_;
};

}  // namespace worker::jobs
