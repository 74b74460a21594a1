// A chunk that is worked on: what the network loop needs of it, whatever its kind.
//
// A job says what to ask next, turns answers into batches, and says when all of them are stored. It
// is a core: no I/O, no clock. Its parts are the chunk's wallets, or its units; a failure costs one
// part, never its neighbours.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "worker/chunk.h"
#include "worker/http.h"
#include "worker/store_mail.h"

namespace worker::jobs {

struct PageQuery {
  std::uint32_t place = 0;  // of the part in the chunk
  common::WalletId id;
  HttpRequest request;
};

using EndpointSet = std::bitset<kEndpointCount>;

// An event that cannot be a trade, with its evidence.
struct RefusedEvent {
  common::WalletId wallet;
  std::string evidence;
};

class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  virtual const Lease& lease() const = 0;

  // --- Asking. `may_begin`: one more part may be under way.
  // Where no request may go until this is said anew: parts that would ask there let others pass.
  virtual void HoldBack(const EndpointSet& endpoints) = 0;
  virtual bool Wants(common::Instant now, bool may_begin) = 0;
  // Where the next request goes. REQUIRES: Wants just said so.
  virtual Endpoint endpoint() const = 0;
  // REQUIRES: Wants(now, may_begin).
  virtual PageQuery Next(common::Instant now, bool may_begin) = 0;
  // The error, if any, says how the upstream is; the job has dealt with it.
  virtual common::Status OnResponse(std::uint32_t place, const HttpResponse& response,
                                    common::Instant now) = 0;
  // What was refused since the last call, for the log.
  virtual std::vector<RefusedEvent> TakeRefused() = 0;
  // When Wants or BatchDue may become true by time alone.
  virtual common::Instant NextAt() const = 0;

  // --- Storing.
  virtual bool BatchDue(common::Instant now) const = 0;
  virtual StoreCommand TakeCommand(StreamId stream, common::Instant now) = 0;
  // For the oldest batch that was taken and not answered.
  virtual void OnWritten(const store::Receipt& receipt) = 0;
  // The database will never take the oldest batch as it is, and took none after it: every part that
  // is not done fails with this reason, and is to be tried alone, so that it is found out whose
  // rows they are.
  virtual void OnRefused(const common::Error& error, common::Instant now) = 0;

  // --- Giving back.
  virtual std::vector<common::WalletId> GiveBack() = 0;  // what is not begun
  virtual void Stop() = 0;                               // ask for nothing more

  // --- Standing.
  virtual bool fenced() const = 0;
  // Nothing is fetched that is not stored.
  virtual bool quiet() const = 0;
  // Every part is done or failed, durably, or given back.
  virtual bool stored() const = 0;
  // ... and every token was asked for.
  virtual bool finished() const = 0;
  virtual bool stopped() const = 0;
  virtual const std::vector<WalletOutcome>& outcomes() const = 0;

  virtual std::uint32_t begun() const = 0;    // parts under way
  virtual std::uint32_t waiting() const = 0;  // parts not begun
  // Parts whose next page may be asked for there.
  virtual std::uint32_t ready(Endpoint endpoint) const = 0;
  virtual std::uint32_t parts_done() const = 0;
  virtual std::uint64_t rows_stored() const = 0;
  virtual std::uint64_t retries() const = 0;
  virtual std::size_t unwritten_rows() const = 0;
  virtual std::vector<common::WalletId> in_flight() const = 0;
};

}  // namespace worker::jobs
