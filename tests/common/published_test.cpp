#include "common/published.h"

#include <string>

#include <gtest/gtest.h>

namespace common {
namespace {

TEST(PublishedTest, AReaderKeepsWhatItGot) {
  Published<std::string> published;
  EXPECT_EQ(published.Get(), nullptr);
  published.Set("old");
  const auto seen = published.Get();
  published.Set("new");
  EXPECT_EQ(*seen, "old");
  EXPECT_EQ(*published.Get(), "new");
}

}  // namespace
}  // namespace common
