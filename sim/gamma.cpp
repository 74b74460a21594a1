#include "sim/gamma.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sim/gamma_list.h"
#include "sim/gamma_rows.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::size_t kMostTokensInUrl = 50;
constexpr std::size_t kMostConditions = 100;
constexpr std::int64_t kMostOffset = 2000;
constexpr std::int64_t kMostTags = 100;

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

// Protocol V2 writes 62 digits; the world keeps all ids at 64.
std::string Padded(std::string_view condition_id) {
  std::string id = ToLower(condition_id);
  if (id.size() == 64 && id.starts_with("0x")) id.insert(2, "00");
  return id;
}

std::optional<std::int64_t> MarketKey(const World& world, std::string_view order,
                                      std::uint32_t number) {
  const Market& market = world.markets()[number];
  if (order == "id") return number;
  if (order == "createdAt" || order == "startDate") return market.created;
  if (order == "endDate") return market.ends;
  if (order == "closedTime") return market.closed_at;
  if (order == "updatedAt") return std::max(market.closed_at, market.created);
  if (order == "volume" || order == "volumeNum") return world.VolumeOf(number);
  return std::nullopt;
}

std::optional<std::int64_t> EventKey(const World& world, std::string_view order,
                                     std::uint32_t number) {
  const Event& event = world.events()[number];
  if (order == "id") return number;
  if (order == "createdAt" || order == "startDate") return event.created;
  if (order == "endDate") return event.ends;
  if (order == "closedTime") return ClosedAt(world, event);
  if (order == "updatedAt") return std::max(ClosedAt(world, event), event.created);
  if (order == "volume") return VolumeOf(world, event);
  return std::nullopt;
}

bool Contains(const std::vector<std::string_view>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

Gamma::Gamma(const World& world, std::int64_t unknown_after_seconds)
    : world_(world), knowledge_(unknown_after_seconds) {}

Response Gamma::Answer(const Request& request) const {
  if (request.method != "GET") return GammaError(405, "method error", "method not allowed");
  constexpr std::string_view kMarket = "/markets/";
  constexpr std::string_view kEvent = "/events/";
  const std::string_view path = request.path;
  if (path == "/markets/keyset") return Markets(request);
  if (path == "/events/keyset") return Events(request);
  if (path == "/markets" || path == "/events") {
    return GammaError(410, "gone error", fmt::format("{0} is retired, use {0}/keyset", path));
  }
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
std::optional<Response> Gamma::SelectMarkets(const Request& request, GammaList& list) const {
  if (request.All("clob_token_ids").size() > kMostTokensInUrl) return UriTooLong();
  if (request.All("condition_ids").size() > kMostConditions) return GammaInvalid("condition_ids");
  for (const std::string_view id : request.All("id")) {
    if (!IsNumber(id)) return GammaInvalid("id");
  }
  const auto closed = GammaFlag(request, "closed", false);
  if (!closed) return GammaInvalid("closed");
  const auto market_of_token = [&](std::string_view decimal) -> const std::uint32_t* {
    const std::uint32_t* token = world_.FindToken(decimal);
    return token == nullptr ? nullptr : &world_.tokens()[*token].market;
  };
  const std::array named = {
      Named(request, "id", [&](std::string_view id) { return world_.FindMarketById(id); }),
      Named(request, "slug", [&](std::string_view slug) { return world_.FindMarketBySlug(slug); }),
      Named(request, "condition_ids",
            [&](std::string_view id) { return world_.FindMarketByCondition(Padded(id)); }),
      Named(request, "clob_token_ids", market_of_token),
      Named(request, "position_ids", market_of_token)};
  const auto narrow =
      std::find_if(named.begin(), named.end(), [](const auto& set) { return set.has_value(); });
  if (narrow != named.end()) list.named.emplace((*narrow)->begin(), (*narrow)->end());
  const auto questions = request.All("question_ids");
  const auto statuses = request.All("uma_resolution_status");
  const auto tag = request.Get("tag_id");
  list.wanted = [=, this, &request](std::uint32_t number) {
    const Market& market = world_.markets()[number];
    return (market.closed_at != 0) == *closed && Knows(number, request) &&
           std::all_of(named.begin(), named.end(),
                       [&](const auto& set) { return !set || set->count(number) > 0; }) &&
           (questions.empty() || Contains(questions, market.question_id)) &&
           (statuses.empty() || Contains(statuses, UmaStatus(market))) &&
           (!tag || HasTag(world_, world_.events()[market.event], *tag));
  };
  return std::nullopt;
}

Response Gamma::Markets(const Request& request) const {
  GammaList list;
  list.name = "markets";
  list.size = static_cast<std::uint32_t>(world_.markets().size());
  if (auto error = SelectMarkets(request, list)) return *std::move(error);
  const auto include_tag = GammaFlag(request, "include_tag", false);
  if (!include_tag) return GammaInvalid("include_tag");
  list.append = [this, form = MarketForm{true, *include_tag}](std::string& out,
                                                              std::uint32_t number) {
    AppendGammaMarket(out, world_, world_.markets()[number], form);
  };
  list.key = [this](std::string_view order, std::uint32_t number) {
    return MarketKey(world_, order, number);
  };
  return GammaKeysetPage(world_.seed(), request, std::move(list));
}

Response Gamma::Events(const Request& request) const {
  const auto closed = GammaFlag(request, "closed", false);
  if (!closed) return GammaInvalid("closed");
  GammaList list;
  list.name = "events";
  list.size = static_cast<std::uint32_t>(world_.events().size());
  list.wanted = [this, &request, closed, ids = request.All("id"), slugs = request.All("slug"),
                 tag = request.Get("tag_id")](std::uint32_t number) {
    const Event& event = world_.events()[number];
    return event.closed == *closed && (ids.empty() || Contains(ids, event.id)) &&
           (slugs.empty() || Contains(slugs, event.slug)) &&
           (!tag || HasTag(world_, event, *tag)) && Knows(event, request);
  };
  list.append = [this, &request](std::string& out, std::uint32_t number) {
    AppendEventRow(out, world_.events()[number], request);
  };
  list.key = [this](std::string_view order, std::uint32_t number) {
    return EventKey(world_, order, number);
  };
  return GammaKeysetPage(world_.seed(), request, std::move(list));
}

void Gamma::AppendEventRow(std::string& out, const Event& event, const Request& request) const {
  out += '{';
  AppendGammaEventFields(out, world_, event);
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
  if (!by_slug && !IsNumber(name)) return GammaInvalid("id");
  const std::uint32_t* number =
      by_slug ? world_.FindMarketBySlug(name) : world_.FindMarketById(name);
  if (number == nullptr || !Knows(*number, request)) return NotFound(by_slug ? "slug" : "id");
  const auto include_tag = GammaFlag(request, "include_tag", false);
  if (!include_tag) return GammaInvalid("include_tag");
  const Market& market = world_.markets()[*number];
  Response response;
  response.rows = 1;
  if (tags) {
    AppendGammaTags(response.body, world_, market);
  } else {
    AppendGammaMarket(response.body, world_, market, {true, *include_tag});
  }
  return response;
}

Response Gamma::OneEvent(const Request& request, std::string_view id) const {
  if (!IsNumber(id)) return GammaInvalid("id");
  const std::uint32_t* number = world_.FindEventById(id);
  if (number == nullptr || !Knows(world_.events()[*number], request)) return NotFound("id");
  Response response;
  response.rows = 1;
  AppendEventRow(response.body, world_.events()[*number], request);
  return response;
}

Response Gamma::Tags(const Request& request) const {
  const auto limit = GammaNumber(request, "limit", kMostTags, kMostTags);
  if (!limit) return GammaInvalid("limit");
  const auto offset = GammaNumber(request, "offset", 0, kMostOffset);
  if (!offset) return GammaInvalid("offset");
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
