#include "common/mailbox.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "tests/common/readable.h"

namespace common {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(MailboxTest, RefusesWhenFull) {
  Mailbox<int> mailbox(2);
  EXPECT_TRUE(mailbox.TryPush(1));
  EXPECT_TRUE(mailbox.TryPush(2));
  EXPECT_FALSE(mailbox.TryPush(3));
  EXPECT_EQ(mailbox.size(), 2U);
  EXPECT_EQ(mailbox.TryPop(), 1);
  EXPECT_TRUE(mailbox.TryPush(3));
}

TEST(MailboxTest, IsReadableWhileAnItemIsInside) {
  Mailbox<std::unique_ptr<int>> mailbox(4);
  EXPECT_FALSE(IsReadable(mailbox.fd()));
  mailbox.TryPush(std::make_unique<int>(1));
  mailbox.TryPush(std::make_unique<int>(2));
  mailbox.TryPop();
  EXPECT_TRUE(IsReadable(mailbox.fd()));
  EXPECT_EQ(mailbox.Drain().size(), 1U);
  EXPECT_FALSE(IsReadable(mailbox.fd()));
}

TEST(MailboxTest, HandsItemsFromThreadToThreadInOrder) {
  constexpr int kItems = 10'000;
  Mailbox<int> mailbox(8);
  std::thread producer([&mailbox] {
    for (int i = 0; i < kItems;) {
      if (mailbox.TryPush(i)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (int i = 0; i < kItems; ++i) ASSERT_EQ(mailbox.WaitPop(seconds(10)), i);
  producer.join();
  EXPECT_FALSE(mailbox.WaitPop(milliseconds(1)));
}

TEST(MailboxTest, CloseRefusesNewAndKeepsOldItems) {
  Mailbox<int> mailbox(2);
  mailbox.TryPush(1);
  mailbox.Close();
  EXPECT_FALSE(mailbox.TryPush(2));
  EXPECT_EQ(mailbox.WaitPop(seconds(10)), 1);
  EXPECT_FALSE(mailbox.WaitPop(seconds(10)));
  EXPECT_TRUE(mailbox.closed());
  EXPECT_TRUE(IsReadable(mailbox.fd()));
}

TEST(MailboxTest, CloseWakesAWaitingThread) {
  Mailbox<int> mailbox(2);
  std::thread consumer([&mailbox] { EXPECT_FALSE(mailbox.WaitPop(seconds(60))); });
  mailbox.Close();
  consumer.join();
}

}  // namespace
}  // namespace common
