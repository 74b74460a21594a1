// The walk of one unit: what to ask next, and what an answer yields.
//
// A walk begins where its unit's position says, and what it yields moves that position, so that a
// walk that goes on from a stored position tells the rest and nothing twice that would be stored
// twice. It is a core: no I/O, no clock, bounded memory. One file for each kind of chunk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "worker/chunk.h"
#include "worker/http.h"
#include "worker/store/unit_batch.h"

namespace worker::jobs {

// What an answer is worth.
struct UnitStep {
  store::UnitRows rows;
  std::uint64_t told = 0;               // rows of the upstream
  std::string position;                 // behind these rows
  bool midway = false;                  // there is nothing to store yet, and position is not set
  bool done = false;                    // the walk is over
  std::string shortfall;                // with `done`: why the unit is not complete; empty: it is
  common::UnixSeconds complete_to = 0;  // as in store::UnitProgress
  common::UnixSeconds begins_at = 0;
  std::int64_t reached = 0;
  // With `done`: the unit is complete only if this joins its neighbours.
  std::optional<store::ToldSpan> span;
  std::vector<std::string> refused;  // evidence of events that cannot be a trade
};

class UnitWalk {
 public:
  UnitWalk() = default;
  UnitWalk(const UnitWalk&) = delete;
  UnitWalk& operator=(const UnitWalk&) = delete;
  virtual ~UnitWalk() = default;

  // How far the upstream can be believed by now, where the kind of chunk needs to know. Told before
  // every Next().
  virtual void KnowHorizon(common::UnixSeconds /*horizon*/) {}
  // The next request; the same one until it has an answer that yields a step.
  virtual HttpRequest Next() = 0;
  // Of the answer to Next(). After an error the walk has not moved, and may ask otherwise next time
  // (a narrower interval). Errors: kTransient, kThrottled, kMalformed: ask again; kRejected: the
  // upstream refuses this unit.
  virtual common::Result<UnitStep> OnResponse(const HttpResponse& response) = 0;
  // What it told as done does not join: it goes on, and tells more.
  virtual void GoBack(const store::BrokenSpan& /*broken*/) {}
  // Upstreams forget their cursors. True: the walk was somewhere, and stands at its beginning now.
  virtual bool Restart() = 0;
};

// kRejected: the task cannot be read, or there is no such source here.
using WalkMaker =
    std::function<common::Result<std::unique_ptr<UnitWalk>>(const ChunkTask&, const UnitTask&)>;

}  // namespace worker::jobs
