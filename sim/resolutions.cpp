#include "sim/resolutions.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sim/blocks.h"
#include "sim/data_api.h"
#include "sim/data_parameters.h"
#include "sim/data_rows.h"
#include "sim/gamma_rows.h"
#include "sim/prices.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::uint64_t kProposalTx = 72;

// The markets of a list of question ids. There are few questions in one call, and no index.
ParameterFailure ReadQuestions(const World& world, const Request& request,
                               std::vector<std::uint32_t>& numbers) {
  const auto values = SplitValues(request, "question_id");
  if (values.size() > kMostValues) return ParameterError{"question_id", "more than 20 values"};
  std::set<std::string> wanted;
  for (const std::string_view value : values) wanted.insert(ToLower(value));
  for (std::uint32_t number = 0; number < world.markets().size(); ++number) {
    if (wanted.contains(ToLower(world.markets()[number].question_id))) numbers.push_back(number);
  }
  return std::nullopt;
}

ParameterFailure ReadQuery(const World& world, const Request& request,
                           std::vector<std::uint32_t>& numbers) {
  const bool by_question = request.Get("question_id").has_value();
  const bool by_event = request.Get("event_id").has_value();
  const bool by_condition = request.Get("condition") || request.Get("condition_id");
  if (int{by_question} + int{by_event} + int{by_condition} != 1) {
    return ParameterError{"condition", "exactly one of condition, question_id, event_id"};
  }
  if (by_question) return ReadQuestions(world, request, numbers);
  std::optional<std::vector<std::uint32_t>> markets;
  if (auto failure = ReadMarkets(world, request, markets)) return failure;
  numbers = *std::move(markets);
  return std::nullopt;
}

// The chain's moment of the resolution.
void AppendResolved(std::string& out, const Market& market,
                    const std::vector<std::int64_t>& payouts) {
  const std::int64_t block = BlockAt(market.closed_at);
  const std::string time = IsoTime(TimeOfBlock(block));
  out += '{';
  AppendTextPair(out, "condition_id", market.condition_id);
  out += R"("status":"resolved","extended_review":false,"was_disputed":false,)"
         R"("new_version_q":false,"transaction_hash":"","log_index":"",)";
  AppendTextPair(out, "last_update_timestamp", time);
  out += fmt::format(
      R"("payouts":[{}],"resolution_source":"reported","was_arbitrated":false,"resolved_block":{},)",
      fmt::join(payouts, ","), block);
  AppendTextPair(out, "resolved_at", time);
  out.back() = '}';
}

void AppendPending(std::string& out, const Market& market, std::string_view status,
                   common::UnixSeconds now) {
  const bool disputed = status == "disputed";
  out += '{';
  AppendTextPair(out, "question_id", market.question_id);
  AppendTextPair(out, "condition_id", market.condition_id);
  AppendTextPair(out, "status", status);
  out += fmt::format(
      R"("extended_review":false,"was_disputed":{},"new_version_q":true,"proposed_price":"1000000000000000000","reproposed_price":"{}","price":"69",)",
      disputed, disputed ? "500000000000000000" : "69");
  AppendTextPair(out, "transaction_hash", Hex(MadeHash(0, kProposalTx, DrawOf(market, 0))));
  AppendTextPair(out, "log_index", "602");
  AppendTextPair(out, "last_update_timestamp", std::to_string(now / 3600 * 3600));
  AppendTextPair(out, "expected_settlement_time", IsoTime(now / 3600 * 3600 + 7200));
  AppendTextPair(out, "settlement_time_basis",
                 disputed ? "dvm_round_estimate" : "managed_proposal_expiration");
  out.back() = '}';
}

}  // namespace

Response AnswerResolutions(const World& world, const Request& request) {
  std::vector<std::uint32_t> numbers;
  if (const auto error = ReadQuery(world, request, numbers)) {
    return DataError(400, "invalid_request", error->message, error->parameter);
  }
  Response response = JsonResponse(200, "{\"data\":[");
  for (const std::uint32_t number : numbers) {
    const Market& market = world.markets()[number];
    const auto payouts = PayoutsOf(market);
    const std::string_view status = market.closed_at == 0 ? UmaStatus(market) : "";
    if (payouts.empty() && status.empty()) continue;
    if (response.rows++ > 0) response.body += ',';
    if (payouts.empty()) {
      AppendPending(response.body, market, status, request.now);
    } else {
      AppendResolved(response.body, market, payouts);
    }
  }
  response.body += "]}";
  return response;
}

}  // namespace sim
