#include "worker/sources/gamma_page.h"

#include <string>
#include <utility>

#include "worker/sources/error_body.h"
#include "worker/sources/gamma_market.h"
#include "worker/sources/json_dom.h"

namespace worker::sources {

namespace dom = simdjson::dom;

common::Result<std::vector<store::MarketInfo>> ParseGammaMarkets(std::string_view body) {
  dom::parser parser;
  dom::element document;
  if (const auto code = parser.parse(body.data(), body.size()).get(document)) {
    return common::Error{
        common::ErrorKind::kTransient,
        std::string("Gamma's answer is no complete JSON: ") + simdjson::error_message(code)};
  }
  dom::array list;
  if (document.get_array().get(list) != simdjson::SUCCESS &&
      document["markets"].get_array().get(list) != simdjson::SUCCESS) {
    if (auto told = ParseErrorBody(body))
      return common::Error{common::ErrorKind::kTransient, told->message};
    return common::Error{common::ErrorKind::kTransient,
                         "Gamma's answer is no list of markets: " + Evidence(body)};
  }
  if (list.size() == 0 && !TextOf(document, "next_cursor").empty()) {
    return common::Error{common::ErrorKind::kTransient,
                         "Gamma's answer has no rows and yet there is more"};
  }
  std::vector<store::MarketInfo> markets;
  GammaReader reader;
  for (const dom::element market : list) {
    auto info = reader.ReadMarket(market);
    // Without tokens it answers no question, and the CLOB is asked instead.
    if (info && !info->tokens.empty()) markets.push_back(std::move(*info));
  }
  return markets;
}

}  // namespace worker::sources
