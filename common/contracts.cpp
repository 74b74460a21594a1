#include "common/contracts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace common {
namespace {

using Entry = std::pair<WalletAddress, ContractKind>;

const std::vector<Entry>& Sorted() {
  static const std::vector<Entry> kEntries = [] {
    std::vector<Entry> sorted;
    sorted.reserve(kContracts.size());
    for (const Contract& contract : kContracts) {
      sorted.emplace_back(WalletAddress::Parse(contract.address).value(), contract.kind);
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }();
  return kEntries;
}

const Entry* Find(const WalletAddress& address) {
  const std::vector<Entry>& entries = Sorted();
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), address,
                       [](const Entry& entry, const auto& key) { return entry.first < key; });
  return found != entries.end() && found->first == address ? &*found : nullptr;
}

}  // namespace

bool IsContract(const WalletAddress& address) {
  return Find(address) != nullptr;
}

bool IsExchange(const WalletAddress& address) {
  const Entry* const entry = Find(address);
  return entry != nullptr && entry->second != ContractKind::kOther;
}

}  // namespace common
