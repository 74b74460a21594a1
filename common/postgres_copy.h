// COPY ... FROM STDIN (FORMAT binary): the fastest way into a table.
//
// Fields of a row are appended in the order of the columns; the caller keeps to their types.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "common/postgres.h"

namespace common {

class PgCopyIn {
 public:
  // `sql` is "COPY table (columns) FROM STDIN (FORMAT binary)".
  static Result<PgCopyIn> Start(PgConnection& connection, const char* sql);
  // For a script whose last statement was such a COPY.
  static PgCopyIn Adopt(PgConnection& connection) { return PgCopyIn(connection); }
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
  void CharField(char value) { Field(static_cast<std::int8_t>(value)); }
  void BytesField(std::string_view bytes) {
    Put(static_cast<std::int32_t>(bytes.size()));
    std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
    used_ += bytes.size();
  }
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
    const Number swapped = ToBigEndian(number);
    std::memcpy(Room(sizeof swapped), &swapped, sizeof swapped);
    used_ += sizeof swapped;
  }
  char* Room(std::size_t size) {
    if (buffer_.size() - used_ < size) [[unlikely]]
      buffer_.resize(2 * buffer_.size() + size);
    return buffer_.data() + used_;
  }
  Status Send();

  PgConnection* connection_;
  std::string buffer_;  // of which the first used_ bytes wait to be sent
  std::size_t used_ = 0;
};

}  // namespace common
