#include "coordinator/lease_table.h"

#include <gtest/gtest.h>

namespace coordinator {
namespace {

using common::ChunkId;
using common::SessionId;

Lease LeaseOf(std::int64_t chunk) {
  Lease lease;
  lease.chunk.id = {chunk};
  return lease;
}

TEST(LeaseTableTest, ASessionHasWhatItWasGivenAndNobodyTook) {
  LeaseTable table;
  for (const std::int64_t chunk : {1, 2, 3}) {
    Lease& lease = table.Add(LeaseOf(chunk));
    EXPECT_FALSE(lease.session());
    table.GiveTo(lease, SessionId{7});
  }
  table.GiveTo(*table.Find({2}), SessionId{8});
  EXPECT_EQ(table.OfSession({7}), (std::vector<ChunkId>{{1}, {3}}));
  EXPECT_EQ(table.OfSession({8}), (std::vector<ChunkId>{{2}}));
  table.Orphan(*table.Find({1}));
  EXPECT_FALSE(table.Find({1})->session());
  table.Remove({3});
  table.Remove({3});
  EXPECT_TRUE(table.OfSession({7}).empty());
  EXPECT_EQ(table.size(), 2U);
}

TEST(LeaseTableTest, WhoeverFillsItAnewFindsNothingOfBefore) {
  LeaseTable table;
  table.GiveTo(table.Add(LeaseOf(1)), SessionId{7});
  table.Clear();
  EXPECT_TRUE(table.OfSession({7}).empty());
  table.Add(LeaseOf(1));
  EXPECT_TRUE(table.OfSession({7}).empty());
}

}  // namespace
}  // namespace coordinator
