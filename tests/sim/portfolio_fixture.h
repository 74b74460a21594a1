// A world behind the Data API's routes for wallets and markets.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/decimal.h"
#include "sim/books.h"
#include "sim/data_api.h"
#include "sim/holders.h"
#include "sim/oracle.h"
#include "sim/oracle_rows.h"
#include "sim/positions.h"
#include "sim/prices.h"
#include "sim/text.h"
#include "sim/world_builder.h"
#include "tests/sim/now.h"

namespace sim {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

inline Lines Split(const std::string& text) {
  Lines lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

inline std::int64_t Millionths(const Json& number) {
  const std::string text = number.dump();
  const bool negative = text.starts_with('-');
  const auto value = common::ParseMillionths(negative ? text.substr(1) : text);
  EXPECT_TRUE(value.has_value()) << text;
  return negative ? -value.value_or(0) : value.value_or(0);
}

inline std::string Text(const Json& row, const char* key) {
  return row[key].get<std::string>();
}

class PortfolioFixture : public testing::Test {
 protected:
  Response Answer(const std::string& target) {
    Request request = ParseTarget("GET", target);
    request.now = kNow;
    request.page_fault = fault_;
    const Response response = api_.Answer(request);
    fault_done_ = response.page_fault_done;
    return response;
  }
  Json Ask(const std::string& target) {
    const Response response = Answer(target);
    EXPECT_EQ(response.status, 200) << target << response.body;
    return Json::parse(response.body);
  }
  std::vector<Json> Walk(const std::string& target) {
    std::vector<Json> rows;
    std::string cursor;
    for (bool more = true; more;) {
      const Json page = Ask(target + cursor);
      if (page["data"].is_null()) break;
      rows.insert(rows.end(), page["data"].begin(), page["data"].end());
      more = page["pagination"]["has_more"];
      if (more) cursor = "&cursor=" + page["pagination"]["next_cursor"].get<std::string>();
    }
    return rows;
  }
  std::string User(std::uint32_t wallet) const {
    return "user=" + world_->wallets()[wallet].address.ToString();
  }
  std::string Everything(std::uint32_t wallet) const {
    return "/v2/activity?start=1&exclude_deposits_withdrawals=false&" + User(wallet);
  }
  Lines Oracle(OracleSubject what) const {
    return Split(OracleText(*world_, {what, common::Source::kDataApi, std::nullopt}));
  }
  static std::string PositionLine(const Json& row) {
    std::string line = Text(row, "proxy_wallet") + '\t' + Text(row, "token_id") + '\t' +
                       Text(row, "condition_id") + '\t' + Text(row, "status");
    for (const char* key : {"current_size", "total_size"}) {
      line += fmt::format("\t{}", Millionths(row[key]));
    }
    for (const char* key : {"avg_price", "entry_cost_usdc", "current_price", "current_value",
                            "realized_pnl", "unrealized_pnl"}) {
      line += '\t';
      AppendMillionths(line, Millionths(row[key]), false);
    }
    return line;
  }

  std::unique_ptr<World> world_ =
      BuildWorld({.seed = 5, .wallets = 40, .fills = 6000, .whale_fills = 0, .recorded = ""});
  DataApi api_{*world_, 0};
  PageFault fault_ = PageFault::kNone;
  bool fault_done_ = false;
};

}  // namespace sim
