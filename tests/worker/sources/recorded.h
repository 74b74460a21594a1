// Recorded answers of the real upstreams. They are not part of this repository.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace worker::sources {

// The recording's text; nothing where there is no such file. SEINE_SHARED_DATA names the folder, or
// it lies beside the checkout.
inline std::optional<std::string> Recorded(const std::string& name) {
  const char* const folder = std::getenv("SEINE_SHARED_DATA");
  const std::string root = folder != nullptr ? folder : SEINE_SOURCE_DIR "/../shared/data";
  std::ifstream file(root + "/" + name, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace worker::sources
