// A parser for GraphQL queries, as far as the subgraph's callers need it: one query operation with
// variables, aliases, arguments and selection sets. Fragments and directives are refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sim {

// What is nested deeper is refused, not followed.
inline constexpr int kDeepestNesting = 32;

struct GraphqlMember;

struct GraphqlValue {
  enum class Kind { kNull, kInt, kFloat, kString, kBool, kEnum, kList, kObject, kVariable };
  Kind kind = Kind::kNull;
  std::string text;  // of a scalar, or the variable's name
  std::vector<GraphqlValue> list;
  std::vector<GraphqlMember> object;
};

struct GraphqlMember {
  std::string name;
  GraphqlValue value;
};

struct GraphqlField {
  std::string alias;  // the key of the answer; the name where none was given
  std::string name;
  std::vector<std::pair<std::string, GraphqlValue>> arguments;
  std::vector<GraphqlField> selection;
};

struct GraphqlVariable {
  std::string name;
  std::string type;  // without its exclamation mark
  bool required = false;
  std::optional<GraphqlValue> fallback;
};

struct GraphqlQuery {
  std::vector<GraphqlVariable> variables;
  std::vector<GraphqlField> selection;
};

struct GraphqlError {
  std::string message;
  int line = 0;
  int column = 0;
};

// Returns the query, or fills in `error`.
std::optional<GraphqlQuery> ParseGraphql(std::string_view text, GraphqlError& error);

}  // namespace sim
