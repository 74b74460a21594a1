#include "cli/audit_wallets.h"

#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "cli/second_view.h"

namespace cli {
namespace {

using common::PgParams;
using common::Result;

// In an order by chance, the view is asked for one after the other until there are enough: its
// every row costs look-ups.
constexpr char kSampleWallets[] = R"sql(
SELECT m.wallet_address
FROM (SELECT w.wallet_id FROM wallet w LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
       WHERE s.status = 2 OR (coalesce(s.status, 0) = 0
             AND EXISTS (SELECT 1 FROM coverage WHERE to_ts >= from_ts))
       ORDER BY random()) c
CROSS JOIN LATERAL (
  SELECT d.wallet_address, d.sync_status FROM wallet_sync_metadata d
   WHERE d.wallet_address = (SELECT hex0x(address) FROM wallet WHERE wallet_id = c.wallet_id)
  OFFSET 0) m
WHERE m.sync_status = 'completed' LIMIT $1)sql";
constexpr char kCompleteTo[] =
    "SELECT sync_status, coalesce(extract(epoch FROM complete_to)::bigint, 0)"
    " FROM wallet_sync_metadata WHERE wallet_address = $1";
constexpr char kCount[] =
    "SELECT side, count(*), (sum(size) * 1000000)::bigint FROM trades_raw"
    " WHERE wallet_address = $1 AND traded_at <= to_timestamp($2::bigint) GROUP BY side";

// Shares bought of each token; not of conditions where shares came or went in other ways.
constexpr char kBought[] = R"sql(
SELECT t.token_id, (sum(t.size) * 1000000)::bigint FROM trades_raw t
 WHERE t.wallet_address = $1 AND t.side = 'BUY' AND t.traded_at <= to_timestamp($2::bigint)
 GROUP BY t.token_id)sql";
constexpr char kMoved[] =
    "SELECT k.token_id FROM wallet_activity a JOIN tokens k ON k.condition_id = a.condition_id"
    " WHERE a.wallet_address = $1 AND a.type IN ('SPLIT', 'CONVERSION', 'MIGRATION')";

Result<WalletCount> CountOurs(common::PgConnection& connection, const std::string& wallet,
                              std::int64_t end) {
  const auto rows = connection.Exec(kCount, PgParams().Text(wallet).Int64(end));
  if (!rows) return rows.error();
  WalletCount count;
  for (int i = 0; i < rows->size(); ++i) {
    SideCount& side = rows->Text(i, 0) == "BUY" ? count.buys : count.sells;
    side = {rows->Int64(i, 1), rows->Int64(i, 2)};
  }
  return count;
}

// Positions that had an event later than what is synced say nothing of it.
Result<std::vector<BoughtDifference>> CompareBought(common::PgConnection& connection,
                                                    const std::string& data_url,
                                                    const std::string& wallet, std::int64_t end) {
  const auto theirs = BoughtUpstream(data_url, wallet);
  if (!theirs) return theirs.error();
  const auto rows = connection.Exec(kBought, PgParams().Text(wallet).Int64(end));
  const auto moved = connection.Exec(kMoved, PgParams().Text(wallet));
  if (!rows || !moved) return rows ? moved.error() : rows.error();
  std::map<std::string, std::int64_t> ours;
  for (int i = 0; i < rows->size(); ++i) ours[std::string(rows->Text(i, 0))] = rows->Int64(i, 1);
  std::set<std::string> left_out;
  for (int i = 0; i < moved->size(); ++i) left_out.emplace(moved->Text(i, 0));
  std::vector<BoughtDifference> differences;
  for (const auto& [token, shares] : *theirs) {
    if (shares.last_event_at > end || left_out.contains(token)) continue;
    constexpr std::int64_t kHundredth = 10'000;  // the upstream rounds
    const std::int64_t tolerance = kHundredth + shares.total / 10'000;
    if (std::abs(ours[token] - shares.total) <= tolerance) continue;
    differences.push_back({token, ours[token], shares.total});
  }
  return differences;
}

}  // namespace

Result<std::vector<std::string>> SampleWallets(common::PgConnection& connection, int most) {
  const auto rows = connection.Exec(kSampleWallets, PgParams().Int64(most));
  if (!rows) return rows.error();
  std::vector<std::string> wallets;
  wallets.reserve(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) wallets.emplace_back(rows->Text(i, 0));
  return wallets;
}

WalletFinding CompareWallet(common::PgConnection& connection, const std::string& data_url,
                            const std::string& wallet) {
  WalletFinding finding;
  finding.wallet = wallet;
  const auto state = connection.Exec(kCompleteTo, PgParams().Text(wallet));
  if (!state || state->empty() || state->Int64(0, 1) == 0) {
    finding.trouble = !state           ? state.error().message
                      : state->empty() ? "not known here"
                                       : "not complete to any instant yet";
    return finding;
  }
  finding.complete_to = state->Int64(0, 1);
  const auto ours = CountOurs(connection, wallet, finding.complete_to);
  const auto theirs = CountUpstream(data_url, wallet, finding.complete_to);
  if (!ours || !theirs) {
    finding.trouble = !ours ? ours.error().message : "the Data API: " + theirs.error().message;
    return finding;
  }
  finding.ours = *ours;
  finding.theirs = *theirs;
  auto bought = CompareBought(connection, data_url, wallet, finding.complete_to);
  if (bought) {
    finding.bought = std::move(*bought);
  } else {
    finding.trouble = "positions: " + bought.error().message;
  }
  return finding;
}

}  // namespace cli
