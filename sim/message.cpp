#include "sim/message.h"

#include <array>

namespace sim {
namespace {

constexpr std::array<const char*, kEndpoints> kEndpointNames = {
    "data_trades", "data_other", "gamma_markets", "gamma_other", "clob", "subgraph", "rpc", "dome"};

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                        HexValue(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

const char* ToString(Endpoint endpoint) {
  return kEndpointNames[static_cast<std::size_t>(endpoint)];
}

std::optional<Endpoint> ParseEndpoint(std::string_view text) {
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    if (text == kEndpointNames[i]) return static_cast<Endpoint>(i);
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::Get(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Request::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Request ParseTarget(std::string_view method, std::string_view target) {
  Request request;
  request.method = method;
  const std::size_t mark = target.find('?');
  request.path = Decoded(target.substr(0, mark), false);
  std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  request.query_text = rest;
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    request.query.emplace_back(Decoded(pair.substr(0, equals), true), Decoded(value, true));
  }
  return request;
}

Response JsonResponse(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace sim
