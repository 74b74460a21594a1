#include "sim/subgraph.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/subgraph_query.h"
#include "sim/text.h"

namespace sim {
namespace {

// Finds the rows of a page and writes answers.
class Teller {
 public:
  Teller(const World& world, const Request& request, Response& response)
      : world_(world), request_(request), response_(response) {}

  void Write(const GraphqlField& field, const Variables& variables) {
    if (field.name == "orderFilledEvents") return WriteEvents(field, variables);
    if (field.name == "orderFilledEvent") return WriteEvent(field, variables);
    if (field.name == "_meta") return WriteMeta(field);
    Refuse(fmt::format("Type `Query` has no field `{}`", field.name));
  }

 private:
  using Numbers = std::vector<FillNumber>;

  void WriteEvents(const GraphqlField& field, const Variables& variables) {
    const EventsQuery query = ReadEventsQuery(field, variables);
    const auto columns = ReadColumns(field);
    std::string& out = response_.body;
    out += '[';
    for (const FillNumber number : Select(query)) {
      if (out.back() != '[') out += ',';
      WriteRow(columns, world_.fills()[number]);
    }
    out += ']';
  }

  void WriteRow(const std::vector<Column>& columns, const Fill& fill) {
    std::string& out = response_.body;
    char before = '{';
    for (const Column& column : columns) {
      out += before;
      before = ',';
      out += column.key;
      AppendEventField(out, world_, fill, column.field);
      out += '"';
    }
    out += '}';
    ++response_.rows;
  }

  void WriteEvent(const GraphqlField& field, const Variables& variables) {
    EventFilter filter;
    if (field.arguments.size() != 1 || field.arguments[0].first != "id") {
      Refuse("No value provided for required argument: `id`");
    }
    filter.conditions.push_back({EventField::kId,
                                 Comparison::kEqual,
                                 {Replaced(field.arguments[0].second, variables).text}});
    const auto columns = ReadColumns(field);
    for (const FillNumber number : world_.Archive()) {
      const Fill& fill = world_.fills()[number];
      if (filter.Matches(world_, fill)) return WriteRow(columns, fill);
    }
    response_.body += "null";
  }

  void WriteMeta(const GraphqlField& field) {
    std::string& out = response_.body;
    char before = '{';
    for (const GraphqlField& selected : field.selection) {
      out += before + fmt::format("\"{}\":", selected.alias);
      before = ',';
      if (selected.name == "block") {
        WriteBlock(selected);
      } else if (selected.name == "deployment") {
        out += "\"QmSimulatedOrderbookSubgraph\"";
      } else if (selected.name == "hasIndexingErrors") {
        out += "false";
      } else {
        Refuse(fmt::format("Type `_Meta_` has no field `{}`", selected.name));
      }
    }
    if (before == '{') Refuse("Field `_meta` must have a selection of subfields");
    out += '}';
  }

  void WriteBlock(const GraphqlField& block) {
    std::string& out = response_.body;
    char before = '{';
    for (const GraphqlField& selected : block.selection) {
      out += before + fmt::format("\"{}\":", selected.alias);
      before = ',';
      if (selected.name == "number") {
        // One real pair: block 87,814,766 in early August 2026. The chain makes one in two seconds.
        AppendInteger(out, 87'814'766 + (request_.now - 1'785'542'400) / 2);
      } else if (selected.name == "timestamp" || selected.name == "hash") {
        out += "null";
      } else {
        Refuse(fmt::format("Type `_Block_` has no field `{}`", selected.name));
      }
    }
    if (before == '{') Refuse("Field `block` must have a selection of subfields");
    out += '}';
  }

  std::span<const FillNumber> Candidates(const EventsQuery& query) const {
    const auto maker = query.filter.OnlyMaker();
    if (!maker) return world_.Archive();
    const std::uint32_t* wallet = world_.FindWallet(*maker);
    return wallet == nullptr ? std::span<const FillNumber>{} : world_.ArchiveOf(*wallet);
  }

  Numbers Select(const EventsQuery& query) {
    const auto all = Candidates(query);
    auto bounds = query.filter.Bounds();
    if (request_.page_fault == PageFault::kFrozen) {
      const bool hides = !all.empty() && world_.fills()[all.back()].ts > kFrozenAt;
      response_.page_fault_done = hides;
      bounds.last = std::min(bounds.last, kFrozenAt);
    }
    const auto before = [this](std::int64_t second) {
      return [this, second](FillNumber number) {
        return world_.fills()[number].ts < second;
      };
    };
    const auto low = std::partition_point(all.begin(), all.end(), before(bounds.first));
    const auto high = bounds.last == INT64_MAX
                          ? all.end()
                          : std::partition_point(low, all.end(), before(bounds.last + 1));
    if (query.order_by != EventField::kTimestamp) return SelectSorted(query, {low, high});
    if (query.descending) {
      return Page(query, std::make_reverse_iterator(high), std::make_reverse_iterator(low));
    }
    Numbers page = Page(query, low, high);
    if (request_.page_fault == PageFault::kRepeat && !page.empty() && query.filter.OnlyMaker()) {
      const auto begin = std::find(low, high, page.front());
      const auto back = std::min<std::ptrdiff_t>(query.first, begin - all.begin());
      response_.page_fault_done = back > 0;
      if (back > 0) return {begin - back, begin};
    }
    return page;
  }

  template <typename Iterator>
  Numbers Page(const EventsQuery& query, Iterator from, Iterator to) const {
    Numbers page;
    std::int64_t skip = query.skip;
    for (; from != to && static_cast<std::int64_t>(page.size()) < query.first; ++from) {
      if (!query.filter.Matches(world_, world_.fills()[*from])) continue;
      if (skip-- <= 0) page.push_back(*from);
    }
    return page;
  }

  // By another column than the timestamp: sort what matches.
  Numbers SelectSorted(const EventsQuery& query, std::span<const FillNumber> candidates) const {
    std::vector<std::pair<std::string, FillNumber>> keyed;
    for (const FillNumber number : candidates) {
      const Fill& fill = world_.fills()[number];
      if (!query.filter.Matches(world_, fill)) continue;
      std::string key;
      AppendEventField(key, world_, fill, query.order_by);
      if (IsNumber(query.order_by)) key.insert(0, 80 - key.size(), '0');
      keyed.emplace_back(std::move(key), number);
    }
    std::sort(keyed.begin(), keyed.end(), [this](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : world_.IdLess(a.second, b.second);
    });
    if (query.descending) std::reverse(keyed.begin(), keyed.end());
    Numbers page;
    const auto end = static_cast<std::size_t>(query.skip + query.first);
    for (auto i = static_cast<std::size_t>(query.skip); i < std::min(end, keyed.size()); ++i) {
      page.push_back(keyed[i].second);
    }
    return page;
  }

  const World& world_;
  const Request& request_;
  Response& response_;
};

void Tell(const World& world, const Request& request, Response& response) {
  const AskedQuery asked = ReadQuery(request);
  Teller teller(world, request, response);
  response.body = "{\"data\":";
  char before = '{';
  for (const GraphqlField& field : asked.selection) {
    response.body += before;
    before = ',';
    AppendJsonString(response.body, field.alias);
    response.body += ':';
    teller.Write(field, asked.variables);
  }
  response.body += "}}";
}

}  // namespace

Response Subgraph::Answer(const Request& request) const {
  Response response;
  try {
    Tell(world_, request, response);
  } catch (const Refusal& refusal) {
    response = Response{};
    response.body =
        fmt::format(R"({{"errors":[{{"locations":[{{"line":{},"column":{}}}],"message":)",
                    refusal.line, refusal.column);
    AppendJsonString(response.body, refusal.message);
    response.body += "}]}";
  }
  return response;
}

}  // namespace sim
