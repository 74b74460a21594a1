#include "common/postgres.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "common/check.h"

namespace common {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// Used where the URL says nothing. A host that is gone is noticed within about 15 s.
constexpr std::array<std::pair<const char*, const char*>, 8> kDefaults = {{
    {"connect_timeout", "5"},
    {"keepalives", "1"},
    {"keepalives_idle", "15"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "15000"},
    {"client_encoding", "UTF8"},
    {"fallback_application_name", "seine"},
}};

std::string TrimmedEnd(const char* text) {
  std::string trimmed = text == nullptr ? "" : text;
  while (!trimmed.empty() && (trimmed.back() == '\n' || trimmed.back() == ' ')) trimmed.pop_back();
  for (char& c : trimmed) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return trimmed;
}

}  // namespace

PgRows::PgRows(PGresult* result) : result_(result) {}

int PgRows::size() const {
  return PQntuples(result_.get());
}

std::int64_t PgRows::affected() const {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);
}

bool PgRows::IsNull(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) == 1;
}

std::string_view PgRows::Text(int row, int column) const {
  CHECK(row >= 0 && row < size() && column >= 0 && column < PQnfields(result_.get()));
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::string PgRows::Bytes(int row, int column) const {
  const std::string_view text = Text(row, column);
  struct FreeMemory {
    void operator()(unsigned char* memory) const { PQfreemem(memory); }
  };
  std::size_t size = 0;
  const std::unique_ptr<unsigned char, FreeMemory> bytes(
      PQunescapeBytea(reinterpret_cast<const unsigned char*>(text.data()), &size));
  CHECK(bytes != nullptr);
  return {reinterpret_cast<const char*>(bytes.get()), size};
}

bool PgRows::Bool(int row, int column) const {
  return Text(row, column) == "t";
}

std::int64_t PgRows::Int64(int row, int column) const {
  const std::string_view text = Text(row, column);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

double PgRows::Double(int row, int column) const {
  return std::strtod(std::string(Text(row, column)).c_str(), nullptr);
}

std::vector<std::int64_t> PgRows::Int64s(int row, int column) const {
  const std::string_view text = Text(row, column);
  std::vector<std::int64_t> numbers;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end; ++at) {
    std::int64_t number = 0;
    const auto [after, failure] = std::from_chars(at, end, number);
    if (failure != std::errc()) continue;  // a brace
    numbers.push_back(number);
    at = after;  // the comma or the closing brace
  }
  return numbers;
}

Result<PgConnection> PgConnection::Open(const std::string& url) {
  char* complaint = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(
      PQconninfoParse(url.c_str(), &complaint));
  PQfreemem(complaint);  // It may quote a part of the password.
  if (parsed == nullptr) {
    return Error{ErrorKind::kRejected, "the database URL cannot be read as a libpq URL"};
  }
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  const auto set = [&](const char* keyword, const char* value) {
    keywords.push_back(keyword);
    values.push_back(value);
  };
  for (const auto& [keyword, value] : kDefaults) set(keyword, value);
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) set(option->keyword, option->val);
  }
  set(nullptr, nullptr);
  PgConnection connection(PQconnectdbParams(keywords.data(), values.data(), 0));
  CHECK(connection.connection_ != nullptr);
  if (!connection.is_connected()) {
    return Error{ErrorKind::kTransient, TrimmedEnd(PQerrorMessage(connection.handle()))};
  }
  PQsetNoticeProcessor(
      connection.handle(), [](void*, const char*) {}, nullptr);
  return connection;
}

Result<PgRows> PgConnection::Exec(const char* sql, const PgParams& params) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  values.reserve(params.size());
  lengths.reserve(params.size());
  for (const std::optional<std::string>& value : params.values_) {
    values.push_back(value.has_value() ? value->c_str() : nullptr);
    lengths.push_back(value.has_value() ? static_cast<int>(value->size()) : 0);
  }
  PGresult* const result =
      PQexecParams(handle(), sql, static_cast<int>(params.size()), params.types_.data(),
                   values.data(), lengths.data(), params.formats_.data(), 0);
  PgRows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN &&
      status != PGRES_EMPTY_QUERY) {
    return Failure(result);
  }
  sqlstate_.clear();
  return rows;
}

Status PgConnection::ExecScript(const std::string& sql) {
  if (Status sent = SendScript(sql); !sent) return sent;
  const Result<PgRows> rows = ReceiveScript();
  if (!rows) return rows.error();
  return Done{};
}

Status Execute(PgConnection& connection, const char* sql, const PgParams& params) {
  const Result<PgRows> rows = connection.Exec(sql, params);
  if (!rows) return rows.error();
  return Done{};
}

Status PgConnection::SendScript(const std::string& sql) {
  if (PQsendQuery(handle(), sql.c_str()) == 1) return Done{};
  return Failure(nullptr);
}

Result<PgRows> PgConnection::ReceiveScript() {
  Result<PgRows> last = PgRows(nullptr);
  std::string sqlstate;
  while (PGresult* const result = PQgetResult(handle())) {
    PgRows rows(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_IN) break;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
      last = Failure(result);
      sqlstate = sqlstate_;
    } else if (last.has_value()) {
      last = std::move(rows);
    }
    if (!is_connected()) break;
  }
  if (last.has_value() && !is_connected()) return Failure(nullptr);
  sqlstate_ = sqlstate;
  return last;
}

bool PgConnection::is_connected() const {
  return PQstatus(handle()) == CONNECTION_OK;
}

bool PgConnection::healthy() const {
  return is_connected() && sqlstate_ != kReadOnlyTransaction;
}

bool PgConnection::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(handle());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

Error PgConnection::Failure(const PGresult* result) {
  const char* const state =
      result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  sqlstate_ = state == nullptr ? "" : state;
  if (sqlstate_.empty()) {
    const std::string message = TrimmedEnd(PQerrorMessage(handle()));
    return {ErrorKind::kTransient, message.empty() ? "the database connection is lost" : message};
  }
  const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* const detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
  std::string text = fmt::format("{} (SQLSTATE {})", TrimmedEnd(message), sqlstate_);
  if (detail != nullptr) text += ": " + TrimmedEnd(detail);
  return {KindOfSqlstate(sqlstate_), std::move(text)};
}

Result<PgTransaction> PgTransaction::Begin(PgConnection& connection, const std::string& settings) {
  const Status begun = connection.ExecScript("BEGIN; " + settings);
  PgTransaction transaction(connection);
  if (!begun) return begun.error();
  return transaction;
}

PgTransaction::PgTransaction(PgTransaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

PgTransaction::~PgTransaction() {
  Rollback();
}

Status PgTransaction::Commit() {
  CHECK(connection_ != nullptr);
  PgConnection& connection = *std::exchange(connection_, nullptr);
  // COMMIT of a failed transaction succeeds as ROLLBACK; that must not pass for a commit.
  const bool is_failed = PQtransactionStatus(connection.handle()) == PQTRANS_INERROR;
  const Result<PgRows> committed = connection.Exec("COMMIT");
  if (!committed) return committed.error();
  if (is_failed) return Error{ErrorKind::kRejected, "the transaction had failed before its COMMIT"};
  return Done{};
}

void PgTransaction::Rollback() {
  if (connection_ == nullptr) return;
  PgConnection& connection = *std::exchange(connection_, nullptr);
  if (!connection.healthy() || !connection.in_transaction()) return;
  // Not through Exec, so that the SQLSTATE that led here stays. If this fails, the connection is
  // broken and shows that itself.
  PQclear(PQexec(connection.handle(), "ROLLBACK"));
}

ErrorKind KindOfSqlstate(std::string_view sqlstate) {
  constexpr std::array<std::string_view, 4> kTransientClasses = {"08", "53", "57", "58"};
  // Also a transaction that idled too long, 25P03: its process was frozen.
  constexpr std::array<std::string_view, 5> kTransientStates = {
      "40001", "40P01", kReadOnlyTransaction, "25P03", "55P03"};
  for (const std::string_view prefix : kTransientClasses) {
    if (sqlstate.substr(0, 2) == prefix) return ErrorKind::kTransient;
  }
  for (const std::string_view state : kTransientStates) {
    if (sqlstate == state) return ErrorKind::kTransient;
  }
  return sqlstate.empty() ? ErrorKind::kTransient : ErrorKind::kRejected;
}

Result<std::string> ResolveDatabaseUrl(const std::string& option, const std::string& state_dir) {
  if (option != "embedded") return option;
  const std::string path = state_dir + "/postgres/url";
  std::ifstream file(path);
  std::string url;
  if (!std::getline(file, url) || url.empty()) {
    return Error{ErrorKind::kTransient,
                 fmt::format("no embedded database runs under {} ({} is missing); start it with "
                             "`seine up` or `seine db start`, or pass --database URL",
                             state_dir, path)};
  }
  return url;
}

}  // namespace common
