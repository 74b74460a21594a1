#include "tests/e2e/proofs.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "common/postgres.h"

namespace e2e {
namespace {

using Ends = std::map<std::string, long long, std::less<>>;

// Both the oracle's lines and ours: wallet, second, transaction, token, condition, and the rest.
struct Line {
  std::string wallet;
  long long second = 0;
  std::string rest;
};

Line Parsed(const std::string& text) {
  std::istringstream fields(text);
  Line line;
  std::string second, transaction, token, condition, rest;
  std::getline(fields, line.wallet, '\t');
  std::getline(fields, second, '\t');
  std::getline(fields, transaction, '\t');
  std::getline(fields, token, '\t');
  std::getline(fields, condition, '\t');  // known later than the trade
  std::getline(fields, rest);
  line.second = std::atoll(second.c_str());
  line.rest = transaction + ' ' + token + ' ' + rest;
  return line;
}

// Those that lie within what is called complete, sorted.
std::vector<std::string> Within(const Ends& ends, const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string one; std::getline(stream, one);) {
    Line line = Parsed(one);
    const auto end = ends.find(line.wallet);
    if (end == ends.end() || line.second > end->second) continue;
    lines.push_back(line.wallet + ' ' + std::to_string(line.second) + ' ' + line.rest);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void ExpectNoDifference(const char* what, const std::vector<std::string>& first,
                        const std::vector<std::string>& second) {
  std::vector<std::string> only;
  std::set_difference(first.begin(), first.end(), second.begin(), second.end(),
                      std::back_inserter(only));
  EXPECT_EQ(only.size(), 0U) << what << ", first: " << (only.empty() ? "" : only.front());
}

}  // namespace

int ExpectHonest(Fleet& fleet) {
  auto connection = common::PgConnection::Open(fleet.database_url());
  EXPECT_TRUE(connection.has_value());
  if (!connection) return 0;
  const auto rows = connection->Exec(
      "SELECT wallet_address, extract(epoch FROM complete_to)::bigint FROM wallet_sync_metadata "
      "WHERE complete_to IS NOT NULL");
  EXPECT_TRUE(rows.has_value());
  if (!rows) return 0;
  Ends ends;
  for (int i = 0; i < rows->size(); ++i) ends[std::string(rows->Text(i, 0))] = rows->Int64(i, 1);
  const auto stored = Within(ends, fleet.StoredRows("data-api"));
  const auto told = Within(ends, fleet.AskSimulator("/sim/oracle?source=data-api"));
  ExpectNoDifference("called complete, but missing", told, stored);
  ExpectNoDifference("within what is complete, but not so", stored, told);
  return static_cast<int>(ends.size());
}

void ExpectOneOwner(Fleet& fleet) {
  EXPECT_EQ(fleet.Value("SELECT count(*) FROM (SELECT wallet_id, ts FROM trade GROUP BY 1, 2 "
                        "HAVING count(DISTINCT source) > 1) AS shared"),
            "0")
      << "seconds that two sources own";
  EXPECT_EQ(fleet.Value("SELECT count(*) FROM (SELECT wallet_id, source, min(ts) AS first, "
                        "max(ts) AS last FROM trade GROUP BY 1, 2) a JOIN (SELECT wallet_id, "
                        "source, min(ts) AS first, max(ts) AS last FROM trade GROUP BY 1, 2) b "
                        "ON b.wallet_id = a.wallet_id AND b.source > a.source "
                        "AND a.first <= b.last AND b.first <= a.last"),
            "0")
      << "periods of two sources that overlap";
}

void NoteWhoStores(Fleet& fleet) {
  fleet.Value("CREATE TABLE stored_by (who text, is_good boolean)");
  fleet.Value(
      "CREATE FUNCTION note_who_stores() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
      "INSERT INTO stored_by SELECT name, EXISTS (SELECT FROM chunk WHERE state = ''leased'' "
      "AND format(''seine chunk %s epoch %s'', chunk_id, epoch) = name) "
      "FROM current_setting(''application_name'') AS name; RETURN NULL; END'");
  for (const char* table : {"trade", "wallet_cursor"}) {
    fleet.Value(std::string("CREATE TRIGGER note_who_stores AFTER INSERT OR UPDATE OR DELETE ON ") +
                table + " FOR EACH STATEMENT EXECUTE FUNCTION note_who_stores()");
  }
}

int NotedStores(Fleet& fleet, const std::string& where) {
  const std::string count = fleet.Value("SELECT count(*) FROM stored_by WHERE " + where);
  return count.empty() ? -1 : std::stoi(count);
}

void ExpectCounted(Fleet& fleet) {
  EXPECT_EQ(fleet.Value("SELECT count(*) FROM wallet_sync s FULL JOIN (SELECT wallet_id, "
                        "count(*) AS rows FROM trade GROUP BY 1) t USING (wallet_id) "
                        "WHERE coalesce(s.trades_stored, 0) <> coalesce(t.rows, 0)"),
            "0")
      << "wallets whose counter is wrong";
}

}  // namespace e2e
