#include "worker/store/wallet_dictionary.h"

#include <algorithm>

#include "common/check.h"
#include "worker/store/id_bytes.h"

namespace worker::store {
namespace {

using common::Done;
using common::PgArray;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Status;
using common::WalletAddress;
using common::WalletId;

// About 25 MB.
constexpr std::size_t kMostKnownWallets = 400'000;

}  // namespace

Result<std::vector<WalletId>> WalletDictionary::IdsOf(PgConnection& connection,
                                                      const std::vector<FoundWallet>& wallets) {
  if (known_.size() > kMostKnownWallets) known_.clear();
  Missing missing;
  for (const FoundWallet& wallet : wallets) {
    if (!known_.contains(wallet.address)) missing.push_back(&wallet);
  }
  if (!missing.empty()) {
    if (const Status learnt = Learn(connection, std::move(missing)); !learnt) {
      return learnt.error();
    }
  }
  std::vector<WalletId> ids;
  ids.reserve(wallets.size());
  for (const FoundWallet& wallet : wallets) ids.push_back(known_.at(wallet.address));
  return ids;
}

Status WalletDictionary::Learn(PgConnection& connection, Missing wallets) {
  std::ranges::stable_sort(wallets, {}, [](const FoundWallet* wallet) { return wallet->address; });
  const auto is_same = [](const FoundWallet* a, const FoundWallet* b) {
    return a->address == b->address;
  };
  wallets.erase(std::unique(wallets.begin(), wallets.end(), is_same), wallets.end());
  Result<Missing> missing = LookUp(connection, wallets);
  if (!missing) return missing.error();
  if (missing->empty()) return Done{};

  PgArray address = PgArray::OfBytes(), found_by = PgArray::OfText();
  for (const FoundWallet* wallet : *missing) {
    address.Add(BytesOf(wallet->address));
    found_by.Add(ToString(wallet->found_by));
  }
  const Result<PgRows> inserted = connection.Exec(
      "INSERT INTO wallet (address, discovered_by) SELECT * FROM unnest($1, $2) "
      "ON CONFLICT (address) DO NOTHING RETURNING address, wallet_id",
      PgParams().Array(address).Array(found_by));
  if (!inserted) return inserted.error();
  for (int row = 0; row < inserted->size(); ++row) {
    WalletAddress found;
    std::ranges::copy(inserted->Bytes(row, 0), found.bytes.begin());
    known_[found] = WalletId{static_cast<std::int32_t>(inserted->Int64(row, 1))};
  }
  if (inserted->size() == static_cast<int>(missing->size())) return Done{};
  // Another worker was quicker with some.
  missing = LookUp(connection, *missing);
  if (!missing) return missing.error();
  CHECK(missing->empty());
  return Done{};
}

// Remembers the wallets that exist and returns the others, in order.
Result<WalletDictionary::Missing> WalletDictionary::LookUp(PgConnection& connection,
                                                           const Missing& wallets) {
  PgArray addresses = PgArray::OfBytes();
  for (const FoundWallet* wallet : wallets) addresses.Add(BytesOf(wallet->address));
  // A subquery for each, as the planner might read the whole table for a join.
  const Result<PgRows> rows = connection.Exec(
      "SELECT (SELECT w.wallet_id FROM wallet w WHERE w.address = u.address) "
      "FROM unnest($1) WITH ORDINALITY AS u(address, place) ORDER BY u.place",
      PgParams().Array(addresses));
  if (!rows) return rows.error();
  Missing missing;
  for (std::size_t i = 0; i < wallets.size(); ++i) {
    const int row = static_cast<int>(i);
    if (rows->IsNull(row, 0)) {
      missing.push_back(wallets[i]);
    } else {
      known_[wallets[i]->address] = WalletId{static_cast<std::int32_t>(rows->Int64(row, 0))};
    }
  }
  return missing;
}

}  // namespace worker::store
