#include "worker/sources/rpc_error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "worker/sources/answer.h"
#include "worker/sources/error_body.h"

namespace worker::sources {
namespace {

constexpr std::int64_t kLimitExceeded = -32005;
constexpr std::int64_t kInvalidParams = -32602;
constexpr std::int64_t kInvalidRequest = -32600;
constexpr std::int64_t kNoSuchMethod = -32601;

constexpr std::array<std::string_view, 9> kRateWords{
    "rate limit",          "too many requests", "request rate",
    "requests per second", "compute units",     "daily request",
    "throughput",          "capacity",          "quota"};
// The provider caps the blocks of a request.
constexpr std::array<std::string_view, 7> kRangeWords{
    "block range",       "range is too",     "range too",   "limited to a",
    "exceeds the range", "maximum range of", "blocks range"};
// There were too many logs in these blocks.
constexpr std::array<std::string_view, 9> kSizeWords{"query returned more than",
                                                     "too many results",
                                                     "too many logs",
                                                     "response size",
                                                     "exceeds max results",
                                                     "logs matched by query exceeds",
                                                     "max results",
                                                     "query timeout",
                                                     "response too large"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

template <std::size_t N>
bool HasOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(), [text](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

// "[0x1a, 0x2b]": the range that would work, as one provider proposes.
std::uint64_t ProposedRange(std::string_view text) {
  const std::size_t open = text.find("[0x");
  if (open == std::string_view::npos) return 0;
  const auto hex_at = [text](std::size_t at) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + at, end, value, 16);
    return error == std::errc{} ? value : 0;
  };
  const std::size_t second = text.find("0x", open + 3);
  if (second == std::string_view::npos) return 0;
  const std::uint64_t from = hex_at(open + 3);
  const std::uint64_t to = hex_at(second + 2);
  return to >= from && from != 0 ? to - from + 1 : 0;
}

// A number such as 10000, 10,000 or 10k from the front.
std::uint64_t TakeCount(std::string_view& text) {
  constexpr std::uint64_t kLargest = 1'000'000'000;
  std::uint64_t value = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool is_comma =
        text[at] == ',' && at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9';
    if (is_comma) continue;
    if (text[at] < '0' || text[at] > '9') break;
    value = std::min(kLargest, value * 10 + static_cast<std::uint64_t>(text[at] - '0'));
  }
  text.remove_prefix(at);
  if (text.starts_with('k')) {
    text.remove_prefix(1);
    value = std::min(kLargest, value * 1000);
  }
  return value;
}

// The number that stands beside the word block or range, if any does.
std::uint64_t CountOfBlocks(std::string_view text) {
  constexpr std::array<std::string_view, 6> kBefore{"range: ", "range of ",   "range limit of ",
                                                    "range ",  "limited to ", "limited to a "};
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] < '0' || text[at] > '9') {
      ++at;
      continue;
    }
    const std::string_view before = text.substr(0, at);
    std::string_view behind = text.substr(at);
    const std::uint64_t count = TakeCount(behind);
    at = text.size() - behind.size();
    while (behind.starts_with(' ')) behind.remove_prefix(1);
    const bool is_of_blocks =
        behind.starts_with("block") || behind.starts_with("range") ||
        std::any_of(kBefore.begin(), kBefore.end(),
                    [before](std::string_view words) { return before.ends_with(words); });
    if (is_of_blocks && !behind.starts_with("result")) return count;
  }
  return 0;
}

}  // namespace

std::variant<common::Error, RpcTooWide> JudgeRpcError(std::int64_t code, std::string_view message,
                                                      std::uint64_t blocks) {
  using common::Error;
  using common::ErrorKind;
  const std::string text = Lower(message);
  const std::string told = fmt::format("the node says {}: {}", code, Evidence(message));
  if (code == kHttpTooManyRequests || HasOneOf(text, kRateWords)) {
    return Error{ErrorKind::kThrottled, told};
  }
  // The node has not seen all of these blocks yet.
  const bool is_ahead = text.find("beyond current head") != std::string::npos;
  if (is_ahead) return Error{ErrorKind::kTransient, told};
  const bool is_range = HasOneOf(text, kRangeWords);
  const bool is_size = HasOneOf(text, kSizeWords);
  if (is_range || is_size || code == kLimitExceeded || code == kInvalidParams) {
    if (blocks <= 1) return Error{ErrorKind::kRejected, told};
    std::uint64_t most = ProposedRange(text);
    if (most == 0) most = CountOfBlocks(text);
    if (most >= blocks) most = 0;  // no help
    return RpcTooWide{most, is_range && !is_size, told};
  }
  const bool is_refusal = code == kNoSuchMethod || code == kInvalidRequest;
  return Error{is_refusal ? ErrorKind::kRejected : ErrorKind::kTransient, told};
}

}  // namespace worker::sources
