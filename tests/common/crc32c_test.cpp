#include "common/crc32c.h"

#include <string>

#include <gtest/gtest.h>

namespace common {
namespace {

TEST(Crc32cTest, KnowsTheValuesOfRfc3720) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST(Crc32cTest, GoesOnOverPieces) {
  EXPECT_EQ(Crc32c("6789", Crc32c("12345")), Crc32c("123456789"));
}

}  // namespace
}  // namespace common
