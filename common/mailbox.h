// A bounded queue between two threads, with a descriptor to wait on.
//
// Back-pressure is visible: a full mailbox refuses, and the sender has to stop fetching. Every
// method is safe to call from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/clock.h"

namespace common {

// A descriptor (eventfd) that poll() sees as readable between Raise() and Clear().
// Throws std::system_error where the process is out of descriptors.
class ReadySignal {
 public:
  ReadySignal();
  ~ReadySignal();
  ReadySignal(const ReadySignal&) = delete;
  ReadySignal& operator=(const ReadySignal&) = delete;

  void Raise();
  void Clear();
  int fd() const { return fd_; }

 private:
  int fd_;
};

template <typename T>
class Mailbox {
 public:
  // REQUIRES: capacity > 0.
  explicit Mailbox(std::size_t capacity) : capacity_(capacity) { CHECK(capacity > 0); }

  // False if the mailbox is full or closed; the item is dropped then.
  bool TryPush(T item) {
    const std::lock_guard lock(mutex_);
    if (closed_ || items_.size() >= capacity_) return false;
    if (items_.empty()) ready_.Raise();
    items_.push_back(std::move(item));
    changed_.notify_one();
    return true;
  }

  std::optional<T> TryPop() {
    const std::lock_guard lock(mutex_);
    return PopLocked();
  }

  // Waits for an item. Nothing after `timeout`, or when the mailbox is closed and empty.
  std::optional<T> WaitPop(Duration timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [this] { return closed_ || !items_.empty(); });
    return PopLocked();
  }

  // Takes everything out, oldest first.
  std::vector<T> Drain() {
    const std::lock_guard lock(mutex_);
    std::vector<T> all(std::make_move_iterator(items_.begin()),
                       std::make_move_iterator(items_.end()));
    items_.clear();
    if (!closed_) ready_.Clear();
    return all;
  }

  // Refuses new items from now on; those inside can still be taken out. Wakes every waiter, and
  // leaves fd() readable for good, so that a loop learns of it: ask closed().
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.Raise();
    changed_.notify_all();
  }

  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::size_t capacity() const { return capacity_; }
  // Readable while an item is inside.
  int fd() const { return ready_.fd(); }

 private:
  std::optional<T> PopLocked() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    if (items_.empty() && !closed_) ready_.Clear();
    return item;
  }

  const std::size_t capacity_;
  ReadySignal ready_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace common
