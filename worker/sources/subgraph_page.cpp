#include "worker/sources/subgraph_page.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "worker/sources/error_body.h"
#include "worker/sources/json_text.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

enum Field : std::size_t {
  kId,
  kTransactionHash,
  kOrderHash,
  kTimestamp,
  kMaker,
  kTaker,
  kMakerAssetId,
  kTakerAssetId,
  kMakerAmountFilled,
  kTakerAmountFilled,
  kFee,
  kFieldCount
};
constexpr std::array<std::string_view, kFieldCount> kFieldNames{
    "id",           "transactionHash", "orderHash",         "timestamp",         "maker", "taker",
    "makerAssetId", "takerAssetId",    "makerAmountFilled", "takerAmountFilled", "fee"};

using Texts = std::array<std::string_view, kFieldCount>;

common::Error BadEvent(const std::string& why) {
  return {common::ErrorKind::kMalformed, "an event cannot be read: " + why};
}

// maker and taker are strings here, and objects {id} in other deployments of the same subgraph.
simdjson::error_code ReadText(ondemand::value value, std::string_view& text) {
  ondemand::json_type type{};
  if (const auto code = value.type().get(type)) return code;
  if (type != ondemand::json_type::object) return value.get_string().get(text);
  return value["id"].get_string().get(text);
}

std::optional<common::Error> ReadTexts(ondemand::object event, Texts& texts) {
  for (auto field : event) {
    std::string_view key;
    if (const auto code = field.unescaped_key().get(key)) return BrokenJson(code);
    std::size_t index = 0;
    while (index < kFieldCount && kFieldNames[index] != key) ++index;
    if (index == kFieldCount) continue;
    ondemand::value value;
    if (const auto code = field.value().get(value)) return BrokenJson(code);
    const simdjson::error_code code = ReadText(value, texts[index]);
    if (code == simdjson::INCORRECT_TYPE || code == simdjson::NO_SUCH_FIELD) {
      return BadEvent("its " + std::string(key) + " is no text");
    }
    if (code != simdjson::SUCCESS) return BrokenJson(code);
  }
  for (std::size_t index = 0; index < kFieldCount; ++index) {
    if (texts[index].data() == nullptr) return BadEvent("no " + std::string(kFieldNames[index]));
  }
  return std::nullopt;
}

std::optional<common::UnixSeconds> ParseSeconds(std::string_view text) {
  common::UnixSeconds value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < 0) return std::nullopt;
  return value;
}

// An id goes back into the next query, so it must be as plain as the real ones are.
bool IsPlainId(std::string_view id) {
  constexpr std::size_t kLongest = 256;
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !id.empty() && id.size() <= kLongest &&
         id.find_first_not_of(kPlain) == std::string_view::npos;
}

common::Result<SubgraphEvent> ToEvent(const Texts& texts) {
  const auto seconds = ParseSeconds(texts[kTimestamp]);
  const auto tx = common::TxHash::Parse(texts[kTransactionHash]);
  const auto order = common::OrderHash::Parse(texts[kOrderHash]);
  const auto maker = common::WalletAddress::Parse(texts[kMaker]);
  const auto taker = common::WalletAddress::Parse(texts[kTaker]);
  if (!IsPlainId(texts[kId])) return BadEvent("id " + Evidence(texts[kId]));
  if (!seconds || !tx || !order || !maker || !taker) {
    return BadEvent("a hash, an address or the timestamp of " + std::string(texts[kId]));
  }
  SubgraphEvent event{.id = texts[kId], .maker = *maker, .filled = {}};
  event.filled = {.ts = *seconds,
                  .tx = *tx,
                  .order = *order,
                  .taker = *taker,
                  .maker_asset = texts[kMakerAssetId],
                  .taker_asset = texts[kTakerAssetId],
                  .maker_amount = texts[kMakerAmountFilled],
                  .taker_amount = texts[kTakerAmountFilled],
                  .fee = texts[kFee]};
  return event;
}

// Calls `read` with each event; the first error ends it.
template <typename Read>
std::optional<common::Error> ForEachEvent(ondemand::array events, Read read) {
  for (auto element : events) {
    ondemand::object event;
    if (const auto code = element.get_object().get(event)) return BrokenJson(code);
    if (std::optional<common::Error> error = read(event)) return error;
  }
  return std::nullopt;
}

// Goes through the whole document, because what is not read is not checked.
template <typename Read>
std::optional<common::Error> ReadDocument(JsonText& json, std::string_view body, Read read) {
  ondemand::document document;
  ondemand::object root;
  if (const auto code = json.Open(body).get(document)) return BrokenJson(code);
  if (const auto code = document.get_object().get(root)) return BrokenJson(code);
  bool has_events = false;
  for (auto field : root) {
    std::string_view key;
    if (const auto code = field.unescaped_key().get(key)) return BrokenJson(code);
    if (key == "errors") {
      return ParseErrorBody(body).value_or(common::Error{common::ErrorKind::kTransient, "errors"});
    }
    if (key != "data") continue;
    ondemand::object data;
    if (const auto code = field.value().get_object().get(data)) return BrokenJson(code);
    for (auto inner : data) {
      if (const auto code = inner.unescaped_key().get(key)) return BrokenJson(code);
      if (key != "orderFilledEvents") continue;
      ondemand::array events;
      if (const auto code = inner.value().get_array().get(events)) return BrokenJson(code);
      if (std::optional<common::Error> error = ForEachEvent(events, read)) return error;
      has_events = true;
    }
  }
  if (!AtEnd(document)) return common::Error{common::ErrorKind::kTransient, "text after the JSON"};
  if (!has_events) return common::Error{common::ErrorKind::kTransient, "no orderFilledEvents"};
  return std::nullopt;
}

}  // namespace

common::Result<std::vector<SubgraphEvent>> ReadSubgraphPage(JsonText& json, std::string_view body) {
  std::vector<SubgraphEvent> events;
  const auto read = [&events](ondemand::object object) -> std::optional<common::Error> {
    Texts texts;
    if (std::optional<common::Error> error = ReadTexts(object, texts)) return error;
    common::Result<SubgraphEvent> event = ToEvent(texts);
    if (!event) return event.error();
    events.push_back(*event);
    return std::nullopt;
  };
  if (std::optional<common::Error> error = ReadDocument(json, body, read)) return *error;
  return events;
}

common::Result<common::UnixSeconds> ReadNewestTimestamp(JsonText& json, std::string_view body) {
  std::optional<common::UnixSeconds> newest;
  const auto read = [&newest](ondemand::object object) -> std::optional<common::Error> {
    std::string_view text;
    if (object["timestamp"].get_string().get(text) != simdjson::SUCCESS) {
      return BadEvent("no timestamp");
    }
    newest = ParseSeconds(text);
    if (!newest) return BadEvent("timestamp " + Evidence(text));
    return std::nullopt;
  };
  if (std::optional<common::Error> error = ReadDocument(json, body, read)) return *error;
  if (!newest) return common::Error{common::ErrorKind::kTransient, "the subgraph holds no event"};
  return *newest;
}

}  // namespace worker::sources
