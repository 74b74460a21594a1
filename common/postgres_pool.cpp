#include "common/postgres_pool.h"

#include <utility>

#include <libpq-fe.h>
#include <poll.h>

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
    // Nobody asked it anything, so what it has to say is good-bye: the server has restarted.
    pollfd socket = {PQsocket(connection.handle()), POLLIN, 0};
    if (connection.healthy() && poll(&socket, 1, 0) == 0) {
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
