#include "coordinator/admin_state.h"

namespace coordinator {

using common::Error;
using common::ErrorKind;
using httplib::Request;
using httplib::Response;
using nlohmann::json;

void Answer(Response& response, int status, const std::string& body) {
  response.status = status;
  response.set_content(body, "application/json");
}

void Refuse(Response& response, int status, const std::string& text) {
  Answer(response, status,
         json{{"error", text}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

void Refuse(Response& response, const Error& error, int rejected) {
  Refuse(response, error.kind == ErrorKind::kRejected ? rejected : 503, error.message);
}

std::optional<json> ReadObject(const Request& request, Response& response) {
  json body = json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  if (body.is_object()) return body;
  Refuse(response, 400, "the body is not a JSON object");
  return std::nullopt;
}

}  // namespace coordinator
