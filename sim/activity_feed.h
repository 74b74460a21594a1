// /v2/activity: all that one wallet did, newest first unless asked otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/books.h"
#include "sim/data_parameters.h"
#include "sim/data_rows.h"
#include "sim/message.h"

namespace sim {

struct ActivityQuery {
  DataUser user;
  std::optional<std::vector<std::uint32_t>> markets;
  std::optional<common::Side> side;
  std::vector<ActivityType> types;  // none: all but tips
  bool without_deposits = true;     // nor withdrawals, even where they are named
  bool ascending = false;
  std::int64_t start = 0;
  std::int64_t end = INT64_MAX;
  std::int64_t limit = 100;
  std::optional<FeedPosition> after;
};

ParameterFailure ReadActivityQuery(const World& world, const Request& request,
                                   ActivityQuery& query);

Response AnswerActivity(const World& world, const Request& request, const ActivityQuery& query,
                        Books& books, DataRows& rows);

}  // namespace sim
