#include "coordinator/chunk_queue.h"

#include <algorithm>
#include <utility>

namespace coordinator {
namespace {

using common::ChunkId;
using common::Instant;
using common::WorkerId;

// Of live, retry and backfill; what is urgent has been picked before.
constexpr std::array<int, 4> kWeights = {0, 6, 2, 1};

std::size_t Index(ChunkQueue::Class priority) {
  return static_cast<std::size_t>(priority);
}

}  // namespace

void ChunkQueue::Push(const ChunkRow& chunk, bool live, Instant now) {
  Erase(chunk.id);
  Entry entry;
  entry.chunk = chunk;
  entry.due_at = now + chunk.due_in;
  entry.priority = chunk.urgent && !chunk.suspect     ? Class::kUrgent
                   : live                             ? Class::kLive
                   : chunk.round > 0 || chunk.suspect ? Class::kRetry
                                                      : Class::kBackfill;
  unread_[Index(entry.priority)].emplace(chunk.id, true);
  entries_.emplace(chunk.id, std::move(entry));
}

void ChunkQueue::KeepFor(ChunkId chunk, const WorkerId& worker, Instant until) {
  const auto found = entries_.find(chunk);
  if (found == entries_.end()) return;
  found->second.kept_for = worker;
  found->second.kept_until = until;
}

void ChunkQueue::Erase(ChunkId chunk) {
  const auto found = entries_.find(chunk);
  if (found == entries_.end()) return;
  const std::size_t index = Index(found->second.priority);
  if (found->second.reading) --reading_;
  ready_[index].erase(chunk);
  unread_[index].erase(chunk);
  entries_.erase(found);
}

void ChunkQueue::Clear() {
  entries_.clear();
  for (auto& chunks : ready_) chunks.clear();
  for (auto& chunks : unread_) chunks.clear();
  reading_ = 0;
  credit_ = {};
}

std::vector<ChunkId> ChunkQueue::NextToRead(std::size_t ahead, Instant now, std::size_t most) {
  std::vector<ChunkId> next;
  for (std::size_t index = 0; index < kClasses; ++index) {
    // Each class has its own stock, so that the best of each can be weighed against the others.
    std::size_t stock = ready_[index].size();
    for (const auto& [chunk, unused] : unread_[index]) {
      if (stock >= ahead || next.size() >= most) break;
      Entry& entry = entries_.at(chunk);
      if (entry.due_at > now) continue;
      ++stock;
      if (entry.reading) continue;
      entry.reading = true;
      ++reading_;
      next.push_back(chunk);
    }
  }
  return next;
}

bool ChunkQueue::SetContent(ChunkContent content) {
  const auto found = entries_.find(content.chunk);
  if (found == entries_.end() || !found->second.reading) return false;
  Entry& entry = found->second;
  entry.reading = false;
  --reading_;
  if (entry.chunk.epoch != content.epoch) return false;
  entry.content = std::move(content.wallets);
  const std::size_t index = Index(entry.priority);
  unread_[index].erase(content.chunk);
  ready_[index].emplace(content.chunk, true);
  return true;
}

void ChunkQueue::ForgetReading() {
  for (auto& [chunk, entry] : entries_) entry.reading = false;
  reading_ = 0;
}

bool ChunkQueue::Fits(const Entry& entry, const WorkerId& worker, bool idle, Instant now) const {
  if (entry.chunk.suspect && !idle) return false;
  return entry.kept_for.value.empty() || entry.kept_for == worker || entry.kept_until <= now;
}

std::optional<ChunkId> ChunkQueue::FirstOf(Class priority, const WorkerId& worker, bool idle,
                                           Instant now) const {
  std::optional<ChunkId> first;
  for (const auto& [chunk, unused] : ready_[Index(priority)]) {
    const Entry& entry = entries_.at(chunk);
    if (!Fits(entry, worker, idle, now)) continue;
    if (entry.kept_for == worker && entry.kept_until > now) return chunk;
    if (!first) first = chunk;
  }
  return first;
}

std::optional<ChunkQueue::Entry> ChunkQueue::PickUrgent(const WorkerId& worker, Instant now) {
  const auto chunk = FirstOf(Class::kUrgent, worker, false, now);
  if (!chunk) return std::nullopt;
  return TakeOut(*chunk);
}

std::optional<ChunkQueue::Entry> ChunkQueue::Pick(const WorkerId& worker, bool idle, Instant now) {
  if (auto urgent = PickUrgent(worker, now)) return urgent;
  std::array<std::optional<ChunkId>, kClasses> first;
  int total = 0;
  std::optional<std::size_t> best;
  for (std::size_t index = Index(Class::kLive); index < kClasses; ++index) {
    first[index] = FirstOf(static_cast<Class>(index), worker, idle, now);
    if (!first[index]) continue;
    credit_[index] += kWeights[index];
    total += kWeights[index];
    if (!best || credit_[index] > credit_[*best]) best = index;
  }
  if (!best) return std::nullopt;
  credit_[*best] -= total;
  return TakeOut(*first[*best]);
}

ChunkQueue::Entry ChunkQueue::TakeOut(ChunkId chunk) {
  Entry entry = std::move(entries_.at(chunk));
  Erase(chunk);
  return entry;
}

bool ChunkQueue::AnyDue(Instant now) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& item) { return item.second.due_at <= now; });
}

}  // namespace coordinator
