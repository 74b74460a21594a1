// The short number that stands for a token in the trade table.
//
// Tokens are upserted in statements of their own, sorted, before the trades that name them, so that
// workers which meet the same new token wait for each other instead of dead-locking. What was seen
// is remembered, up to a bound. One thread.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/trade_store.h"

namespace worker::store {

class TokenDictionary {
 public:
  // The key of each row's token, in the order of the rows. Tokens that are new get a row; the
  // batch's hints fill in what is not known of them.
  common::Result<std::vector<std::int32_t>> KeysOf(common::PgConnection& connection,
                                                   const Batch& batch);
  // The same for tokens by themselves.
  common::Result<std::vector<std::int32_t>> KeysOf(common::PgConnection& connection,
                                                   const std::vector<common::TokenId>& tokens,
                                                   const std::vector<sources::TokenHint>& hints);

  // After the connection was lost: the database may have lost what it had not made durable.
  void Forget() { known_.clear(); }

 private:
  struct Entry {
    std::int32_t key = 0;
    bool has_condition = false;  // hints have told it, so the next one need not
    bool has_outcome = false;

    bool Lacks(const sources::TokenHint& hint) const;
  };
  template <typename TokenAt>
  common::Result<std::vector<std::int32_t>> Keys(common::PgConnection& connection,
                                                 std::size_t count, TokenAt token_at,
                                                 const std::vector<sources::TokenHint>& told);

  using Hints = std::unordered_map<common::TokenId, const sources::TokenHint*>;

  common::Status Learn(common::PgConnection& connection, std::vector<common::TokenId> tokens,
                       const Hints& hints);
  common::Result<std::vector<common::TokenId>> LookUp(common::PgConnection& connection,
                                                      const std::vector<common::TokenId>& tokens);
  common::Status Hint(common::PgConnection& connection, const Hints& hints);

  std::unordered_map<common::TokenId, Entry> known_;
};

}  // namespace worker::store
