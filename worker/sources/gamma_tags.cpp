#include "worker/sources/gamma_tags.h"

#include <utility>

#include <fmt/format.h>

#include "worker/sources/error_body.h"
#include "worker/sources/json_dom.h"

namespace worker::sources {

namespace dom = simdjson::dom;

HttpRequest GammaTagsRequest(const std::string& gamma_url, std::size_t offset) {
  return {.endpoint = Endpoint::kGammaOther,
          .url = fmt::format("{}/tags?limit={}&offset={}", gamma_url, kTagsPerPage, offset),
          .body = {}};
}

common::Result<std::vector<GammaTag>> ParseGammaTags(std::string_view body) {
  dom::parser parser;
  dom::element document;
  dom::array list;
  const auto code = parser.parse(body.data(), body.size()).get(document);
  if (code != simdjson::SUCCESS || document.get_array().get(list) != simdjson::SUCCESS) {
    return common::Error{common::ErrorKind::kTransient,
                         "Gamma's answer is no list of tags: " + Evidence(body)};
  }
  std::vector<GammaTag> tags;
  for (const dom::element item : list) {
    GammaTag tag{TextOf(item, "id"), TextOf(item, "label"), TextOf(item, "slug")};
    if (!tag.id.empty()) tags.push_back(std::move(tag));
  }
  return tags;
}

}  // namespace worker::sources
