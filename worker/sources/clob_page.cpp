#include "worker/sources/clob_page.h"

#include <algorithm>
#include <string>
#include <utility>

#include "worker/sources/error_body.h"
#include "worker/sources/json_dom.h"

namespace worker::sources {
namespace {

namespace dom = simdjson::dom;

common::Error Unreadable(std::string_view body) {
  return {common::ErrorKind::kTransient, "the CLOB's answer is no market: " + Evidence(body)};
}

common::Result<dom::element> Parse(dom::parser& parser, std::string_view body) {
  dom::element document;
  if (const auto code = parser.parse(body.data(), body.size()).get(document)) {
    return common::Error{
        common::ErrorKind::kTransient,
        std::string("the CLOB's answer is no complete JSON: ") + simdjson::error_message(code)};
  }
  if (!document.is_object()) return Unreadable(body);
  return document;
}

}  // namespace

common::Result<common::ConditionId> ParseClobTokenMarket(std::string_view body) {
  dom::parser parser;
  const auto document = Parse(parser, body);
  if (!document) return document.error();
  const auto condition = common::ParseConditionId(TextOf(*document, "condition_id"));
  if (!condition) return Unreadable(body);
  return *condition;
}

common::Result<store::MarketInfo> ParseClobMarket(std::string_view body) {
  dom::parser parser;
  const auto document = Parse(parser, body);
  if (!document) return document.error();
  const auto condition = common::ParseConditionId(TextOf(*document, "condition_id"));
  dom::array tokens;
  if (!condition || (*document)["tokens"].get_array().get(tokens) != simdjson::SUCCESS) {
    return Unreadable(body);
  }
  store::MarketInfo info;
  info.condition = *condition;
  info.slug = TextOf(*document, "market_slug");
  info.question = TextOf(*document, "question");
  info.neg_risk = FlagOf(*document, "neg_risk");
  info.closed = FlagOf(*document, "closed");
  info.end_date = TextOf(*document, "end_date_iso");
  std::vector<std::int64_t> payouts;
  for (const dom::element item : tokens) {
    const auto token = common::TokenId::ParseDecimal(TextOf(item, "token_id"));
    if (token) info.tokens.push_back(*token);
    info.outcomes.push_back(TextOf(item, "outcome"));
    payouts.push_back(FlagOf(item, "winner").value_or(false) ? store::kWholePayout : 0);
  }
  // Markets that never opened have empty token ids. Without its token nobody knows which outcome
  // one is, and a gap would shift those that follow.
  if (info.tokens.size() != payouts.size()) {
    info.tokens.clear();
    info.outcomes.clear();
    payouts.clear();
  }
  // No winner: not over, or not told. Several: it does not tell how they share.
  if (std::count(payouts.begin(), payouts.end(), store::kWholePayout) == 1) {
    info.resolution = store::Resolution{store::ResolutionSource::kClob, std::move(payouts), 0};
  }
  dom::element tags;
  if ((*document)["tags"].get(tags) == simdjson::SUCCESS) info.tags = TextsOf(tags);
  for (const std::string& tag : info.tags) {
    if (info.category.empty() && tag != store::kTagOfAll) info.category = tag;
  }
  info.category_is_weak = true;
  return info;
}

}  // namespace worker::sources
