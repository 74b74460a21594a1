// A JSON-RPC node of the chain: blocks and logs, one call or a batch at a time.
//
// As providers do, it refuses ranges of too many blocks and answers of too many logs; a single
// block is never refused, so a client that halves its range comes to an end.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "sim/chain.h"
#include "sim/message.h"
#include "sim/rpc_logs.h"
#include "sim/rpc_options.h"
#include "sim/world.h"

namespace sim {

class Rpc {
 public:
  Rpc(const World& world, const RpcOptions& options);

  Response Answer(const Request& request);

  // As Chain::Fork.
  std::pair<std::int64_t, std::int64_t> Fork(std::int64_t depth, common::UnixSeconds now);
  void StandBehindNewest(std::int64_t blocks) { chain_.StandBehindNewest(blocks); }

 private:
  // The chain as this request sees it.
  struct View {
    std::int64_t head = 0;
    common::UnixSeconds now = 0;
  };

  std::string AnswerCall(const nlohmann::json& call, const View& view, std::size_t& rows);
  // The result as JSON. Throws a refusal, which AnswerCall makes an error of.
  std::string ResultOf(const std::string& method, const nlohmann::json& params, const View& view,
                       std::size_t& rows);
  std::string Block(const nlohmann::json& params, const View& view) const;
  std::string Logs(const nlohmann::json& params, std::int64_t head, std::size_t& rows);

  const RpcOptions options_;
  Chain chain_;
  RpcLogs logs_;
};

}  // namespace sim
