#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/database_access.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/terminal.h"
#include "cli/wallet_list.h"

namespace cli {
namespace {

using common::PgParams;
using common::PgRows;
using common::Result;
using nlohmann::json;

// Times as unix seconds, so that they are printed in UTC whatever the session's zone is.
constexpr char kMetadata[] =
    "SELECT m.sync_status, m.total_trades_synced, m.total_trades_processed,"
    " extract(epoch FROM m.last_synced_at)::bigint AS last_synced_at,"
    " extract(epoch FROM m.complete_to)::bigint AS complete_to,"
    " m.sync_duration_ms, m.error_count, m.last_error, w.discovered_by"
    " FROM wallet_sync_metadata m JOIN wallets w USING (wallet_address)"
    " WHERE m.wallet_address = $1";
constexpr char kTotals[] =
    "SELECT count(*) AS trades, count(*) FILTER (WHERE side = 'BUY') AS buys,"
    " count(*) FILTER (WHERE side = 'SELL') AS sells,"
    " coalesce(sum(usdc_amount), 0)::numeric(30, 2) AS volume_usd,"
    " extract(epoch FROM min(traded_at))::bigint AS first_trade_at,"
    " extract(epoch FROM max(traded_at))::bigint AS last_trade_at,"
    " count(DISTINCT condition_id) AS markets,"
    " count(*) FILTER (WHERE condition_id IS NULL) AS unresolved"
    " FROM trades_raw WHERE wallet_address = $1";
constexpr char kMarkets[] =
    "SELECT coalesce(m.question, t.condition_id, 'not resolved yet') AS market, t.category,"
    " count(*) AS trades, sum(t.usdc_amount)::numeric(30, 2) AS volume_usd"
    " FROM trades_raw t LEFT JOIN markets m ON m.condition_id = t.condition_id"
    " WHERE t.wallet_address = $1 GROUP BY 1, 2 ORDER BY 4 DESC, 1 LIMIT 5";
constexpr char kTrades[] =
    "SELECT extract(epoch FROM t.traded_at)::bigint AS traded_at, t.side, t.outcome,"
    " trim_scale(t.size) AS size, trim_scale(t.price) AS price, trim_scale(t.usdc_amount) AS usdc,"
    " t.role, coalesce(m.question, t.condition_id, t.token_id) AS market"
    " FROM trades_raw t LEFT JOIN markets m ON m.condition_id = t.condition_id"
    " WHERE t.wallet_address = $1 ORDER BY t.traded_at DESC, t.trade_id LIMIT 10";

std::string Cell(const PgRows& rows, int row, int column) {
  if (rows.IsNull(row, column)) return "-";
  return std::string(rows.Text(row, column));
}

std::string MaybeSpan(std::int64_t duration_ms) {
  return duration_ms > 0 ? Span(static_cast<double>(duration_ms) / 1000) : "-";
}

struct Report {
  PgRows metadata;
  PgRows totals;
  PgRows markets;
  PgRows trades;
};

Result<Report> Read(common::PgConnection& connection, const std::string& address) {
  const auto ask = [&](const char* sql) {
    return connection.Exec(sql, PgParams().Text(address));
  };
  Result<PgRows> metadata = ask(kMetadata);
  if (!metadata) return metadata.error();
  Result<PgRows> totals = ask(kTotals);
  if (!totals) return totals.error();
  Result<PgRows> markets = ask(kMarkets);
  if (!markets) return markets.error();
  Result<PgRows> trades = ask(kTrades);
  if (!trades) return trades.error();
  return Report{std::move(*metadata), std::move(*totals), std::move(*markets), std::move(*trades)};
}

void PrintReport(const std::string& address, const Report& report) {
  const PgRows& sync = report.metadata;
  const PgRows& totals = report.totals;
  const std::int64_t complete_to = sync.Int64(0, 4);
  Print(Bold(address) + "  " + Cell(sync, 0, 0));
  Print(complete_to > 0 ? "complete up to " + Utc(complete_to) + " UTC"
                        : std::string("not proven complete to any instant yet"));
  Print(fmt::format("last synced {} UTC, in {}; discovered by {}; {} errors", Utc(sync.Int64(0, 3)),
                    MaybeSpan(sync.Int64(0, 5)), Cell(sync, 0, 8), Grouped(sync.Int64(0, 6))));
  if (!sync.IsNull(0, 7)) Print(Yellow("last error: " + Cell(sync, 0, 7)));
  Print(fmt::format("{} trades ({} buys, {} sells) in {} markets, {} USD; first {}, last {}",
                    Grouped(totals.Int64(0, 0)), Grouped(totals.Int64(0, 1)),
                    Grouped(totals.Int64(0, 2)), Grouped(totals.Int64(0, 6)), Cell(totals, 0, 3),
                    Utc(totals.Int64(0, 4)), Utc(totals.Int64(0, 5))));
  if (totals.Int64(0, 7) > 0) {
    Print(fmt::format("{} trades of tokens whose market is not known yet",
                      Grouped(totals.Int64(0, 7))));
  }
  Table markets({"market", "category", ">trades", ">USD"});
  for (int i = 0; i < report.markets.size(); ++i) {
    markets.Add({Cut(Cell(report.markets, i, 0), 60), Cell(report.markets, i, 1),
                 Grouped(report.markets.Int64(i, 2)), Cell(report.markets, i, 3)});
  }
  Table trades({"time (UTC)", "side", "outcome", ">shares", ">price", ">USD", "role", "market"});
  for (int i = 0; i < report.trades.size(); ++i) {
    const PgRows& row = report.trades;
    trades.Add({Utc(row.Int64(i, 0)), Cell(row, i, 1), Cell(row, i, 2), Cell(row, i, 3),
                Cell(row, i, 4), Cell(row, i, 5), Cell(row, i, 6), Cut(Cell(row, i, 7), 48)});
  }
  if (markets.empty()) return;
  Print(std::string());
  Print(markets.Lines());
  Print("\nThe last trades:");
  Print(trades.Lines());
}

// Counts and times are numbers; amounts stay text, which no reader rounds.
const std::set<std::string> kNumbers = {"total_trades_synced",
                                        "total_trades_processed",
                                        "last_synced_at",
                                        "complete_to",
                                        "sync_duration_ms",
                                        "error_count",
                                        "trades",
                                        "buys",
                                        "sells",
                                        "first_trade_at",
                                        "last_trade_at",
                                        "markets",
                                        "unresolved",
                                        "traded_at"};

// Rows as objects; `names` in the order of the columns.
json ToJson(const PgRows& rows, const std::vector<const char*>& names) {
  json all = json::array();
  for (int row = 0; row < rows.size(); ++row) {
    json one;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const int column = static_cast<int>(i);
      const std::string text = rows.IsNull(row, column) ? "" : std::string(rows.Text(row, column));
      const bool is_number = kNumbers.count(names[i]) > 0;
      one[names[i]] = rows.IsNull(row, column) ? json()
                      : is_number              ? json(rows.Int64(row, column))
                                               : json(text);
    }
    all.push_back(std::move(one));
  }
  return all;
}

void PrintJson(const std::string& address, const Report& report) {
  json all =
      ToJson(report.metadata,
             {"sync_status", "total_trades_synced", "total_trades_processed", "last_synced_at",
              "complete_to", "sync_duration_ms", "error_count", "last_error", "discovered_by"})[0];
  all["wallet_address"] = address;
  all.update(ToJson(report.totals, {"trades", "buys", "sells", "volume_usd", "first_trade_at",
                                    "last_trade_at", "markets", "unresolved"})[0]);
  all["top_markets"] = ToJson(report.markets, {"market", "category", "trades", "volume_usd"});
  all["last_trades"] = ToJson(
      report.trades, {"traded_at", "side", "outcome", "size", "price", "usdc", "role", "market"});
  Print(all.dump(2));
}

}  // namespace

int ShowWallet(const Options& options) {
  WalletList list;
  list.Add(options.id, "argument");
  if (!list.complaints.empty()) return Complain(kUsage, list.complaints.front());
  const std::string address = list.wallets.begin()->ToString();
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const auto database = DatabaseAccess::Open(*state, DatabaseOf(options, *state));
  if (!database) return Complain(kCannotStart, database.error().message);
  const Result<Report> report = Read((*database)->connection(), address);
  if (!report) return Complain(kCannotStart, report.error().message);
  if (report->metadata.empty()) {
    return Complain(kCannotStart, address + " is not known here; `seine sync` brings it");
  }
  if (options.is_json) {
    PrintJson(address, *report);
  } else {
    PrintReport(address, *report);
  }
  return kDone;
}

}  // namespace cli
