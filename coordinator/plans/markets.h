// What there is to read of Gamma and of resolutions. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/clock.h"

namespace coordinator::plans {

// Conditions in one request for resolutions.
inline constexpr std::size_t kConditionsAtOnce = 20;
// Markets that closed so long before the last walk began are asked for again.
inline constexpr common::UnixSeconds kClosedOverlap = common::UnixSeconds{24} * 3600;

// Everything: open and closed, markets and events.
std::vector<std::string> AllMarkets();
// Open ones, and those that closed since the last walk of closed ones began; 0: there was none.
std::vector<std::string> FreshMarkets(common::UnixSeconds last_walk);

// Takes conditions as "0x..." in their order.
std::vector<std::string> Resolutions(const std::vector<std::string>& conditions);
// The conditions of such a task; none for any other task.
std::vector<std::string> ConditionsOf(const std::string& task);

}  // namespace coordinator::plans
