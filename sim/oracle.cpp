#include "sim/oracle.h"

#include <algorithm>

#include "sim/chain.h"
#include "sim/text.h"

namespace sim {
namespace {

bool IsTold(const Fill& fill, common::Source source) {
  if (source == common::Source::kDataApi) return true;
  if (source != common::Source::kSubgraph) return fill.archived;
  return fill.archived && fill.version == common::ExchangeVersion::kV1 &&
         fill.ts <= common::kV1Cutover;
}

std::string Line(const World& world, FillNumber number, common::Source source) {
  const Fill& fill = world.fills()[number];
  const Token& token = world.tokens()[fill.token];
  std::string line = Hex(world.wallets()[fill.wallet].address.bytes);
  const auto add_number = [&line](std::int64_t value) {
    line += '\t';
    AppendInteger(line, value);
  };
  add_number(fill.ts);
  line += '\t';
  AppendHex(line, world.TxHash(fill));
  line += '\t' + token.decimal + '\t' + world.markets()[token.market].condition_id;
  line += fill.side == common::Side::kBuy ? "\tBUY" : "\tSELL";
  add_number(fill.size);
  add_number(fill.usdc);
  const bool tells_events = source == common::Source::kSubgraph || source == common::Source::kRpc;
  if (!tells_events) return line;
  add_number(fill.fee);
  line += fill.role == common::Role::kTaker ? "\ttaker" : "\tmaker";
  line += IsV2(fill) ? "\tV2" : "\tV1";
  if (source == common::Source::kRpc) add_number(Chain::LogIndexOf(world, number));
  return line;
}

}  // namespace

std::vector<std::string> OracleLines(const World& world, common::Source source,
                                     const std::optional<std::vector<std::string>>& wallets) {
  std::vector<bool> wanted(world.wallets().size(), !wallets.has_value());
  if (wallets) {
    for (const std::string& wallet : *wallets) {
      if (const std::uint32_t* number = world.FindWallet(wallet)) wanted[*number] = true;
    }
  }
  std::vector<std::string> lines;
  for (FillNumber number = 0; number < world.fills().size(); ++number) {
    const Fill& fill = world.fills()[number];
    if (world.wallets()[fill.wallet].kind != WalletKind::kUser || !wanted[fill.wallet]) continue;
    if (IsTold(fill, source)) lines.push_back(Line(world, number, source));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string OracleText(const World& world, common::Source source,
                       const std::optional<std::vector<std::string>>& wallets) {
  std::string text;
  for (const std::string& line : OracleLines(world, source, wallets)) text.append(line) += '\n';
  return text;
}

std::string WalletsText(const World& world, bool with_contracts) {
  std::string text;
  for (const Wallet& wallet : world.wallets()) {
    if (wallet.kind != WalletKind::kUser && !with_contracts) continue;
    AppendHex(text, wallet.address.bytes);
    text += '\n';
  }
  return text;
}

}  // namespace sim
