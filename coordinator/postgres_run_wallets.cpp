#include "coordinator/postgres_run_wallets.h"

#include <algorithm>

namespace coordinator {
namespace {

using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;

// Wallets of a run after `after`, in pages.
constexpr char kRunWallets[] = R"sql(
SELECT w.wallet_id, coalesce(s.trades_stored, 0), coalesce(s.complete_to, 0),
       coalesce(s.last_trade_ts, 0), coalesce(s.quarantined, false),
       coalesce(s.last_error, ''), extract(epoch FROM now())::bigint
FROM (SELECT wallet_id FROM wallet WHERE $1::text IS NULL AND wallet_id > $2
      UNION ALL
      SELECT wallet_id FROM selection_wallet WHERE selection = $1::text AND wallet_id > $2
      ORDER BY wallet_id LIMIT $3) w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
ORDER BY w.wallet_id)sql";

// The same of wallets that are due, the most wanted first. A quarantined one waits for a retry, and
// takes the place of no other.
constexpr char kDueWallets[] = R"sql(
SELECT d.wallet_id, coalesce(s.trades_stored, 0), coalesce(s.complete_to, 0),
       coalesce(s.last_trade_ts, 0), coalesce(s.quarantined, false),
       coalesce(s.last_error, ''), extract(epoch FROM now())::bigint
FROM wallet_due d LEFT JOIN wallet_sync s ON s.wallet_id = d.wallet_id
ORDER BY coalesce(s.quarantined, false) DESC, coalesce(s.volume, 0) >= 100000000000 DESC,
         coalesce(s.complete_to, 0) = 0 DESC, coalesce(s.complete_to, 0), d.wallet_id
LIMIT $1::bigint + (SELECT count(*) FROM wallet_due d
                    JOIN wallet_sync s ON s.wallet_id = d.wallet_id WHERE s.quarantined))sql";

constexpr std::int32_t kWalletsAtOnce = 50'000;

// Columns as kRunWallets has them.
void AddWallet(const PgRows& rows, int i, RunWallets& wallets) {
  const auto wallet = static_cast<std::int32_t>(rows.Int64(i, 0));
  if (rows.Bool(i, 4)) {
    wallets.quarantined.push_back({{wallet}, true, std::string(rows.Text(i, 5))});
    return;
  }
  wallets.trades_stored += rows.Int64(i, 1);
  const plans::WalletHistory history{rows.Int64(i, 1), rows.Int64(i, 2), rows.Int64(i, 3)};
  constexpr std::int64_t kMostExpected = 1'000'000'000;
  const auto expected = std::min(kMostExpected, plans::ExpectedTrades(history, rows.Int64(i, 6)));
  wallets.loads.push_back({{wallet}, static_cast<std::int32_t>(expected)});
}

}  // namespace

Result<RunWallets> ReadDueWallets(PgConnection& connection, std::optional<std::int64_t> most) {
  const auto rows =
      connection.Exec(kDueWallets, most ? PgParams().Int64(*most) : PgParams().Null());
  if (!rows) return rows.error();
  RunWallets wallets;
  for (int i = 0; i < rows->size(); ++i) AddWallet(*rows, i, wallets);
  return wallets;
}

Result<RunWallets> ReadRunWallets(PgConnection& connection, const std::string* selection) {
  RunWallets wallets;
  for (std::int32_t after = -1;;) {
    PgParams params;
    if (selection != nullptr) {
      params.Text(*selection);
    } else {
      params.Null();
    }
    const auto rows = connection.Exec(kRunWallets, params.Int32(after).Int32(kWalletsAtOnce));
    if (!rows) return rows.error();
    for (int i = 0; i < rows->size(); ++i) {
      after = static_cast<std::int32_t>(rows->Int64(i, 0));
      AddWallet(*rows, i, wallets);
    }
    if (rows->size() < kWalletsAtOnce) return wallets;
  }
}

}  // namespace coordinator
