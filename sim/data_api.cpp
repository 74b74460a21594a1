#include "sim/data_api.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "sim/activity_feed.h"
#include "sim/blocks.h"
#include "sim/holders.h"
#include "sim/list_page.h"
#include "sim/positions.h"
#include "sim/random.h"
#include "sim/resolutions.h"
#include "sim/text.h"
#include "sim/trades_query.h"

namespace sim {
namespace {

constexpr std::int64_t kCacheAgeSeconds = 300;
constexpr std::size_t kMostCached = 10'000;

bool Wanted(const World& world, const TradesQuery& query, const Fill& fill) {
  if (query.taker_only && fill.role != common::Role::kTaker) return false;
  if ((query.amount_is_cash ? fill.usdc : fill.size) < query.least_amount) return false;
  if (query.side && fill.side != *query.side) return false;
  if (!query.markets || !query.user.address) return true;
  const std::uint32_t market = world.tokens()[fill.token].market;
  return std::find(query.markets->begin(), query.markets->end(), market) != query.markets->end();
}

bool IsGone(std::string_view path) {
  constexpr std::array<std::string_view, 5> kGone = {"/trades", "/positions", "/activity",
                                                     "/holders", "/value"};
  return std::find(kGone.begin(), kGone.end(), path) != kGone.end();
}

}  // namespace

// The fills that a query may walk, oldest first, and how far the walk has come.
struct DataApi::Page {
  TradesQuery query;
  std::vector<FillNumber> merged;  // of several markets
  std::span<const FillNumber> numbers;
  bool everything = false;  // all fills of the world; `numbers` is not used
  std::size_t visible = 0;  // fills from here on are hidden by a cache

  std::size_t size() const { return everything ? visible : numbers.size(); }
  FillNumber At(std::size_t index) const {
    return everything ? static_cast<FillNumber>(index) : numbers[index];
  }
  // How many of the numbers are below `limit`.
  std::size_t CountBelow(std::uint64_t limit) const {
    if (everything) return std::min<std::size_t>(visible, limit);
    return static_cast<std::size_t>(
        std::partition_point(numbers.begin(), numbers.end(),
                             [limit](FillNumber number) { return number < limit; }) -
        numbers.begin());
  }
};

DataApi::DataApi(const World& world, std::int64_t cache_seconds)
    : world_(world), cache_seconds_(cache_seconds), rows_(world), books_(world) {}

Response DataApi::Answer(const Request& request) {
  const std::string_view path = request.path;
  if (IsGone(path)) return DataError(410, "not_found", "this v1 route is retired, use /v2", "");
  if (request.method != "GET") {
    return DataError(405, "method_not_allowed", "method not allowed", "");
  }
  if (path == "/v2/trades") return Trades(request);
  if (path == "/v2/activity") return Activity(request);
  if (path == "/v2/positions") return AnswerPositions(world_, request, books_);
  if (path == "/v2/value") return AnswerValue(world_, request, books_);
  if (path == "/v2/holders") return AnswerHolders(world_, request, books_);
  if (path == "/v2/resolutions") return AnswerResolutions(world_, request);
  if (path == "/v2/status") return Status(request);
  return DataError(404, "not_found", "no such route", "");
}

Response DataApi::Activity(const Request& request) {
  ActivityQuery query;
  if (const auto error = ReadActivityQuery(world_, request, query)) {
    return DataError(400, "invalid_request", error->message, error->parameter);
  }
  return AnswerActivity(world_, request, query, books_, rows_);
}

// Fills that a first page shows. A cache shows it as it was some time ago.
std::size_t DataApi::VisibleFills(const Request& request) {
  const std::size_t all = world_.fills().size();
  if (request.Get("cursor")) return all;
  if (request.page_fault == PageFault::kStale) {
    const auto older = [&](const Fill& fill) {
      return fill.ts < request.now - kCacheAgeSeconds;
    };
    return static_cast<std::size_t>(
        std::partition_point(world_.fills().begin(), world_.fills().end(), older) -
        world_.fills().begin());
  }
  if (cache_seconds_ == 0) return all;
  if (cache_.size() > kMostCached) cache_.clear();
  Cached& cached = cache_[request.path + '?' + request.query_text];
  if (cached.expires <= request.now) cached = {request.now + cache_seconds_, all};
  return cached.fills;
}

Response DataApi::Trades(const Request& request) {
  Page page;
  TradesQuery& query = page.query;
  if (const auto error = ReadTradesQuery(world_, request, query)) {
    return DataError(400, "invalid_request", error->message, error->parameter);
  }
  if (query.user.address && !query.user.wallet) return NoRows(query.limit);
  Response response;
  page.visible = VisibleFills(request);
  if (query.user.wallet) {
    page.numbers = world_.FillsOf(*query.user.wallet);
  } else if (query.markets) {
    for (const std::uint32_t market : *query.markets) {
      const auto inner = world_.FillsIn(market);
      page.merged.insert(page.merged.end(), inner.begin(), inner.end());
    }
    std::sort(page.merged.begin(), page.merged.end());
    page.merged.erase(std::unique(page.merged.begin(), page.merged.end()), page.merged.end());
    page.numbers = page.merged;
  } else {
    page.everything = true;
  }
  WriteRows(request, page, response);
  return response;
}

void DataApi::WriteRows(const Request& request, Page& page, Response& response) {
  const TradesQuery& query = page.query;
  std::size_t at = page.CountBelow(page.visible);
  if (request.page_fault == PageFault::kStale && !query.after) response.page_fault_done = true;
  std::string repeated_cursor;
  if (query.after) {
    at = page.CountBelow(static_cast<std::uint64_t>(query.after->sequence % kSequencePerBlock));
    if (request.page_fault == PageFault::kRepeat && at < page.size()) {
      // The page before: as many wanted rows back as a page holds, or to the newest row.
      std::int64_t back = 0;
      while (at < page.size() && back < query.limit) {
        back += Wanted(world_, query, world_.fills()[page.At(at++)]) ? 1 : 0;
      }
      repeated_cursor = *request.Get("cursor");
      response.page_fault_done = true;
    }
  }
  std::string& out = response.body;
  out.reserve(static_cast<std::size_t>(query.limit) * 1000 + 400);
  out = "{\"data\":[";
  const bool empty = request.page_fault == PageFault::kEmpty;
  std::int64_t rows = 0;
  bool more = false;
  FeedPosition last{query.limit, 0, 0};
  while (at > 0) {
    const FillNumber number = page.At(--at);
    const Fill& fill = world_.fills()[number];
    if (fill.ts < query.start) break;
    if (fill.ts > query.end || !Wanted(world_, query, fill)) continue;
    more = rows == query.limit || empty;
    if (more) break;
    if (rows++ > 0) out += ',';
    rows_.AppendTrade(out, fill);
    last.timestamp = fill.ts;
    last.sequence = SequenceOf(world_, number);
  }
  response.rows = static_cast<std::size_t>(rows);
  std::string next = more ? SealFeedCursor(world_.seed(), kTradesEndpoint, last) : "";
  if (empty && more) {
    // The same place once more: a client that goes on from it misses nothing.
    next = query.after ? std::string(*request.Get("cursor"))
                       : SealFeedCursor(world_.seed(), kTradesEndpoint,
                                        {query.limit, request.now, kSequencePerBlock - 1});
    response.page_fault_done = true;
  }
  if (!repeated_cursor.empty()) {
    next = repeated_cursor;
    more = true;
  }
  if (more && request.page_fault == PageFault::kNoCursor) {
    next.clear();
    response.page_fault_done = true;
  }
  AppendPagination(out, query.limit, more, next);
}

Response DataApi::Status(const Request& request) const {
  const bool lagging = request.page_fault == PageFault::kLagging;
  const std::int64_t age = lagging ? 5400 : request.now % 30;
  const std::int64_t lag = lagging ? 5380 : request.now % 7;
  const std::int64_t block = BlockAt(request.now - lag);
  Response response = JsonResponse(
      200,
      fmt::format(
          R"({{"data":{{"computed_at":"{}","age_seconds":{},"serving":{{"lag_seconds":{},"worst":"activity_feed","mechanisms":[)"
          R"({{"name":"activity_feed","age_seconds":{}}},{{"name":"custody_balances","age_seconds":0,"blocks_behind":833}},)"
          R"({{"name":"pnl","age_seconds":1,"blocks_behind":1}}]}},"ingestion":{{"cursors":148,"network":"polygon","chain_id":137,)"
          R"("max_synced_block":{},"min_synced_block":{},"most_lagged":{{"source":"auto_redeem_binary_redemption","block":{},"behind_max":1}},)"
          R"("lagging":[{{"source":"auto_redeem_binary_redemption","block":{},"behind_max":1}}]}}}}}})",
          IsoTime(request.now - age), age, lag, lag, block, block - 1, block - 1, block - 1));
  response.page_fault_done = lagging;
  return response;
}

Response DataError(int status, const std::string& code, const std::string& message,
                   const std::string& parameter) {
  const bool retryable = status == 429 || status >= 500;
  std::string body = "{\"error\":";
  AppendJsonString(body, message);
  body += fmt::format(R"(,"code":"{}","retryable":{},"trace_id":"{:016x}")", code, retryable,
                      Mix(static_cast<std::uint64_t>(status), message.size()));
  if (!parameter.empty()) body += fmt::format(R"(,"parameter":"{}")", parameter);
  return JsonResponse(status, body + '}');
}

}  // namespace sim
