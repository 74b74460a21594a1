#include "sim/graphql.h"

#include <gtest/gtest.h>

namespace sim {
namespace {

using Kind = GraphqlValue::Kind;

GraphqlQuery Parsed(std::string_view text) {
  GraphqlError error;
  auto query = ParseGraphql(text, error);
  EXPECT_TRUE(query.has_value()) << text << ": " << error.message;
  return query.value_or(GraphqlQuery{});
}

GraphqlError Refused(std::string_view text) {
  GraphqlError error;
  EXPECT_FALSE(ParseGraphql(text, error).has_value()) << text;
  return error;
}

TEST(GraphqlTest, ReadsAliasesArgumentsAndSelections) {
  const GraphqlQuery query = Parsed(
      "{ page: events(first: 5, by: ts, where: {a: \"x\", or: "
      "[{b: -1}, {c: true}]}) { id, ts } }");
  const GraphqlField& field = query.selection.at(0);
  EXPECT_EQ(field.alias, "page");
  EXPECT_EQ(field.name, "events");
  EXPECT_EQ(field.arguments.at(0).second.text, "5");
  EXPECT_EQ(field.arguments.at(1).second.kind, Kind::kEnum);
  const GraphqlValue& where = field.arguments.at(2).second;
  EXPECT_EQ(where.object.at(0).value.text, "x");
  EXPECT_EQ(where.object.at(1).value.list.at(0).object.at(0).value.text, "-1");
  EXPECT_EQ(where.object.at(1).value.list.at(1).object.at(0).value.kind, Kind::kBool);
  EXPECT_EQ(field.selection.size(), 2U);
}

TEST(GraphqlTest, ReadsVariables) {
  const GraphqlQuery query =
      Parsed("query Page($maker: String!, $first: Int = 7, $ids: [ID!]!) { a(b: $maker) { c } }");
  ASSERT_EQ(query.variables.size(), 3U);
  EXPECT_TRUE(query.variables[0].required);
  EXPECT_EQ(query.variables[1].fallback->text, "7");
  EXPECT_EQ(query.variables[2].type, "[ID]");
  EXPECT_EQ(query.selection.at(0).arguments.at(0).second.kind, Kind::kVariable);
}

TEST(GraphqlTest, NamesThePlaceOfAnError) {
  const GraphqlError error = Refused("{\n  events(first: 'x') { id }\n}");
  EXPECT_EQ(error.line, 2);
  EXPECT_EQ(error.column, 17);
  EXPECT_NE(error.message.find("unexpected character '\\''"), std::string::npos);
}

TEST(GraphqlTest, RefusesWhatIsNoQuery) {
  for (const char* text : {"", "{", "{}", "{ a( }", "{ a(b:) }", "mutation { a }", "{ a } { b }",
                           "{ a(b: \"x) }", "{ ...F }", "{ a @skip(if: true) }", "{ a(b: {c}) }"}) {
    Refused(text);
  }
  Refused(std::string(5000, '{'));
  Refused("{ a(b: " + std::string(5000, '[') + ") }");
}

TEST(GraphqlTest, SurvivesEveryCut) {
  const std::string text = "query Q($a: Int = 1) { x: y(z: {a: [\"b\\n\", 1.5e3]}) { id } } # end";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    GraphqlError error;
    const auto query = ParseGraphql(std::string_view(text).substr(0, size), error);
    EXPECT_TRUE(query || !error.message.empty()) << size;
  }
}

}  // namespace
}  // namespace sim
