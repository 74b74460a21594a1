// Gamma's list of tags, by offset.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/http.h"

namespace worker::sources {

struct GammaTag {
  std::string id;
  std::string label;
  std::string slug;

  friend bool operator==(const GammaTag&, const GammaTag&) = default;
};

inline constexpr std::size_t kTagsPerPage = 100;

HttpRequest GammaTagsRequest(const std::string& gamma_url, std::size_t offset);

// Fewer than kTagsPerPage end the walk. A tag without an id is left out. kTransient: no complete
// JSON, or an error body.
common::Result<std::vector<GammaTag>> ParseGammaTags(std::string_view body);

}  // namespace worker::sources
