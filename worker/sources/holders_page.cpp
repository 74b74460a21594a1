#include "worker/sources/holders_page.h"

#include <utility>

#include <fmt/format.h>

#include "worker/sources/data_api_list.h"
#include "worker/sources/tally.h"
#include "worker/sources/wallet_trade.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kHoldersPageSize = 1000;    // for each outcome
constexpr std::size_t kMostTokens = 256;  // of one condition
constexpr std::size_t kMostHolders = 256'000;

class HolderReader {
 public:
  // One token: {"token_id", "holders": [...]}.
  MaybeError ReadToken(ondemand::object& token) {
    ondemand::value holders;
    if (auto error = Require(token, "holders", holders)) return error;
    return ReadRows(holders, kMostHolders, rows_,
                    [this](ondemand::object& holder) { return ReadHolder(holder); });
  }

  std::size_t rows() const { return rows_; }
  std::uint64_t hash() const { return hash_; }

  std::vector<common::WalletAddress> TakeWallets() {
    KeepWallets(wallets_);
    return std::move(wallets_);
  }

 private:
  MaybeError ReadHolder(ondemand::object& holder) {
    std::string_view text;
    if (auto error = Require(holder, "proxy_wallet", text)) return error;
    const auto wallet = common::WalletAddress::Parse(text);
    if (!wallet) return BadRow("proxy_wallet");
    wallets_.push_back(*wallet);
    hash_ = StableHash().Add(hash_).Add(std::hash<common::WalletAddress>()(*wallet)).value();
    return std::nullopt;
  }

  std::vector<common::WalletAddress> wallets_;
  std::size_t rows_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace

HttpRequest HoldersRequest(const std::string& data_url, const common::ConditionId& condition,
                           std::string_view position) {
  std::string url = fmt::format("{}/holders?condition={}&limit={}", data_url, condition.ToString(),
                                kHoldersPageSize);
  const PageEnd before = DecodePageEnd(position);
  if (!before.next_cursor.empty()) url += "&cursor=" + EscapeQuery(before.next_cursor);
  return {.endpoint = Endpoint::kDataOther, .url = std::move(url), .body = {}};
}

common::Result<HoldersPage> ParseHoldersPage(std::string_view position, std::string_view body) {
  JsonText json;
  HolderReader reader;
  Pagination pagination;
  std::size_t tokens = 0;
  const auto read_token = [&reader](ondemand::object& token) {
    return reader.ReadToken(token);
  };
  const auto read_data = [&](ondemand::value data) {
    return ReadRows(data, kMostTokens, tokens, read_token);
  };
  const PageEnd before = DecodePageEnd(position);
  if (auto error = ReadEnvelope(json, body, pagination, read_data)) return *error;
  // A condition that nobody holds has tokens without holders.
  if (auto error = CheckPagination(pagination, before.next_cursor, tokens)) return *error;
  HoldersPage page;
  page.end = {reader.rows(), reader.hash(), std::move(pagination.next_cursor)};
  if (auto error = StandsStill(before, page.end)) return *error;
  page.wallets = reader.TakeWallets();
  return page;
}

}  // namespace worker::sources
