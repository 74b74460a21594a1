// Where the upstreams are: base URLs without a slash at the end, but for the full ones of subgraph
// and node.
#pragma once

#include <string>

namespace worker {

struct Upstreams {
  std::string gamma_url = "https://gamma-api.polymarket.com";
  std::string data_url = "https://data-api.polymarket.com/v2";
  std::string clob_url = "https://clob.polymarket.com";
  std::string subgraph_url =
      "https://api.goldsky.com/api/public/project_cl6mb8i9h0003e201j6li0diw/subgraphs/"
      "orderbook-subgraph/0.0.1/gn";
  std::string rpc_url;  // a Polygon node's JSON-RPC; empty: none is known
  std::string dome_url = "https://api.domeapi.io/v1/polymarket";
};

}  // namespace worker
