#include "proto/address.h"

#include <string_view>

#include <arpa/inet.h>

#include "common/options.h"

namespace proto {
namespace {

// Names do not count: who answers to one is up to others.
bool IsLoopback(const std::string& host) {
  in_addr address{};
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) {
    return (ntohl(address.s_addr) >> 24U) == IN_LOOPBACKNET;
  }
  return host == "::1";
}

}  // namespace

common::Result<Address> ParseAddress(const std::string& text) {
  constexpr std::string_view kScheme = "tcp://";
  std::string rest = text.starts_with(kScheme) ? text.substr(kScheme.size()) : "";
  if (rest.ends_with(":*")) rest.back() = '0';
  const common::Result<common::HostPort> parsed = common::ParseHostPort(rest);
  if (!parsed) {
    return common::Error{
        common::ErrorKind::kRejected,
        "'" + text + "' is not of the form tcp://HOST:PORT, as tcp://127.0.0.1:5600"};
  }
  const std::string host = parsed->host == "localhost" ? "127.0.0.1" : parsed->host;
  const std::string port = parsed->port == 0 ? "*" : std::to_string(parsed->port);
  Address address;
  address.is_loopback = IsLoopback(host);
  address.is_ipv6 = host.find(':') != std::string::npos;
  address.zmq = "tcp://" + (address.is_ipv6 ? "[" + host + "]" : host) + ":" + port;
  return address;
}

}  // namespace proto
