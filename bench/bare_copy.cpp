#include "bench/bare_copy.h"

#include <chrono>
#include <memory>
#include <vector>

#include "common/check.h"
#include "common/postgres.h"

namespace bench {
namespace {

struct FreeBuffer {
  void operator()(char* buffer) const { PQfreemem(buffer); }
};

void Exec(common::PgConnection& connection, const std::string& script) {
  CHECK(connection.ExecScript(script).has_value());
}

// All rows of `trade`, as COPY writes them.
std::vector<std::string> CopyOut(common::PgConnection& connection) {
  std::vector<std::string> pieces;
  PGconn* const handle = connection.handle();
  PQclear(PQexec(handle, "COPY trade TO STDOUT BINARY"));
  char* buffer = nullptr;
  for (int size = PQgetCopyData(handle, &buffer, 0); size >= 0;
       size = PQgetCopyData(handle, &buffer, 0)) {
    const std::unique_ptr<char, FreeBuffer> piece(buffer);
    if (pieces.empty() || pieces.back().size() > (1U << 16U)) pieces.emplace_back();
    pieces.back().append(buffer, static_cast<std::size_t>(size));
  }
  while (PGresult* rest = PQgetResult(handle)) PQclear(rest);
  return pieces;
}

}  // namespace

double SecondsOfBareCopy(const std::string& database_url) {
  auto opened = common::PgConnection::Open(database_url);
  CHECK(opened.has_value());
  common::PgConnection& connection = *opened;
  const std::vector<std::string> pieces = CopyOut(connection);
  Exec(connection, "DROP TABLE IF EXISTS reference");
  Exec(connection, "CREATE TABLE reference (LIKE trade INCLUDING ALL)");
  Exec(connection, "CHECKPOINT");
  PGconn* const handle = connection.handle();
  const auto begin = std::chrono::steady_clock::now();
  PQclear(PQexec(handle, "COPY reference FROM STDIN BINARY"));
  for (const std::string& piece : pieces) {
    CHECK(PQputCopyData(handle, piece.data(), static_cast<int>(piece.size())) == 1);
  }
  CHECK(PQputCopyEnd(handle, nullptr) == 1);
  while (PGresult* result = PQgetResult(handle)) PQclear(result);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace bench
