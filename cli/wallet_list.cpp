#include "cli/wallet_list.h"

#include <istream>

#include <fmt/format.h>

namespace cli {
namespace {

// 128 bits from two FNV-1a hashes with different starts: enough to tell lists apart.
class ListHash {
 public:
  void Add(const common::WalletAddress& wallet) {
    for (const std::uint8_t byte : wallet.bytes) {
      first_ = (first_ ^ byte) * kPrime;
      second_ = (second_ ^ byte) * kPrime + 1;
    }
  }
  std::string ToHex() const { return fmt::format("{:016x}{:016x}", first_, second_); }

 private:
  static constexpr std::uint64_t kPrime = 1099511628211ULL;
  std::uint64_t first_ = 14695981039346656037ULL;
  std::uint64_t second_ = 7809847782465536322ULL;
};

std::string Trimmed(const std::string& line) {
  constexpr char kBlank[] = " \t\r\v\f";
  const std::string text = line.substr(0, line.find('#'));
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

void WalletList::Add(const std::string& text, const std::string& place) {
  std::string lower = text;
  if (lower.starts_with("0X")) lower[1] = 'x';
  if (const auto wallet = common::WalletAddress::Parse(lower)) {
    wallets.insert(*wallet);
    return;
  }
  complaints.push_back(
      fmt::format("{}: '{}' is not an address (0x and 40 hex digits)", place, text));
}

void WalletList::AddLines(std::istream& lines, const std::string& name) {
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    // Some editors put a byte order mark first.
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    const std::string text = Trimmed(line);
    if (!text.empty()) Add(text, fmt::format("{} line {}", name, number));
  }
}

std::string WalletList::Selection() const {
  ListHash hash;
  for (const common::WalletAddress& wallet : wallets) hash.Add(wallet);
  return hash.ToHex();
}

std::vector<std::string> WalletList::Pieces(std::size_t size) const {
  std::vector<std::string> pieces;
  std::size_t in_piece = size;
  for (const common::WalletAddress& wallet : wallets) {
    if (in_piece == size) {
      pieces.emplace_back();
      in_piece = 0;
    }
    pieces.back() += wallet.ToString() + "\n";
    ++in_piece;
  }
  return pieces;
}

}  // namespace cli
