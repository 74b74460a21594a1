#include "cli/postgres_settings.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <unistd.h>

namespace cli {
namespace {

// sun_path holds 107 characters and the end; "/.s.PGSQL.5432" is added.
constexpr std::size_t kMaxSocketFolder = 85;

// 512 MB of shared buffers on a machine of 4 GB or more, an eighth of the memory on a smaller one.
long SharedBuffersMb() {
  const long memory_mb = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGE_SIZE) / 1024;
  return std::clamp(memory_mb / 8, 32L, 512L);
}

std::uint64_t HashOf(const std::string& text) {  // FNV-1a
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

}  // namespace

std::string PostgresSettings(const std::filesystem::path& socket_folder) {
  return fmt::format(
      "# Written by seine at every start. Your own settings go to postgresql.conf, below the line\n"
      "# that includes this file.\n"
      "listen_addresses = ''\n"
      "unix_socket_directories = '{}'\n"
      "unix_socket_permissions = 0700\n"
      "max_connections = 200\n"
      "shared_buffers = {}MB\n"
      "maintenance_work_mem = 128MB\n"
      "max_wal_size = 8GB\n"
      "min_wal_size = 256MB\n"
      "checkpoint_timeout = 15min\n"
      "checkpoint_completion_target = 0.9\n"
      "wal_level = minimal\n"
      "max_wal_senders = 0\n"
      "wal_compression = on\n"
      "synchronous_commit = on\n"
      "wal_writer_delay = 10ms\n"
      "fsync = on\n"
      "full_page_writes = on\n"
      "autovacuum_vacuum_insert_scale_factor = 0.4\n"
      "random_page_cost = 1.1\n"
      "jit = off\n"
      "timezone = 'UTC'\n"
      "log_timezone = 'UTC'\n"
      "log_line_prefix = '%m '\n"
      "log_checkpoints = off\n",
      socket_folder.string(), SharedBuffersMb());
}

std::filesystem::path SocketFolderFor(const std::filesystem::path& postgres) {
  const std::string text = postgres.string();
  if (text.size() <= kMaxSocketFolder && text.find_first_of(",'\\\n") == std::string::npos) {
    return postgres;
  }
  return fmt::format("/tmp/seine-{:016x}", HashOf(text));
}

}  // namespace cli
