// Lists of wallets as people keep them.
#pragma once

#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "common/ids.h"

namespace cli {

// Addresses sorted and each once; and every line that is none, named with its number.
struct WalletList {
  std::set<common::WalletAddress> wallets;
  std::vector<std::string> complaints;

  void Add(const std::string& text, const std::string& place);
  // One address a line, any case; blank lines and everything behind # are ignored.
  void AddLines(std::istream& lines, const std::string& name);

  // A hash of the sorted list, in hex: the same wallets, the same name.
  std::string Selection() const;
  // At most `size` addresses a piece, one a line.
  std::vector<std::string> Pieces(std::size_t size) const;
};

}  // namespace cli
