// A few connections that are kept for whoever asks next: opening one costs the server a process.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "common/postgres.h"

namespace common {

class PgPool;

// A connection that goes back to its pool, unless it is broken or in a transaction.
class PgLoan {
 public:
  PgLoan(PgPool& pool, PgConnection connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  PgLoan(PgLoan&& other) noexcept;
  PgLoan(const PgLoan&) = delete;
  PgLoan& operator=(const PgLoan&) = delete;
  PgLoan& operator=(PgLoan&&) = delete;
  ~PgLoan();

  Result<PgRows> Exec(const char* sql, const PgParams& params = {}) {
    return connection_.Exec(sql, params);
  }
  operator PgConnection&() { return connection_; }  // NOLINT(google-explicit-constructor)

 private:
  PgPool* pool_;
  PgConnection connection_;
};

// Safe for any thread. Lives longer than its loans.
class PgPool {
 public:
  explicit PgPool(std::string url) : url_(std::move(url)) {}

  // A kept connection whose server has not hung up, or a new one.
  Result<PgLoan> Borrow();

 private:
  friend class PgLoan;
  void GiveBack(PgConnection connection);

  static constexpr std::size_t kKept = 4;

  const std::string url_;
  std::mutex mutex_;
  std::vector<PgConnection> idle_;
};

}  // namespace common
