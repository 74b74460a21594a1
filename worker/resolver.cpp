#include "worker/resolver.h"

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "common/check.h"
#include "worker/sources/answer.h"
#include "worker/sources/clob_page.h"
#include "worker/sources/gamma_page.h"

namespace worker {
namespace {

using common::ConditionId;
using common::TokenId;

// Where a token is asked for, in this order.
enum class Stage : std::uint8_t { kGammaClosed, kGammaOpen, kClobToken };

constexpr std::size_t kRememberedTokens = 300'000;

// A refusal by the CLOB for one token or condition means that it does not know it.
bool IsUnknown(const common::Error& error) {
  return error.kind == common::ErrorKind::kRejected;
}

}  // namespace

class Resolver::Core {
 public:
  explicit Core(Upstreams upstreams) : upstreams_(std::move(upstreams)) {}

  void Want(const std::vector<TokenId>& tokens) {
    for (const TokenId& token : tokens) {
      if (remembered_.contains(token) || !tries_.try_emplace(token, 0).second) continue;
      gamma_closed_.push_back(token);
    }
  }

  bool Wants(Endpoint endpoint, bool flush) const {
    if (endpoint == Endpoint::kClob) return !clob_tokens_.empty() || !clob_markets_.empty();
    if (endpoint != Endpoint::kGammaMarkets) return false;
    const std::size_t fullest = std::max(gamma_closed_.size(), gamma_open_.size());
    return fullest >= kBatchTokens || (flush && fullest > 0);
  }

  std::optional<ResolverQuery> Next(Endpoint endpoint, bool flush) {
    if (!Wants(endpoint, flush)) return std::nullopt;
    Question question = endpoint == Endpoint::kClob ? NextOfClob() : NextOfGamma();
    DropSettled();
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
    DropSettled();
    return status;
  }

  Resolved Take() { return std::exchange(resolved_, {}); }
  bool idle() const { return tries_.empty(); }
  std::size_t pending() const { return tries_.size(); }

 private:
  struct Question {
    Stage stage = Stage::kGammaClosed;
    std::vector<TokenId> tokens;
    std::optional<ConditionId> condition;  // the CLOB's market is asked for, not its token
  };

  common::Status Judge(const Question& question, const HttpResponse& response) {
    const auto failure = sources::FailureOf(response);
    if (question.stage != Stage::kClobToken) return OnGamma(question, failure, response.body);
    if (question.condition) return OnClobMarket(question, failure, response.body);
    return OnClobToken(question, failure, response.body);
  }

  bool IsSettled(const TokenId& token) const { return !tries_.contains(token); }

  // A market's answer settles its other tokens too, wherever they wait. Those in front go now, so
  // that a queue which is not empty has something to ask; the others when their turn comes.
  void DropSettled() {
    for (auto* queue : {&gamma_closed_, &gamma_open_, &clob_tokens_}) {
      while (!queue->empty() && IsSettled(queue->front())) queue->pop_front();
    }
    while (!clob_markets_.empty() && IsSettled(clob_markets_.front().tokens.front())) {
      clob_markets_.pop_front();
    }
  }

  Question NextOfGamma() {
    const bool closed = gamma_closed_.size() >= gamma_open_.size();
    std::deque<TokenId>& queue = closed ? gamma_closed_ : gamma_open_;
    Question question{closed ? Stage::kGammaClosed : Stage::kGammaOpen, {}, std::nullopt};
    while (!queue.empty() && question.tokens.size() < kBatchTokens) {
      if (!IsSettled(queue.front())) question.tokens.push_back(queue.front());
      queue.pop_front();
    }
    return question;
  }

  Question NextOfClob() {
    if (!clob_markets_.empty()) {
      Question question = std::move(clob_markets_.front());
      clob_markets_.pop_front();
      return question;
    }
    Question question{Stage::kClobToken, {clob_tokens_.front()}, std::nullopt};
    clob_tokens_.pop_front();
    return question;
  }

  std::string Url(const Question& question) const {
    if (question.condition)
      return upstreams_.clob_url + "/markets/" + question.condition->ToString();
    if (question.stage == Stage::kClobToken) {
      return upstreams_.clob_url + "/markets-by-token/" + question.tokens.front().ToDecimal();
    }
    std::string url = upstreams_.gamma_url + "/markets?limit=100&include_tag=true&closed=";
    url += question.stage == Stage::kGammaClosed ? "true" : "false";
    for (const TokenId& token : question.tokens) url += "&clob_token_ids=" + token.ToDecimal();
    return url;
  }

  common::Status OnGamma(const Question& question, const std::optional<common::Error>& failure,
                         std::string_view body) {
    if (failure) return AskAgain(question, *failure);
    auto markets = sources::ParseGammaMarkets(body);
    if (!markets) return AskAgain(question, markets.error());
    for (store::MarketInfo& market : *markets) Settle(std::move(market));
    std::deque<TokenId>& next = question.stage == Stage::kGammaClosed ? gamma_open_ : clob_tokens_;
    for (const TokenId& token : question.tokens) {
      if (tries_.contains(token)) Advance(token, next);
    }
    return common::Done{};
  }

  common::Status OnClobToken(const Question& question, const std::optional<common::Error>& failure,
                             std::string_view body) {
    if (failure && IsUnknown(*failure)) return NobodyKnows(question);
    if (failure) return AskAgain(question, *failure);
    const auto condition = sources::ParseClobTokenMarket(body);
    if (!condition) return AskAgain(question, condition.error());
    clob_markets_.push_back({Stage::kClobToken, question.tokens, *condition});
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
    for (const TokenId& token : market.tokens) {
      if (tries_.erase(token) == 0) continue;
      is_wanted = true;
      for (auto* queue : {&gamma_closed_, &gamma_open_, &clob_tokens_}) std::erase(*queue, token);
    }
    if (!is_wanted) return;
    if (remembered_.size() > kRememberedTokens) remembered_.clear();
    remembered_.insert(market.tokens.begin(), market.tokens.end());
    resolved_.markets.push_back(std::move(market));
  }

  void Advance(const TokenId& token, std::deque<TokenId>& next) {
    tries_[token] = 0;
    next.push_back(token);
  }

  common::Status NobodyKnows(const Question& question) {
    for (const TokenId& token : question.tokens) {
      if (tries_.erase(token) > 0) resolved_.unknown.push_back(token);
    }
    return common::Done{};
  }

  common::Status AskAgain(const Question& question, const common::Error& error) {
    for (const TokenId& token : question.tokens) {
      const auto tries = tries_.find(token);
      if (tries == tries_.end()) continue;  // settled by another answer meanwhile
      if (++tries->second >= kTries) {
        tries_.erase(tries);
        resolved_.unanswered.push_back(token);
        continue;
      }
      if (question.condition) {
        clob_markets_.push_back(question);
      } else {
        QueueOf(question.stage).push_back(token);
      }
    }
    return error;
  }

  std::deque<TokenId>& QueueOf(Stage stage) {
    if (stage == Stage::kGammaClosed) return gamma_closed_;
    return stage == Stage::kGammaOpen ? gamma_open_ : clob_tokens_;
  }

  const Upstreams upstreams_;
  std::unordered_map<TokenId, int> tries_;  // every token that is not settled yet, at its stage
  std::unordered_set<TokenId> remembered_;  // settled with a market not long ago
  std::deque<TokenId> gamma_closed_;
  std::deque<TokenId> gamma_open_;
  std::deque<TokenId> clob_tokens_;
  std::deque<Question> clob_markets_;
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
