// The latest value of something, for readers in other threads.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace common {

// Every method is safe to call from any thread. A reader keeps what it got for as long as it
// likes; it never changes under its eyes.
template <typename T>
class Published {
 public:
  void Set(T value) {
    auto fresh = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(mutex_);
    latest_.swap(fresh);
  }

  // Null before the first Set().
  std::shared_ptr<const T> Get() const {
    const std::lock_guard lock(mutex_);
    return latest_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> latest_;  // guarded by mutex_
};

}  // namespace common
