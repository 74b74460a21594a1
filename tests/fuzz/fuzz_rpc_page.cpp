// A node's answers and the stored positions of walks over blocks: whatever the bytes, each is read
// or refused, a walk never goes back, and a trade has shares.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/check.h"
#include "worker/sources/rpc.h"
#include "worker/sources/rpc_walk.h"

namespace {

void WalkFrom(const worker::sources::RpcWalk& walk, const worker::HttpResponse& response) {
  const auto page = worker::sources::ReadRpcWalkPage(walk, response);
  if (!page) return;
  CHECK(page->next.next >= walk.next && page->next.last == walk.last && page->next.span > 0);
  CHECK(page->through.has_value() == (page->next.next > walk.next));
  for (const auto& row : page->trades) CHECK(row.trade.size > 0 && row.trade.usdc >= 0);
  const auto stored = worker::sources::DecodeRpcWalk(EncodeRpcWalk(page->next));
  CHECK(stored && *stored == page->next);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  worker::HttpResponse response;
  response.body = text;
  for (const int status : {200, 400, 413}) {
    response.status = status;
    (void)ReadRpcBlock(response);
    (void)ReadRpcBlockNumber(response);
    WalkFrom({.next = 62'564'883, .last = 62'564'890, .span = 8}, response);
    WalkFrom({.next = 62'564'883, .last = 62'564'883}, response);
  }
  if (const auto walk = DecodeRpcWalk(text)) {
    CHECK(DecodeRpcWalk(EncodeRpcWalk(*walk)) == walk);
    if (!walk->is_over()) (void)RpcWalkRequest("http://node", *walk);
  }
  static const Rpc rpc("http://node");
  static const auto wallet =
      common::WalletAddress::Parse("0x8119010a6e589062aa03583bb3f39ca632d9f887").value();
  common::Cursor cursor;
  cursor.source = common::Source::kRpc;
  cursor.complete_to = 1'728'000'000;
  (void)rpc.ParsePage(wallet, cursor, 1'790'000'000, text);
  cursor.position = text;
  (void)rpc.PageRequest(wallet, cursor, 1'790'000'000);
  (void)rpc.ParsePage(wallet, cursor, 1'790'000'000, R"({"id":1,"result":null})");
  return 0;
}
