#include "sim/subgraph_query.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/text.h"

namespace sim {
namespace {

using Json = nlohmann::json;
using Kind = GraphqlValue::Kind;

constexpr std::int64_t kMostFirst = 1000;
constexpr std::int64_t kMostSkip = 5000;

GraphqlValue FromJson(const Json& json, int depth) {
  if (depth > kDeepestNesting) Refuse("The value of a variable is nested too deep");
  GraphqlValue value;
  if (json.is_string()) {
    value.kind = Kind::kString;
    value.text = json.get<std::string>();
  } else if (json.is_boolean()) {
    value.kind = Kind::kBool;
    value.text = json.get<bool>() ? "true" : "false";
  } else if (json.is_number_integer()) {
    value.kind = Kind::kInt;
    value.text = json.dump();
  } else if (json.is_number()) {
    value.kind = Kind::kFloat;
    value.text = json.dump();
  } else if (json.is_array()) {
    value.kind = Kind::kList;
    for (const Json& element : json) value.list.push_back(FromJson(element, depth + 1));
  } else if (json.is_object()) {
    value.kind = Kind::kObject;
    for (const auto& [key, inner] : json.items()) {
      value.object.push_back({key, FromJson(inner, depth + 1)});
    }
  }
  return value;
}

Variables BindVariables(const GraphqlQuery& query, const Json& body) {
  Variables bound;
  const auto given = body.find("variables");
  for (const GraphqlVariable& variable : query.variables) {
    const Json* value = nullptr;
    if (given != body.end() && given->is_object() && given->contains(variable.name)) {
      value = &(*given)[variable.name];
    }
    if (value != nullptr) {
      bound[variable.name] = FromJson(*value, 0);
    } else if (variable.fallback) {
      bound[variable.name] = *variable.fallback;
    } else if (variable.required) {
      Refuse(fmt::format("Missing value for required variable `{}`", variable.name));
    } else {
      bound[variable.name] = {};
    }
    if (variable.type == "Int" && bound[variable.name].kind == Kind::kString) {
      Refuse(fmt::format("Invalid value for variable `{}`: expected Int", variable.name));
    }
  }
  return bound;
}

std::int64_t ReadCount(std::string_view name, const GraphqlValue& value, std::int64_t low,
                       std::int64_t high) {
  const auto number = value.kind == Kind::kInt ? ParseInteger(value.text) : std::nullopt;
  if (!number || *number < low || *number > high) {
    Refuse(fmt::format("The value of the `{}` argument must be between {} and {}, but is {}", name,
                       low, high, value.text));
  }
  return *number;
}

}  // namespace

void Refuse(std::string message) {
  throw Refusal{std::move(message)};
}

AskedQuery ReadQuery(const Request& request) {
  if (request.method != "POST") Refuse("GET query missing");
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("query") || !body["query"].is_string()) {
    Refuse("The body of the request is not a GraphQL query");
  }
  GraphqlError error;
  auto query = ParseGraphql(body["query"].get_ref<const std::string&>(), error);
  if (!query) throw Refusal{error.message, error.line, error.column};
  Variables variables = BindVariables(*query, body);
  return {std::move(query->selection), std::move(variables)};
}

GraphqlValue Replaced(GraphqlValue value, const Variables& variables) {
  if (value.kind == Kind::kVariable) {
    const auto found = variables.find(value.text);
    if (found == variables.end()) {
      Refuse(fmt::format("Variable \"${}\" is not defined", value.text));
    }
    return found->second;
  }
  for (GraphqlValue& element : value.list) element = Replaced(std::move(element), variables);
  for (GraphqlMember& member : value.object) {
    member.value = Replaced(std::move(member.value), variables);
  }
  return value;
}

EventsQuery ReadEventsQuery(const GraphqlField& field, const Variables& variables) {
  EventsQuery query;
  for (const auto& [name, given] : field.arguments) {
    const GraphqlValue value = Replaced(given, variables);
    if (value.kind == Kind::kNull) continue;
    if (name == "first") {
      query.first = ReadCount(name, value, 0, kMostFirst);
    } else if (name == "skip") {
      query.skip = ReadCount(name, value, 0, kMostSkip);
    } else if (name == "orderBy") {
      const auto order_by = ParseEventField(value.text);
      if (!order_by)
        Refuse(fmt::format("Invalid value provided for argument `orderBy`: {}", value.text));
      query.order_by = *order_by;
    } else if (name == "orderDirection") {
      if (value.text != "asc" && value.text != "desc") {
        Refuse(fmt::format("Invalid value provided for argument `orderDirection`: {}", value.text));
      }
      query.descending = value.text == "desc";
    } else if (name == "where") {
      if (auto reason = ReadFilter(value, query.filter)) Refuse(std::move(*reason));
    } else if (name != "block" && name != "subgraphError") {
      Refuse(fmt::format("Unknown argument \"{}\" on field \"Query.{}\".", name, field.name));
    }
  }
  return query;
}

std::vector<Column> ReadColumns(const GraphqlField& field) {
  if (field.selection.empty()) {
    Refuse(fmt::format("Field `{}` of type `OrderFilledEvent` must have a selection of subfields",
                       field.name));
  }
  std::vector<Column> columns;
  for (const GraphqlField& selected : field.selection) {
    const auto column = ParseEventField(selected.name);
    if (!column || !selected.selection.empty()) {
      Refuse(fmt::format("Type `OrderFilledEvent` has no field `{}`", selected.name));
    }
    columns.push_back({"\"" + selected.alias + "\":\"", *column});
  }
  return columns;
}

}  // namespace sim
