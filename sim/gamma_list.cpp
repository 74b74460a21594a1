#include "sim/gamma_list.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/cursor.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::int64_t kMostInKeyset = 100;
constexpr std::int64_t kUsualLimit = 20;

struct Cut {
  std::vector<std::uint32_t> rows;
  std::optional<std::uint32_t> next;  // the first row of the page behind
  bool has_before = false;            // rows were put in from the page before
};

// From the row `place` on, in the order of the numbers.
Cut CutScanned(const GammaList& list, std::uint32_t place, std::size_t limit, bool repeat) {
  Cut cut;
  if (repeat && place > 0) {
    for (std::uint32_t number = place; number > 0 && cut.rows.size() < limit; --number) {
      if (list.wanted(number - 1)) cut.rows.push_back(number - 1);
    }
    std::reverse(cut.rows.begin(), cut.rows.end());
    cut.has_before = !cut.rows.empty();
    cut.next = place;
    if (cut.has_before) return cut;
  }
  for (std::uint32_t number = place; number < list.size; ++number) {
    if (!list.wanted(number)) continue;
    if (cut.rows.size() == limit) {
      cut.next = number;
      return cut;
    }
    cut.rows.push_back(number);
  }
  cut.next.reset();
  return cut;
}

Cut CutListed(const std::vector<std::uint32_t>& numbers, std::optional<std::uint32_t> place,
              std::size_t limit, bool repeat) {
  const auto found = place ? std::find(numbers.begin(), numbers.end(), *place) : numbers.begin();
  auto at = static_cast<std::size_t>(found - numbers.begin());
  Cut cut;
  cut.has_before = repeat && at > 0;
  if (cut.has_before) at -= std::min(at, limit);
  const std::size_t end = std::min(at + limit, numbers.size());
  for (std::size_t i = at; i < end; ++i) cut.rows.push_back(numbers[i]);
  if (end < numbers.size()) cut.next = numbers[end];
  return cut;
}

// All that is wanted, for lists that are short or sorted.
std::vector<std::uint32_t> AllOf(const GammaList& list) {
  std::vector<std::uint32_t> numbers;
  if (list.named) {
    std::copy_if(list.named->begin(), list.named->end(), std::back_inserter(numbers), list.wanted);
    return numbers;
  }
  for (std::uint32_t number = 0; number < list.size; ++number) {
    if (list.wanted(number)) numbers.push_back(number);
  }
  return numbers;
}

std::vector<std::uint32_t> Sorted(const GammaList& list, std::string_view order, bool ascending) {
  std::vector<std::pair<std::int64_t, std::uint32_t>> keyed;
  for (const std::uint32_t number : AllOf(list)) {
    keyed.emplace_back(list.key(order, number).value_or(0), number);
  }
  std::sort(keyed.begin(), keyed.end());
  if (!ascending) std::reverse(keyed.begin(), keyed.end());
  std::vector<std::uint32_t> numbers;
  numbers.reserve(keyed.size());
  for (const auto& [key, number] : keyed) numbers.push_back(number);
  return numbers;
}

}  // namespace

Response GammaError(int status, std::string_view type, std::string_view message) {
  std::string body = "{\"type\":";
  AppendJsonString(body, type);
  body += ",\"error\":";
  AppendJsonString(body, message);
  return JsonResponse(status, body + '}');
}

Response GammaInvalid(std::string_view what) {
  return GammaError(422, "validation error", fmt::format("{} is invalid", what));
}

std::optional<std::int64_t> GammaNumber(const Request& request, std::string_view name,
                                        std::int64_t usual, std::int64_t most) {
  const auto text = request.Get(name);
  if (!text) return usual;
  const auto number = ParseInteger(*text);
  if (!number || *number < 0 || *number > most) return std::nullopt;
  return number;
}

std::optional<bool> GammaFlag(const Request& request, std::string_view name, bool usual) {
  const auto text = request.Get(name);
  if (!text) return usual;
  if (*text == "false") return false;
  if (*text == "true") return true;
  return std::nullopt;
}

Response GammaKeysetPage(std::uint64_t seed, const Request& request, GammaList list) {
  if (request.Get("offset")) return GammaInvalid("offset");
  const auto limit = GammaNumber(request, "limit", kUsualLimit, kMostInKeyset);
  if (!limit || *limit == 0) return GammaInvalid("limit");
  const auto ascending = GammaFlag(request, "ascending", true);
  if (!ascending) return GammaInvalid("ascending");
  const std::string order(request.Get("order").value_or(""));
  if (!order.empty() && list.size > 0 && !list.key(order, 0)) return GammaInvalid("order");
  const std::string bound =
      order.empty() ? list.name : fmt::format("{}-{}-{}", list.name, order, *ascending);
  const auto cursor = request.Get("after_cursor");
  const auto place = cursor ? OpenPlace(seed, bound, *cursor) : std::optional<std::int64_t>(0);
  if (!place) return GammaInvalid("after_cursor");
  const auto number = static_cast<std::uint32_t>(*place);
  const bool repeat = request.page_fault == PageFault::kRepeat && cursor.has_value();
  const auto rows = static_cast<std::size_t>(*limit);
  const auto from = cursor ? std::optional<std::uint32_t>(number) : std::nullopt;
  Cut cut;
  if (!order.empty()) {
    cut = CutListed(Sorted(list, order, *ascending), from, rows, repeat);
  } else if (list.named) {
    cut = CutListed(AllOf(list), from, rows, repeat);
  } else {
    cut = CutScanned(list, number, rows, repeat);
  }
  Response response;
  std::string next = cut.next ? SealPlace(seed, bound, *cut.next) : "";
  if (cut.has_before) {
    next = *cursor;
    response.page_fault_done = true;
  }
  if (request.page_fault == PageFault::kEmpty && !cut.rows.empty()) {
    // The same place once more: a client that goes on from it misses nothing.
    next = SealPlace(seed, bound, cut.rows.front());
    cut.rows.clear();
    response.page_fault_done = true;
  }
  response.body = fmt::format("{{\"{}\":[", list.name);
  for (const std::uint32_t row : cut.rows) {
    if (response.rows++ > 0) response.body += ',';
    list.append(response.body, row);
  }
  response.body += ']';
  if (!next.empty()) response.body += fmt::format(R"(,"next_cursor":"{}")", next);
  response.body += '}';
  return response;
}

}  // namespace sim
