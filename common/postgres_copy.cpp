#include "common/postgres_copy.h"

#include <cstdlib>
#include <utility>

#include "common/check.h"

namespace common {
namespace {

constexpr std::size_t kSendAtBytes = 64UL * 1024;
constexpr std::size_t kSpareBytes = 4096;  // for the row that goes beyond
constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);

// Reads whatever is left of the statement; the first failure is kept.
Status Drain(PgConnection& connection, std::int64_t* rows) {
  Status status = Done{};
  while (PGresult* const result = PQgetResult(connection.handle())) {
    const PgRows owner(result);
    if (PQresultStatus(result) == PGRES_COMMAND_OK) {
      *rows = owner.affected();
    } else if (status.has_value()) {
      status = connection.Failure(result);
    }
    if (PQstatus(connection.handle()) == CONNECTION_BAD) break;
  }
  return status;
}

}  // namespace

PgCopyIn::PgCopyIn(PgConnection& connection)
    : connection_(&connection), buffer_(kSendAtBytes + kSpareBytes, '\0') {
  std::memcpy(Room(kSignature.size()), kSignature.data(), kSignature.size());
  used_ = kSignature.size();
  Put(std::int32_t{0});  // flags
  Put(std::int32_t{0});  // length of the header's extension
}

Result<PgCopyIn> PgCopyIn::Start(PgConnection& connection, const char* sql) {
  const Result<PgRows> started = connection.Exec(sql);
  if (!started) return started.error();
  return PgCopyIn(connection);
}

PgCopyIn::PgCopyIn(PgCopyIn&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      buffer_(std::move(other.buffer_)),
      used_(other.used_) {}

PgCopyIn::~PgCopyIn() {
  if (connection_ == nullptr) return;
  PQputCopyEnd(connection_->handle(), "given up");
  std::int64_t rows = 0;
  const Status drained = Drain(*connection_, &rows);
  static_cast<void>(drained);  // It has failed as it was told to.
}

Status PgCopyIn::EndRow() {
  if (used_ < kSendAtBytes) return Done{};
  return Send();
}

Status PgCopyIn::Send() {
  CHECK(connection_ != nullptr);
  const int sent = PQputCopyData(connection_->handle(), buffer_.data(), static_cast<int>(used_));
  used_ = 0;
  if (sent == 1) return Done{};
  return connection_->Failure(nullptr);
}

Result<std::int64_t> PgCopyIn::Finish() {
  Put(std::int16_t{-1});
  const Status sent = Send();
  PgConnection& connection = *std::exchange(connection_, nullptr);
  const int ended = PQputCopyEnd(connection.handle(), nullptr);
  std::int64_t rows = 0;
  const Status drained = Drain(connection, &rows);
  if (!drained) return drained.error();
  if (!sent) return sent.error();
  if (ended != 1) return connection.Failure(nullptr);
  return rows;
}

}  // namespace common
