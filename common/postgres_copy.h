// COPY ... FROM STDIN (FORMAT binary): the fastest way into a table.
//
// Fields of a row are appended in the order of the columns; the caller keeps to their types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/postgres.h"

namespace common {

class PgCopyIn {
 public:
  // `sql` is "COPY table (columns) FROM STDIN (FORMAT binary)".
  static Result<PgCopyIn> Start(PgConnection& connection, const char* sql);
  PgCopyIn(PgCopyIn&& other) noexcept;
  PgCopyIn(const PgCopyIn&) = delete;
  PgCopyIn& operator=(const PgCopyIn&) = delete;
  PgCopyIn& operator=(PgCopyIn&&) = delete;
  ~PgCopyIn();  // gives up an unfinished COPY

  void BeginRow(std::int16_t fields) { Put(fields); }
  template <typename Number>
  void Field(Number number) {
    Put(std::int32_t{sizeof(Number)});
    Put(number);
  }
  void CharField(char value) {
    Put(std::int32_t{1});
    buffer_.push_back(value);
  }
  void BytesField(const void* bytes, std::size_t size) {
    Put(static_cast<std::int32_t>(size));
    buffer_.append(static_cast<const char*>(bytes), size);
  }
  void BytesField(std::string_view bytes) { BytesField(bytes.data(), bytes.size()); }
  void NullField() { Put(std::int32_t{-1}); }
  template <typename Number>
  void OptionalField(const std::optional<Number>& number) {
    if (number.has_value()) {
      Field(*number);
    } else {
      NullField();
    }
  }
  // Sends what is buffered if it is much. A failure is told by Finish() at the latest.
  Status EndRow();

  // Returns the number of rows copied.
  Result<std::int64_t> Finish();

 private:
  explicit PgCopyIn(PgConnection& connection);
  template <typename Number>
  void Put(Number number) {
    AppendBigEndian(buffer_, number);
  }
  Status Send();

  PgConnection* connection_;
  std::string buffer_;
};

}  // namespace common
