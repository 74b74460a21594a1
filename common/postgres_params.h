// Parameters of a statement, in PostgreSQL's binary format where that spares parsing.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace common {

// The number with its bytes in network order, as the wire format wants it.
template <typename Number>
Number ToBigEndian(Number number) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(Number) == 2)
    return static_cast<Number>(__builtin_bswap16(static_cast<std::uint16_t>(number)));
  if constexpr (sizeof(Number) == 4)
    return static_cast<Number>(__builtin_bswap32(static_cast<std::uint32_t>(number)));
  if constexpr (sizeof(Number) == 8)
    return static_cast<Number>(__builtin_bswap64(static_cast<std::uint64_t>(number)));
  return number;
}

template <typename Number>
void AppendBigEndian(std::string& out, Number number) {
  const Number swapped = ToBigEndian(number);
  char bytes[sizeof swapped];
  std::memcpy(bytes, &swapped, sizeof swapped);
  out.append(bytes, sizeof bytes);
}

// A one-dimensional array parameter, for `unnest($n)`.
class PgArray {
 public:
  static PgArray OfBool();
  static PgArray OfChar();  // "char"
  static PgArray OfInt16();
  static PgArray OfInt32();
  static PgArray OfInt64();
  static PgArray OfText();
  static PgArray OfBytes();

  // REQUIRES for each: the array is of that type.
  void Add(bool value);
  void Add(char value);
  void Add(std::int16_t value);
  void Add(std::int32_t value);
  void Add(std::int64_t value);
  void Add(std::string_view value);  // text or bytes
  void Add(const char* value) { Add(std::string_view(value)); }
  void AddNull();
  template <typename T>
  void Add(const std::optional<T>& value) {
    if (value.has_value()) {
      Add(*value);
    } else {
      AddNull();
    }
  }

  std::int32_t size() const { return size_; }

 private:
  friend class PgParams;
  PgArray(std::uint32_t array_type, std::uint32_t element_type);

  std::uint32_t array_type_;
  std::uint32_t element_type_;
  std::int32_t size_ = 0;
  bool has_null_ = false;
  std::string elements_;
};

// The parameters $1, $2, ... in order.
class PgParams {
 public:
  PgParams& Bool(bool value);
  PgParams& Int16(std::int16_t value);
  PgParams& Int32(std::int32_t value);
  PgParams& Int64(std::int64_t value);
  // Sent without a type, so that `$1::jsonb` and plain text columns both accept it. A zero byte,
  // which PostgreSQL cannot store, ends the text.
  PgParams& Text(std::string_view value);
  PgParams& Bytes(std::string_view value);
  PgParams& Null();
  PgParams& Array(const PgArray& array);

  PgParams& Int32s(const std::vector<std::int32_t>& values);
  PgParams& Int64s(const std::vector<std::int64_t>& values);
  PgParams& Texts(const std::vector<std::string>& values);
  PgParams& BytesOf(const std::vector<std::string>& values);

  std::size_t size() const { return types_.size(); }

 private:
  friend class PgConnection;
  PgParams& Append(std::uint32_t type, int format, std::string value);

  std::vector<std::uint32_t> types_;
  std::vector<int> formats_;
  std::vector<std::optional<std::string>> values_;
};

}  // namespace common
