// What a request asks of the subgraph: its query, its variables, its arguments.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/graphql.h"
#include "sim/message.h"
#include "sim/subgraph_filter.h"

namespace sim {

// A refusal of the query. It is thrown while a query is read or answered, and becomes the errors of
// the answer.
struct Refusal {
  std::string message;
  int line = 1;
  int column = 1;
};

[[noreturn]] void Refuse(std::string message);

using Variables = std::map<std::string, GraphqlValue>;

struct AskedQuery {
  std::vector<GraphqlField> selection;
  Variables variables;
};

// Throws Refusal, as all functions here do.
AskedQuery ReadQuery(const Request& request);

GraphqlValue Replaced(GraphqlValue value, const Variables& variables);

// What a query for events asks.
struct EventsQuery {
  std::int64_t first = 100;
  std::int64_t skip = 0;
  EventField order_by = EventField::kId;
  bool descending = false;
  EventFilter filter;
};

EventsQuery ReadEventsQuery(const GraphqlField& field, const Variables& variables);

// A column of the answer: its key, ready to be written, and what it holds.
struct Column {
  std::string key;
  EventField field = EventField::kId;
};

std::vector<Column> ReadColumns(const GraphqlField& field);

}  // namespace sim
