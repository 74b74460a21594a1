#include "sim/gamma.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sim/cursor.h"
#include "sim/gamma_rows.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::size_t kMostTokensInUrl = 50;
constexpr std::size_t kMostConditions = 100;
constexpr std::int64_t kMostOffset = 2000;
constexpr std::int64_t kMostListed = 500;
constexpr std::int64_t kMostInKeyset = 100;
constexpr std::int64_t kMostTags = 100;
constexpr std::int64_t kUsualLimit = 20;

Response GammaError(int status, std::string_view type, std::string_view message) {
  std::string body = "{\"type\":";
  AppendJsonString(body, type);
  body += ",\"error\":";
  AppendJsonString(body, message);
  return JsonResponse(status, body + '}');
}

Response Invalid(std::string_view what) {
  return GammaError(422, "validation error", fmt::format("{} is invalid", what));
}

Response NotFound(std::string_view what) {
  return GammaError(404, "not found error", fmt::format("{} not found", what));
}

Response UriTooLong() {
  Response response =
      JsonResponse(414,
                   "<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n<body>\r\n"
                   "<center><h1>414 Request-URI Too Large</h1></center>\r\n</body>\r\n</html>\r\n");
  response.content_type = "text/html";
  return response;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A number of 0 to `most`, or nothing where the parameter is wrong.
std::optional<std::int64_t> Number(const Request& request, std::string_view name,
                                   std::int64_t usual, std::int64_t most) {
  const auto text = request.Get(name);
  if (!text) return usual;
  const auto number = ParseInteger(*text);
  if (!number || *number < 0 || *number > most) return std::nullopt;
  return number;
}

std::optional<bool> Flag(const Request& request, std::string_view name) {
  const auto text = request.Get(name);
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  return std::nullopt;
}

// The market numbers that a repeated parameter names; nothing where it is not there.
template <typename Finder>
std::optional<std::set<std::uint32_t>> Named(const Request& request, std::string_view parameter,
                                             Finder find) {
  const auto values = request.All(parameter);
  if (values.empty()) return std::nullopt;
  std::set<std::uint32_t> numbers;
  for (const std::string_view value : values) {
    if (const std::uint32_t* number = find(value)) numbers.insert(*number);
  }
  return numbers;
}

bool HasTag(const World& world, const Event& event, std::string_view id) {
  return std::any_of(event.tags.begin(), event.tags.end(),
                     [&](std::uint32_t tag) { return world.tags()[tag].id == id; });
}

bool Contains(const std::vector<std::string_view>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

// What a keyset page is cut from.
struct Gamma::List {
  std::string_view name;  // the key of the rows; a cursor is bound to it
  const std::vector<std::uint32_t>& numbers;
  std::function<void(std::string&, std::uint32_t)> append;
};

Gamma::Gamma(const World& world, std::int64_t unknown_after_seconds)
    : world_(world), knowledge_(unknown_after_seconds) {}

Response Gamma::Answer(const Request& request) const {
  if (request.method != "GET") return GammaError(405, "method error", "method not allowed");
  constexpr std::string_view kMarket = "/markets/";
  constexpr std::string_view kEvent = "/events/";
  const std::string_view path = request.path;
  if (path == "/markets") return Markets(request, false);
  if (path == "/markets/keyset") return Markets(request, true);
  if (path == "/events/keyset") return Events(request);
  if (path == "/tags") return Tags(request);
  if (path.starts_with(kMarket)) return OneMarket(request, path.substr(kMarket.size()));
  if (path.starts_with(kEvent)) return OneEvent(request, path.substr(kEvent.size()));
  return NotFound("route");
}

bool Gamma::Knows(std::uint32_t market, const Request& request) const {
  return knowledge_.InGamma(world_.markets()[market], request.now);
}

bool Gamma::Knows(const Event& event, const Request& request) const {
  return !event.id.empty() &&
         std::any_of(event.markets.begin(), event.markets.end(),
                     [&](std::uint32_t market) { return Knows(market, request); });
}

// Values of one parameter are alternatives; several parameters narrow each other.
std::optional<Response> Gamma::SelectMarkets(const Request& request,
                                             std::vector<std::uint32_t>& numbers) const {
  if (request.All("clob_token_ids").size() > kMostTokensInUrl) return UriTooLong();
  if (request.All("condition_ids").size() > kMostConditions) return Invalid("condition_ids");
  for (const std::string_view id : request.All("id")) {
    if (!IsNumber(id)) return Invalid("id");
  }
  const auto closed = Flag(request, "closed");
  if (!closed) return Invalid("closed");
  const std::array named = {
      Named(request, "id", [&](std::string_view id) { return world_.FindMarketById(id); }),
      Named(request, "slug", [&](std::string_view slug) { return world_.FindMarketBySlug(slug); }),
      Named(request, "condition_ids",
            [&](std::string_view id) { return world_.FindMarketByCondition(ToLower(id)); }),
      Named(request, "clob_token_ids", [&](std::string_view decimal) -> const std::uint32_t* {
        const std::uint32_t* token = world_.FindToken(decimal);
        return token == nullptr ? nullptr : &world_.tokens()[*token].market;
      })};
  const auto questions = request.All("question_ids");
  const auto statuses = request.All("uma_resolution_status");
  const auto tag = request.Get("tag_id");
  const auto wanted = [&](std::uint32_t number) {
    const Market& market = world_.markets()[number];
    return (market.closed_at != 0) == *closed && Knows(number, request) &&
           std::all_of(named.begin(), named.end(),
                       [&](const auto& set) { return !set || set->count(number) > 0; }) &&
           (questions.empty() || Contains(questions, market.question_id)) &&
           (statuses.empty() || Contains(statuses, UmaStatus(market))) &&
           (!tag || HasTag(world_, world_.events()[market.event], *tag));
  };
  const auto narrow =
      std::find_if(named.begin(), named.end(), [](const auto& set) { return set.has_value(); });
  if (narrow != named.end()) {
    std::copy_if((*narrow)->begin(), (*narrow)->end(), std::back_inserter(numbers), wanted);
    return std::nullopt;
  }
  for (std::uint32_t number = 0; number < world_.markets().size(); ++number) {
    if (wanted(number)) numbers.push_back(number);
  }
  return std::nullopt;
}

Response Gamma::Markets(const Request& request, bool keyset) const {
  std::vector<std::uint32_t> numbers;
  if (auto error = SelectMarkets(request, numbers)) return *std::move(error);
  const auto include_tag = Flag(request, "include_tag");
  if (!include_tag) return Invalid("include_tag");
  const MarketForm form{true, *include_tag};
  const auto append = [&](std::string& out, std::uint32_t number) {
    AppendGammaMarket(out, world_, world_.markets()[number], form);
  };
  if (keyset) return KeysetPage(request, {"markets", numbers, append});
  const auto limit = Number(request, "limit", kUsualLimit, kMostListed);
  if (!limit) return Invalid("limit");
  const auto offset = Number(request, "offset", 0, kMostOffset);
  if (!offset) {
    return GammaError(422, "validation error", "offset is too large, use /markets/keyset");
  }
  Response response = JsonResponse(200, "[");
  for (auto at = static_cast<std::size_t>(*offset);
       at < numbers.size() && response.rows < static_cast<std::size_t>(*limit); ++at) {
    if (response.rows++ > 0) response.body += ',';
    append(response.body, numbers[at]);
  }
  response.body += ']';
  return response;
}

Response Gamma::KeysetPage(const Request& request, const List& list) const {
  if (request.Get("offset")) return Invalid("offset");
  const auto limit = Number(request, "limit", kUsualLimit, kMostInKeyset);
  if (!limit || *limit == 0) return Invalid("limit");
  const auto cursor = request.Get("after_cursor");
  const auto place = cursor ? OpenPlace(world_.seed(), list.name, *cursor) : 0;
  if (!place) return Invalid("after_cursor");
  const auto size = static_cast<std::size_t>(*limit);
  auto at = static_cast<std::size_t>(
      std::lower_bound(list.numbers.begin(), list.numbers.end(), *place) - list.numbers.begin());
  Response response;
  std::string next;
  if (request.page_fault == PageFault::kRepeat && cursor && at > 0) {
    at -= std::min(at, size);
    next = *cursor;
    response.page_fault_done = true;
  }
  const std::size_t end = std::min(at + size, list.numbers.size());
  if (next.empty() && end < list.numbers.size()) {
    next = SealPlace(world_.seed(), list.name, list.numbers[end]);
  }
  const bool empty = request.page_fault == PageFault::kEmpty && at < list.numbers.size();
  if (empty) {
    // The same place once more: a client that goes on from it misses nothing.
    next = SealPlace(world_.seed(), list.name, list.numbers[at]);
    response.page_fault_done = true;
  }
  response.body = fmt::format("{{\"{}\":[", list.name);
  for (; at < end && !empty; ++at) {
    if (response.rows++ > 0) response.body += ',';
    list.append(response.body, list.numbers[at]);
  }
  response.body += ']';
  if (!next.empty()) response.body += fmt::format(R"(,"next_cursor":"{}")", next);
  response.body += '}';
  return response;
}

Response Gamma::Events(const Request& request) const {
  const auto closed = Flag(request, "closed");
  if (!closed) return Invalid("closed");
  const auto ids = request.All("id");
  const auto slugs = request.All("slug");
  const auto tag = request.Get("tag_id");
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 0; number < world_.events().size(); ++number) {
    const Event& event = world_.events()[number];
    if (event.closed != *closed || (!ids.empty() && !Contains(ids, event.id))) continue;
    if (!slugs.empty() && !Contains(slugs, event.slug)) continue;
    if (tag && !HasTag(world_, event, *tag)) continue;
    if (Knows(event, request)) numbers.push_back(number);
  }
  return KeysetPage(request, {"events", numbers, [&](std::string& out, std::uint32_t number) {
                                AppendEventRow(out, world_.events()[number], request);
                              }});
}

void Gamma::AppendEventRow(std::string& out, const Event& event, const Request& request) const {
  out += '{';
  AppendGammaEventFields(out, event);
  out += R"(,"markets":[)";
  for (const std::uint32_t market : event.markets) {
    if (!Knows(market, request)) continue;
    if (out.back() != '[') out += ',';
    AppendGammaMarket(out, world_, world_.markets()[market], {false, false});
  }
  out += R"(],"tags":)";
  AppendGammaTags(out, world_, event);
  out += '}';
}

// "{id}", "{id}/tags" and "slug/{slug}".
Response Gamma::OneMarket(const Request& request, std::string_view rest) const {
  constexpr std::string_view kBySlug = "slug/";
  const std::size_t slash = rest.find('/');
  const bool by_slug = rest.starts_with(kBySlug);
  const bool tags = !by_slug && slash != std::string_view::npos;
  if (tags && rest.substr(slash) != "/tags") return NotFound("route");
  const std::string_view name = by_slug ? rest.substr(kBySlug.size()) : rest.substr(0, slash);
  if (!by_slug && !IsNumber(name)) return Invalid("id");
  const std::uint32_t* number =
      by_slug ? world_.FindMarketBySlug(name) : world_.FindMarketById(name);
  if (number == nullptr || !Knows(*number, request)) return NotFound(by_slug ? "slug" : "id");
  const auto include_tag = Flag(request, "include_tag");
  if (!include_tag) return Invalid("include_tag");
  const Market& market = world_.markets()[*number];
  Response response;
  response.rows = 1;
  if (tags) {
    AppendGammaTags(response.body, world_, world_.events()[market.event]);
  } else {
    AppendGammaMarket(response.body, world_, market, {true, *include_tag});
  }
  return response;
}

Response Gamma::OneEvent(const Request& request, std::string_view id) const {
  if (!IsNumber(id)) return Invalid("id");
  const std::uint32_t* number = world_.FindEventById(id);
  if (number == nullptr || !Knows(world_.events()[*number], request)) return NotFound("id");
  Response response;
  response.rows = 1;
  AppendEventRow(response.body, world_.events()[*number], request);
  return response;
}

Response Gamma::Tags(const Request& request) const {
  const auto limit = Number(request, "limit", kMostTags, kMostTags);
  if (!limit) return Invalid("limit");
  const auto offset = Number(request, "offset", 0, kMostOffset);
  if (!offset) return Invalid("offset");
  Response response = JsonResponse(200, "[");
  for (auto at = static_cast<std::size_t>(*offset);
       at < world_.tags().size() && response.rows < static_cast<std::size_t>(*limit); ++at) {
    if (response.rows++ > 0) response.body += ',';
    AppendGammaTag(response.body, world_.tags()[at]);
  }
  response.body += ']';
  return response;
}

}  // namespace sim
