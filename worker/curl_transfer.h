// One request on its way through curl: what goes out, what comes in, and what is made of it.
//
// Included by curl_http.cpp alone, as curl's header is not for everybody.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <curl/curl.h>

#include "common/clock.h"
#include "worker/http.h"

namespace worker {

using EasyHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// Its easy handle is used again by later ones.
struct Transfer {
  HeaderList headers{nullptr, curl_slist_free_all};  // outlives the handle's use of it
  EasyHandle handle{nullptr, curl_easy_cleanup};
  std::array<char, CURL_ERROR_SIZE> error{};
  std::uint64_t id = 0;
  std::string body;
  std::size_t header_bytes = 0;
  std::size_t body_limit = 0;
  std::size_t header_limit = 0;
  bool too_large = false;
  bool header_ended = false;  // by its empty line; curl takes a cut header for a whole one
};

// The request's own lines may hold a key: they go to curl and nowhere else.
HeaderList HeadersOf(const HttpRequest& request);

// What curl calls with the answer's bytes; `user` is the Transfer. Another number than that of the
// bytes makes curl give up.
std::size_t OnBody(char* bytes, std::size_t one, std::size_t count, void* user);
std::size_t OnHeader(char* bytes, std::size_t one, std::size_t count, void* user);

std::optional<common::Duration> RetryAfterOf(CURL* handle);
std::optional<common::UnixSeconds> DateOf(CURL* handle);
std::string FailureText(const Transfer& transfer, CURLcode code);

}  // namespace worker
