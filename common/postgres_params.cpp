#include "common/postgres_params.h"

#include <cstring>

#include "common/check.h"

namespace common {
namespace {

// Type numbers of PostgreSQL's catalogue, the same in every installation.
constexpr std::uint32_t kBool = 16;
constexpr std::uint32_t kBytea = 17;
constexpr std::uint32_t kChar = 18;
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kInt2 = 21;
constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kUntyped = 0;

constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

}  // namespace

PgArray::PgArray(std::uint32_t array_type, std::uint32_t element_type)
    : array_type_(array_type), element_type_(element_type) {}

PgArray PgArray::OfBool() {
  return {1000, kBool};
}
PgArray PgArray::OfChar() {
  return {1002, kChar};
}
PgArray PgArray::OfInt16() {
  return {1005, kInt2};
}
PgArray PgArray::OfInt32() {
  return {1007, kInt4};
}
PgArray PgArray::OfInt64() {
  return {1016, kInt8};
}
PgArray PgArray::OfText() {
  return {1009, kText};
}
PgArray PgArray::OfBytes() {
  return {1001, kBytea};
}

void PgArray::Add(bool value) {
  CHECK(element_type_ == kBool);
  AppendBigEndian(elements_, std::int32_t{1});
  elements_.push_back(value ? '\1' : '\0');
  ++size_;
}

void PgArray::Add(char value) {
  CHECK(element_type_ == kChar);
  AppendBigEndian(elements_, std::int32_t{1});
  elements_.push_back(value);
  ++size_;
}

void PgArray::Add(std::int16_t value) {
  CHECK(element_type_ == kInt2);
  AppendBigEndian(elements_, std::int32_t{sizeof value});
  AppendBigEndian(elements_, value);
  ++size_;
}

void PgArray::Add(std::int32_t value) {
  CHECK(element_type_ == kInt4);
  AppendBigEndian(elements_, std::int32_t{sizeof value});
  AppendBigEndian(elements_, value);
  ++size_;
}

void PgArray::Add(std::int64_t value) {
  CHECK(element_type_ == kInt8);
  AppendBigEndian(elements_, std::int32_t{sizeof value});
  AppendBigEndian(elements_, value);
  ++size_;
}

void PgArray::Add(std::string_view value) {
  CHECK(element_type_ == kText || element_type_ == kBytea);
  AppendBigEndian(elements_, static_cast<std::int32_t>(value.size()));
  elements_.append(value);
  ++size_;
}

void PgArray::AddNull() {
  AppendBigEndian(elements_, std::int32_t{-1});
  has_null_ = true;
  ++size_;
}

PgParams& PgParams::Append(std::uint32_t type, int format, std::string value) {
  types_.push_back(type);
  formats_.push_back(format);
  values_.emplace_back(std::move(value));
  return *this;
}

PgParams& PgParams::Bool(bool value) {
  return Append(kBool, kBinaryFormat, std::string(1, value ? '\1' : '\0'));
}

PgParams& PgParams::Int16(std::int16_t value) {
  std::string bytes;
  AppendBigEndian(bytes, value);
  return Append(kInt2, kBinaryFormat, std::move(bytes));
}

PgParams& PgParams::Int32(std::int32_t value) {
  std::string bytes;
  AppendBigEndian(bytes, value);
  return Append(kInt4, kBinaryFormat, std::move(bytes));
}

PgParams& PgParams::Int64(std::int64_t value) {
  std::string bytes;
  AppendBigEndian(bytes, value);
  return Append(kInt8, kBinaryFormat, std::move(bytes));
}

PgParams& PgParams::Text(std::string_view value) {
  return Append(kUntyped, kTextFormat, std::string(value));
}

PgParams& PgParams::Bytes(std::string_view value) {
  return Append(kBytea, kBinaryFormat, std::string(value));
}

PgParams& PgParams::Null() {
  types_.push_back(kUntyped);
  formats_.push_back(kTextFormat);
  values_.emplace_back(std::nullopt);
  return *this;
}

// Dimensions, whether there are nulls, element type; then length and lower bound of the dimension.
PgParams& PgParams::Array(const PgArray& array) {
  std::string bytes;
  bytes.reserve(20 + array.elements_.size());
  AppendBigEndian(bytes, std::int32_t{array.size_ == 0 ? 0 : 1});
  AppendBigEndian(bytes, std::int32_t{array.has_null_ ? 1 : 0});
  AppendBigEndian(bytes, array.element_type_);
  if (array.size_ > 0) {
    AppendBigEndian(bytes, array.size_);
    AppendBigEndian(bytes, std::int32_t{1});
    bytes += array.elements_;
  }
  return Append(array.array_type_, kBinaryFormat, std::move(bytes));
}

PgParams& PgParams::Int32s(const std::vector<std::int32_t>& values) {
  PgArray array = PgArray::OfInt32();
  for (const std::int32_t value : values) array.Add(value);
  return Array(array);
}

PgParams& PgParams::Int64s(const std::vector<std::int64_t>& values) {
  PgArray array = PgArray::OfInt64();
  for (const std::int64_t value : values) array.Add(value);
  return Array(array);
}

PgParams& PgParams::Texts(const std::vector<std::string>& values) {
  PgArray array = PgArray::OfText();
  for (const std::string& value : values) array.Add(std::string_view(value));
  return Array(array);
}

PgParams& PgParams::BytesOf(const std::vector<std::string>& values) {
  PgArray array = PgArray::OfBytes();
  for (const std::string& value : values) array.Add(std::string_view(value));
  return Array(array);
}

}  // namespace common
