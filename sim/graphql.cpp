#include "sim/graphql.h"

#include <cctype>

#include <fmt/format.h>

namespace sim {
namespace {

bool IsNameStart(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

struct Mark {
  enum class Kind { kEnd, kSign, kName, kInt, kFloat, kString };
  Kind kind = Kind::kEnd;
  std::string text;
  int line = 1;
  int column = 1;
};

// Every function returns false (or nothing) after the first error, which it has written down.
class Parser {
 public:
  Parser(std::string_view text, GraphqlError& error) : text_(text), error_(error) {}

  std::optional<GraphqlQuery> Parse() {
    GraphqlQuery query;
    if (!Advance()) return std::nullopt;
    if (next_.kind == Mark::Kind::kName && !ParseHead(query)) return std::nullopt;
    if (!ParseSelection(query.selection, 0)) return std::nullopt;
    if (next_.kind != Mark::Kind::kEnd) {
      Fail("only one operation without fragments is supported");
      return std::nullopt;
    }
    return query;
  }

 private:
  bool Fail(std::string_view expected) {
    error_.message = fmt::format("Unexpected `{}`\nExpected `{}`", next_.text, expected);
    error_.line = next_.line;
    error_.column = next_.column;
    return false;
  }

  bool FailAtCharacter(char c) {
    const std::string shown = c == '\'' ? "\\'" : std::string(1, c);
    error_.message = fmt::format("Unexpected `unexpected character '{}'`\nExpected `Name`", shown);
    error_.line = line_;
    error_.column = column_;
    return false;
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  char Take() {
    const char c = text_[at_++];
    ++column_;
    if (c == '\n') {
      ++line_;
      column_ = 1;
    }
    return c;
  }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      const char c = Peek();
      if (c == '#') {
        while (at_ < text_.size() && Peek() != '\n') Take();
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
        Take();
      } else {
        return;
      }
    }
  }

  bool Advance() {
    SkipBlanks();
    next_ = Mark{};
    next_.line = line_;
    next_.column = column_;
    if (at_ >= text_.size()) return true;
    const char c = Peek();
    if (IsNameStart(c)) {
      next_.kind = Mark::Kind::kName;
      while (IsNameStart(Peek()) || IsDigit(Peek())) next_.text += Take();
      return true;
    }
    if (c == '"') return ReadString();
    if (IsDigit(c) || c == '-') return ReadNumber();
    if (std::string_view("{}()[]:$!=").find(c) == std::string_view::npos) {
      return FailAtCharacter(c);
    }
    next_.kind = Mark::Kind::kSign;
    next_.text = Take();
    return true;
  }

  bool ReadNumber() {
    next_.kind = Mark::Kind::kInt;
    if (Peek() == '-') next_.text += Take();
    while (IsDigit(Peek())) next_.text += Take();
    if (next_.text.empty() || next_.text == "-") return FailAtCharacter(Peek());
    if (Peek() == '.' || Peek() == 'e' || Peek() == 'E') {
      next_.kind = Mark::Kind::kFloat;
      while (IsDigit(Peek()) || std::string_view(".eE+-").find(Peek()) != std::string_view::npos) {
        if (at_ >= text_.size()) break;
        next_.text += Take();
      }
    }
    return true;
  }

  bool ReadString() {
    next_.kind = Mark::Kind::kString;
    Take();
    while (at_ < text_.size() && Peek() != '"') {
      if (Peek() == '\n') return FailAtCharacter('\n');
      char c = Take();
      if (c == '\\') {
        if (at_ >= text_.size()) break;
        c = Take();
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'u') return FailAtCharacter('u');
      }
      next_.text += c;
    }
    if (at_ >= text_.size()) return FailAtCharacter('"');
    Take();
    return true;
  }

  bool IsSign(char sign) const { return next_.kind == Mark::Kind::kSign && next_.text[0] == sign; }
  bool Expect(char sign) {
    if (!IsSign(sign)) return Fail(std::string_view(&sign, 1));
    return Advance();
  }
  bool TakeName(std::string& name) {
    if (next_.kind != Mark::Kind::kName) return Fail("Name");
    name = next_.text;
    return Advance();
  }

  // "query Name($first: Int = 5, $maker: String!)"
  bool ParseHead(GraphqlQuery& query) {
    std::string word;
    if (next_.text != "query") return Fail("query");
    if (!Advance()) return false;
    if (next_.kind == Mark::Kind::kName && !TakeName(word)) return false;
    if (!IsSign('(')) return true;
    if (!Advance()) return false;
    while (!IsSign(')')) {
      GraphqlVariable variable;
      if (!Expect('$') || !TakeName(variable.name) || !Expect(':')) return false;
      if (!ParseType(variable)) return false;
      if (IsSign('=')) {
        variable.fallback.emplace();
        if (!Advance() || !ParseValue(*variable.fallback, 0)) return false;
      }
      query.variables.push_back(std::move(variable));
    }
    return Advance();
  }

  bool ParseType(GraphqlVariable& variable) {
    if (IsSign('[')) {
      std::string inner;
      if (!Advance() || !TakeName(inner)) return false;
      if (IsSign('!') && !Advance()) return false;
      if (!Expect(']')) return false;
      variable.type = '[' + inner + ']';
    } else if (!TakeName(variable.type)) {
      return false;
    }
    variable.required = IsSign('!');
    return !variable.required || Advance();
  }

  bool ParseSelection(std::vector<GraphqlField>& fields, int depth) {
    if (depth > kDeepestNesting) return Fail("a shallower query");
    if (!Expect('{')) return false;
    while (!IsSign('}')) {
      GraphqlField field;
      if (!TakeName(field.alias)) return false;
      field.name = field.alias;
      if (IsSign(':') && (!Advance() || !TakeName(field.name))) return false;
      if (IsSign('(') && !ParseArguments(field)) return false;
      if (IsSign('{') && !ParseSelection(field.selection, depth + 1)) return false;
      fields.push_back(std::move(field));
    }
    if (fields.empty()) return Fail("Name");
    return Advance();
  }

  bool ParseArguments(GraphqlField& field) {
    if (!Advance()) return false;
    while (!IsSign(')')) {
      auto& [name, value] = field.arguments.emplace_back();
      if (!TakeName(name) || !Expect(':') || !ParseValue(value, 0)) return false;
    }
    return Advance();
  }

  bool ParseValue(GraphqlValue& value, int depth) {
    using Kind = GraphqlValue::Kind;
    if (depth > kDeepestNesting) return Fail("a shallower value");
    if (IsSign('[')) return ParseList(value, depth);
    if (IsSign('{')) return ParseObject(value, depth);
    if (IsSign('$')) {
      value.kind = Kind::kVariable;
      return Advance() && TakeName(value.text);
    }
    value.text = next_.text;
    switch (next_.kind) {
      case Mark::Kind::kInt:
        value.kind = Kind::kInt;
        break;
      case Mark::Kind::kFloat:
        value.kind = Kind::kFloat;
        break;
      case Mark::Kind::kString:
        value.kind = Kind::kString;
        break;
      case Mark::Kind::kName:
        value.kind = Kind::kEnum;
        if (value.text == "true" || value.text == "false") value.kind = Kind::kBool;
        if (value.text == "null") value.kind = Kind::kNull;
        break;
      default:
        return Fail("IntValue`, `FloatValue`, `StringValue`, `true`, `false`, `null` or `Name");
    }
    return Advance();
  }

  bool ParseList(GraphqlValue& value, int depth) {
    value.kind = GraphqlValue::Kind::kList;
    if (!Advance()) return false;
    while (!IsSign(']')) {
      if (!ParseValue(value.list.emplace_back(), depth + 1)) return false;
    }
    return Advance();
  }

  bool ParseObject(GraphqlValue& value, int depth) {
    value.kind = GraphqlValue::Kind::kObject;
    if (!Advance()) return false;
    while (!IsSign('}')) {
      GraphqlMember& member = value.object.emplace_back();
      if (!TakeName(member.name) || !Expect(':')) return false;
      if (!ParseValue(member.value, depth + 1)) return false;
    }
    return Advance();
  }

  std::string_view text_;
  GraphqlError& error_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  Mark next_;
};

}  // namespace

std::optional<GraphqlQuery> ParseGraphql(std::string_view text, GraphqlError& error) {
  return Parser(text, error).Parse();
}

}  // namespace sim
