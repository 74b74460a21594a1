// The one door to libpq: connections, statements, transactions; failures become Error values.
//
// Everything here works through PgBouncer in transaction mode: no session state, no named prepared
// statements. Nothing may be assumed to live in the session between two transactions.
//
// Kinds of failure: kTransient when the database is away, busy, read-only, out of room, or chose
// this transaction as a victim (no SQLSTATE, classes 08, 53, 57, 58; 40001, 40P01, 25006, 55P03);
// kRejected otherwise. Texts carry the SQLSTATE and never a password.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

#include "common/error.h"
#include "common/postgres_params.h"

namespace common {

// What a statement returned. Columns count from 0. Views are valid as long as the rows.
class PgRows {
 public:
  explicit PgRows(PGresult* result);

  int size() const;
  bool empty() const { return size() == 0; }
  // Rows an INSERT, UPDATE, DELETE or SELECT touched.
  std::int64_t affected() const;

  bool IsNull(int row, int column) const;
  std::string_view Text(int row, int column) const;
  std::string Bytes(int row, int column) const;  // of a bytea
  bool Bool(int row, int column) const;
  // 0 for null.
  std::int64_t Int64(int row, int column) const;
  double Double(int row, int column) const;
  // Of an int[] or bigint[] without nulls.
  std::vector<std::int64_t> Int64s(int row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

// One connection; belongs to one thread. After an error with healthy() false, open a new one.
class PgConnection {
 public:
  // Takes a libpq URL or key=value string. Waits at most 5 s for each host unless the URL says
  // otherwise; kRejected only if the text cannot be read.
  static Result<PgConnection> Open(const std::string& url);

  // One statement. `sql` may use $1, $2, ...
  Result<PgRows> Exec(const char* sql, const PgParams& params = {});
  Result<PgRows> Exec(const std::string& sql, const PgParams& params = {}) {
    return Exec(sql.c_str(), params);
  }
  // Several statements separated by semicolons, without parameters; in one round trip.
  Status ExecScript(const std::string& sql);
  // The same in two halves, to do something else meanwhile; the second returns what the last
  // statement returned. If that is COPY FROM STDIN, it returns what the one before returned, and
  // PgCopyIn::Adopt goes on. REQUIRES: nothing else is done with the connection in between.
  Status SendScript(const std::string& sql);
  Result<PgRows> ReceiveScript();

  // False, too, after the server said that this session may only read (25006): a session keeps that
  // for life, also when the database has left it behind, or another server is the primary now.
  bool healthy() const;
  bool in_transaction() const;
  // SQLSTATE of the last failure; empty after success or where the server said nothing. A rollback
  // by PgTransaction leaves it.
  const std::string& sqlstate() const { return sqlstate_; }
  PGconn* handle() const { return connection_.get(); }

  // For code that uses handle(): keeps the result's SQLSTATE and turns it into an Error.
  Error Failure(const PGresult* result);

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  bool is_connected() const;
  explicit PgConnection(PGconn* connection) : connection_(connection) {}

  std::unique_ptr<PGconn, Finish> connection_;
  std::string sqlstate_;
};

// One statement whose rows do not matter.
Status Execute(PgConnection& connection, const char* sql, const PgParams& params = {});

// BEGIN ... COMMIT; rolled back when it goes out of scope uncommitted.
class PgTransaction {
 public:
  // `settings`: statements that go with BEGIN in one round trip.
  static Result<PgTransaction> Begin(PgConnection& connection, const std::string& settings = {});
  // For a script that said BEGIN itself, whether it succeeded or not.
  static PgTransaction Adopt(PgConnection& connection) { return PgTransaction(connection); }
  PgTransaction(PgTransaction&& other) noexcept;
  PgTransaction(const PgTransaction&) = delete;
  PgTransaction& operator=(const PgTransaction&) = delete;
  PgTransaction& operator=(PgTransaction&&) = delete;
  ~PgTransaction();

  // A failure of a broken connection leaves the outcome in doubt.
  Status Commit();
  void Rollback();

 private:
  explicit PgTransaction(PgConnection& connection) : connection_(&connection) {}

  PgConnection* connection_;
};

inline constexpr char kUniqueViolation[] = "23505";
inline constexpr char kLockNotAvailable[] = "55P03";
inline constexpr char kReadOnlyTransaction[] = "25006";
inline constexpr char kQueryCanceled[] = "57014";  // by statement_timeout, or by hand

ErrorKind KindOfSqlstate(std::string_view sqlstate);

// The libpq URL behind the option --database: "embedded" means the cluster under the state
// directory, whose starter writes <state_dir>/postgres/url.
Result<std::string> ResolveDatabaseUrl(const std::string& option, const std::string& state_dir);

}  // namespace common
