// Where PostgreSQL's programs are: distributions keep them out of the PATH.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/embedded_postgres.h"
#include "common/environment.h"
#include "common/postgres.h"

namespace cli {
namespace {

std::string FirstLineOf(const std::string& command) {
  struct Close {
    void operator()(std::FILE* pipe) const { pclose(pipe); }
  };
  const std::unique_ptr<std::FILE, Close> pipe(popen((command + " 2>/dev/null").c_str(), "re"));
  std::array<char, 512> line{};
  if (pipe == nullptr || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return "";
  std::string text = line.data();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// 15 from "postgres (PostgreSQL) 15.18 (Debian ...)"; 0 if the folder holds no PostgreSQL.
int VersionIn(const std::filesystem::path& folder) {
  for (const char* name : {"postgres", "initdb"}) {
    if (access((folder / name).c_str(), X_OK) != 0) return 0;
  }
  const std::string text = FirstLineOf("'" + (folder / "postgres").string() + "' --version");
  const std::size_t at = text.find(") ");
  return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 2);
}

std::vector<std::filesystem::path> Candidates() {
  std::vector<std::filesystem::path> folders;
  std::error_code failure;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", failure)) {
    folders.push_back(version.path() / "bin");
  }
  if (const std::string folder = FirstLineOf("pg_config --bindir"); !folder.empty()) {
    folders.emplace_back(folder);
  }
  const std::string path = common::Variable("PATH");
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    folders.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return folders;
}

}  // namespace

common::Result<PostgresPrograms> FindPostgresPrograms(int version) {
  PostgresPrograms best;
  for (const std::filesystem::path& folder : Candidates()) {
    const int found = VersionIn(folder);
    const bool fits = version == 0 ? found > best.version : found == version && best.version == 0;
    if (fits) best = {folder, found};
  }
  if (best.version != 0) return best;
  if (version != 0) {
    return common::Error{common::ErrorKind::kRejected,
                         fmt::format("the cluster was made by PostgreSQL {}, which is not here; "
                                     "install the package postgresql-{}",
                                     version, version)};
  }
  return common::Error{common::ErrorKind::kRejected,
                       "PostgreSQL is not installed; install the package postgresql, or give "
                       "--database URL"};
}

bool ExportConnection(const std::string& url) {
  struct Free {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  };
  const std::unique_ptr<PQconninfoOption, Free> options(PQconninfoParse(url.c_str(), nullptr));
  if (options == nullptr) return false;
  for (const PQconninfoOption* one = options.get(); one->keyword != nullptr; ++one) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this program has one thread, and becomes another.
    if (one->val != nullptr && one->envvar != nullptr) setenv(one->envvar, one->val, 1);
  }
  return true;
}

}  // namespace cli
