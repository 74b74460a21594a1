// What the network loop and the store loop mail to each other.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "worker/store/trade_store.h"
#include "worker/store/unit_batch.h"

namespace worker {

// Batches of one stream are written in their order. Once one of them is refused, those after it are
// refused as well: a cursor must not pass rows that are missing.
using StreamId = std::uint64_t;

struct WriteBatch {
  StreamId stream = 0;
  store::Batch batch;
};
struct WriteUnits {
  StreamId stream = 0;
  store::UnitBatch batch;
};
struct WriteMarkets {
  std::vector<store::MarketInfo> markets;
  std::vector<common::TokenId> tokens;  // settled by it
};
struct NoteUnknown {
  std::vector<common::TokenId> tokens;
};
// Which of these have no market yet?
struct CheckTokens {
  std::vector<common::TokenId> tokens;
};
struct TakeDueTokens {
  int limit = 0;
};
// For the checkpoint file alone.
struct NoteTerm {
  common::Term term;
};
using StoreCommand = std::variant<WriteBatch, WriteUnits, WriteMarkets, NoteUnknown, CheckTokens,
                                  TakeDueTokens, NoteTerm>;

// Written, and in the checkpoint file as well; or refused for good.
struct BatchWritten {
  StreamId stream = 0;
  store::Receipt receipt;
  std::optional<common::Error> refused;
};
struct TokensSettled {
  std::vector<common::TokenId> tokens;
};
struct TokensChecked {
  std::vector<common::TokenId> tokens;
  std::vector<common::TokenId> unresolved;
};
struct TokensDue {
  std::vector<common::TokenId> tokens;
};
// Told when it changes: while the database is away, the store loop tries again for ever.
struct DatabaseAway {
  std::string reason;  // empty: it is back
};
using StoreReport =
    std::variant<BatchWritten, TokensSettled, TokensChecked, TokensDue, DatabaseAway>;

}  // namespace worker
