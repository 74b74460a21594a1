#include "cli/log_bound.h"

#include <system_error>

namespace cli {

void BoundLog(const std::filesystem::path& path, std::uintmax_t max_bytes) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure || size <= max_bytes) return;
  std::filesystem::copy_file(path, path.string() + ".1",
                             std::filesystem::copy_options::overwrite_existing, failure);
  // Emptied even where the copy fails: a full disk is why bounds exist.
  std::filesystem::resize_file(path, 0, failure);
}

}  // namespace cli
