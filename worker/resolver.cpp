#include "worker/resolver.h"

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "common/check.h"
#include "worker/sources/answer.h"
#include "worker/sources/clob_page.h"
#include "worker/sources/gamma_page.h"
#include "worker/token_queues.h"

namespace worker {
namespace {

using common::ConditionId;
using common::TokenId;

constexpr std::size_t kRememberedTokens = 300'000;

// A refusal by the CLOB for one token or condition means that it does not know it.
bool IsUnknown(const common::Error& error) {
  return error.kind == common::ErrorKind::kRejected;
}

// A batch that Gamma refuses as a whole, for its length or for one of its tokens.
bool IsRefusedBatch(int status) {
  constexpr std::array<int, 5> kRefusals{400, 413, 414, 422, 431};
  return std::find(kRefusals.begin(), kRefusals.end(), status) != kRefusals.end();
}

// A list that is gone for good. No token of the batch is to blame, and Gamma is well otherwise. A
// 404 may be of a proxy on the way, or of a wrong address.
bool IsRetired(int status) {
  return status == 410;
}

bool IsGamma(ResolveStage stage) {
  return static_cast<std::size_t>(stage) < kGammaStages;
}

ResolveStage StageAfter(ResolveStage stage) {
  return static_cast<ResolveStage>(static_cast<std::uint8_t>(stage) + 1);
}

}  // namespace

class Resolver::Core {
 public:
  explicit Core(Upstreams upstreams) : upstreams_(std::move(upstreams)) {}

  void Want(const std::vector<TokenId>& tokens) {
    for (const TokenId& token : tokens) {
      if (!remembered_.contains(token)) queues_.Want(token);
    }
  }

  bool Wants(Endpoint endpoint, bool flush) const {
    if (endpoint == Endpoint::kClob)
      return queues_.Waiting(ResolveStage::kClobToken) +
                 queues_.Waiting(ResolveStage::kClobMarket) >
             0;
    if (endpoint != Endpoint::kGammaMarkets) return false;
    if (!parts_.empty()) return true;
    const std::size_t fullest = queues_.Waiting(queues_.FullestGamma());
    return fullest >= kBatchTokens || (flush && fullest > 0);
  }

  std::optional<ResolverQuery> Next(Endpoint endpoint, bool flush) {
    if (!Wants(endpoint, flush)) return std::nullopt;
    Question question = endpoint == Endpoint::kClob ? NextOfClob() : NextOfGamma();
    const std::uint64_t ticket = ++last_ticket_;
    ResolverQuery query{ticket, {endpoint, Url(question), {}}};
    asked_.emplace(ticket, std::move(question));
    return query;
  }

  common::Status OnResponse(std::uint64_t ticket, const HttpResponse& response) {
    const auto found = asked_.find(ticket);
    CHECK(found != asked_.end());
    const Question question = std::move(found->second);
    asked_.erase(found);
    common::Status status = Judge(question, response);
    DropSettledParts();
    return status;
  }

  Resolved Take() { return std::exchange(resolved_, {}); }
  bool idle() const { return queues_.size() == 0; }
  std::size_t pending() const { return queues_.size(); }

 private:
  struct Question {
    ResolveStage stage = ResolveStage::kGammaClosed;
    std::vector<TokenId> tokens;
    std::optional<ConditionId> condition = {};  // of kClobMarket
  };

  common::Status Judge(const Question& question, const HttpResponse& response) {
    const auto failure = sources::FailureOf(response);
    if (IsGamma(question.stage)) return OnGamma(question, failure, response);
    if (question.condition) return OnClobMarket(question, failure, response.body);
    return OnClobToken(question, failure, response.body);
  }

  // The parts of a refused batch go first, and as they are.
  void DropSettledParts() {
    for (Question& part : parts_) {
      std::erase_if(part.tokens, [this](const TokenId& token) { return !queues_.IsWanted(token); });
    }
    std::erase_if(parts_, [](const Question& part) { return part.tokens.empty(); });
  }

  Question NextOfGamma() {
    if (!parts_.empty()) {
      Question part = std::move(parts_.front());
      parts_.pop_front();
      return part;
    }
    Question question{queues_.FullestGamma(), {}};
    while (queues_.Waiting(question.stage) > 0 && question.tokens.size() < kBatchTokens) {
      question.tokens.push_back(queues_.Pop(question.stage).token);
    }
    return question;
  }

  Question NextOfClob() {
    const ResolveStage stage = queues_.Waiting(ResolveStage::kClobMarket) > 0
                                   ? ResolveStage::kClobMarket
                                   : ResolveStage::kClobToken;
    const TokenQueues::Entry entry = queues_.Pop(stage);
    return {stage, {entry.token}, entry.condition};
  }

  std::string Url(const Question& question) const {
    if (question.condition)
      return upstreams_.clob_url + "/markets/" + question.condition->ToString();
    if (question.stage == ResolveStage::kClobToken) {
      return upstreams_.clob_url + "/markets-by-token/" + question.tokens.front().ToDecimal();
    }
    const bool is_closed = question.stage == ResolveStage::kGammaClosed ||
                           question.stage == ResolveStage::kPositionClosed;
    const bool is_position = question.stage == ResolveStage::kPositionClosed ||
                             question.stage == ResolveStage::kPositionOpen;
    std::string url = upstreams_.gamma_url + "/markets/keyset?limit=100&include_tag=true&closed=";
    url += is_closed ? "true" : "false";
    const char* const name = is_position ? "&position_ids=" : "&clob_token_ids=";
    for (const TokenId& token : question.tokens) url += name + token.ToDecimal();
    return url;
  }

  common::Status OnGamma(const Question& question, const std::optional<common::Error>& failure,
                         const HttpResponse& response) {
    if (failure && IsRefusedBatch(response.status)) return OnRefusedBatch(question, *failure);
    if (failure && !IsRetired(response.status)) return AskAgain(question, *failure);
    if (!failure) {
      auto markets = sources::ParseGammaMarkets(response.body);
      if (!markets) return AskAgain(question, markets.error());
      for (store::MarketInfo& market : *markets) Settle(std::move(market));
    }
    AskElsewhere(question);
    return common::Done{};
  }

  // One bad token must not keep the others of its batch from their answer: the halves are asked for
  // by themselves. What is refused alone, Gamma does not know.
  common::Status OnRefusedBatch(const Question& question, const common::Error& failure) {
    if (question.tokens.size() == 1) {
      AskElsewhere(question);
      return failure;
    }
    const auto middle =
        question.tokens.begin() + static_cast<std::ptrdiff_t>(question.tokens.size() / 2);
    parts_.push_back({question.stage, {question.tokens.begin(), middle}});
    parts_.push_back({question.stage, {middle, question.tokens.end()}});
    return failure;
  }

  common::Status OnClobToken(const Question& question, const std::optional<common::Error>& failure,
                             std::string_view body) {
    if (failure && IsUnknown(*failure)) return NobodyKnows(question);
    if (failure) return AskAgain(question, *failure);
    const auto condition = sources::ParseClobTokenMarket(body);
    if (!condition) return AskAgain(question, condition.error());
    queues_.Advance(question.tokens.front(), ResolveStage::kClobMarket, *condition);
    return common::Done{};
  }

  common::Status OnClobMarket(const Question& question, const std::optional<common::Error>& failure,
                              std::string_view body) {
    if (failure && IsUnknown(*failure)) return NobodyKnows(question);
    if (failure) return AskAgain(question, *failure);
    auto market = sources::ParseClobMarket(body);
    if (!market) return AskAgain(question, market.error());
    const bool is_asked_one = std::find(market->tokens.begin(), market->tokens.end(),
                                        question.tokens.front()) != market->tokens.end();
    if (!is_asked_one) return NobodyKnows(question);
    Settle(std::move(*market));
    return common::Done{};
  }

  // A market may hold more tokens than were asked for: its others are settled as well, wherever
  // they wait. One that holds none that is wanted was not asked for, or was told before.
  void Settle(store::MarketInfo market) {
    bool is_wanted = false;
    for (const auto* tokens : {&market.tokens, &market.position_ids}) {
      for (const TokenId& token : *tokens) is_wanted = queues_.Forget(token) || is_wanted;
    }
    if (!is_wanted) return;
    if (remembered_.size() > kRememberedTokens) remembered_.clear();
    remembered_.insert(market.tokens.begin(), market.tokens.end());
    remembered_.insert(market.position_ids.begin(), market.position_ids.end());
    resolved_.markets.push_back(std::move(market));
  }

  void AskElsewhere(const Question& question) {
    for (const TokenId& token : question.tokens) {
      queues_.Advance(token, StageAfter(question.stage), std::nullopt);
    }
  }

  common::Status NobodyKnows(const Question& question) {
    for (const TokenId& token : question.tokens) {
      if (queues_.Forget(token)) resolved_.unknown.push_back(token);
    }
    return common::Done{};
  }

  common::Status AskAgain(const Question& question, const common::Error& error) {
    for (const TokenId& token : question.tokens) {
      if (!queues_.IsWanted(token)) continue;  // settled by another answer meanwhile
      if (!queues_.TryAgain(token, question.condition, kTries)) {
        resolved_.unanswered.push_back(token);
      }
    }
    return error;
  }

  const Upstreams upstreams_;
  TokenQueues queues_;
  std::unordered_set<TokenId> remembered_;  // settled with a market not long ago
  std::deque<Question> parts_;              // of batches that were refused
  std::unordered_map<std::uint64_t, Question> asked_;
  std::uint64_t last_ticket_ = 0;
  Resolved resolved_;
};

Resolver::Resolver(const Upstreams& upstreams) : core_(std::make_unique<Core>(upstreams)) {}
Resolver::~Resolver() = default;

void Resolver::Want(const std::vector<TokenId>& tokens) {
  core_->Want(tokens);
}

std::optional<ResolverQuery> Resolver::Next(Endpoint endpoint, bool flush) {
  return core_->Next(endpoint, flush);
}

bool Resolver::Wants(Endpoint endpoint, bool flush) const {
  return core_->Wants(endpoint, flush);
}

common::Status Resolver::OnResponse(std::uint64_t ticket, const HttpResponse& response) {
  return core_->OnResponse(ticket, response);
}

Resolved Resolver::Take() {
  return core_->Take();
}
bool Resolver::idle() const {
  return core_->idle();
}
std::size_t Resolver::pending() const {
  return core_->pending();
}

}  // namespace worker
