#include "common/postgres_pool.h"

#include <utility>

#include <libpq-fe.h>

namespace common {

PgLoan::PgLoan(PgLoan&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}

PgLoan::~PgLoan() {
  if (pool_ == nullptr || !connection_.healthy() || connection_.in_transaction()) return;
  pool_->GiveBack(std::move(connection_));
}

Result<PgLoan> PgPool::Borrow() {
  while (true) {
    std::unique_lock lock(mutex_);
    if (idle_.empty()) break;
    PgConnection connection = std::move(idle_.back());
    idle_.pop_back();
    lock.unlock();
    // Reads what came while it lay idle: the server's good-bye, if it has restarted.
    if (PQconsumeInput(connection.handle()) == 1 && connection.healthy()) {
      return PgLoan(*this, std::move(connection));
    }
  }
  Result<PgConnection> opened = PgConnection::Open(url_);
  if (!opened) return opened.error();
  return PgLoan(*this, std::move(*opened));
}

void PgPool::GiveBack(PgConnection connection) {
  const std::scoped_lock lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(connection));
}

}  // namespace common
