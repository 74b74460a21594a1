// Which way the next batch goes into the table: the fast lane, which fails when a row exists
// already, or the replay lane, which skips such rows at about twice the cost.
//
// Starts in the fast lane. A conflict leads to the replay lane, so that a replay pays for one
// failed attempt, not for each; batches without any row that existed lead back. The more often that
// was too early, the more of them it takes.
#pragma once

namespace worker::store {

class LaneChoice {
 public:
  bool is_fast() const { return clean_needed_ == 0; }

  // The fast lane met a row that exists.
  void NoteConflict() {
    patience_ = patience_ < kMostPatience ? patience_ * 2 : kMostPatience;
    clean_needed_ = patience_;
    fast_batches_ = 0;
  }

  // The fast lane stored a batch.
  void NoteFast() {
    if (++fast_batches_ >= kForgiving) patience_ = 1;
  }

  // The replay lane stored a batch; `all_new`: it would have passed the fast lane.
  void NoteReplay(bool all_new) {
    if (!all_new) {
      clean_needed_ = patience_;
    } else if (clean_needed_ > 0) {
      --clean_needed_;
    }
  }

 private:
  static constexpr int kMostPatience = 16;
  static constexpr int kForgiving = 64;

  int patience_ = 1;
  int clean_needed_ = 0;  // batches without conflict until the fast lane is tried again
  int fast_batches_ = 0;  // since the last conflict
};

}  // namespace worker::store
