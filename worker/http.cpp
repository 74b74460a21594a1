#include "worker/http.h"

namespace worker {

const char* ToString(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kDataTrades:
      return "data_trades";
    case Endpoint::kDataOther:
      return "data_other";
    case Endpoint::kGammaMarkets:
      return "gamma_markets";
    case Endpoint::kGammaOther:
      return "gamma_other";
    case Endpoint::kClob:
      return "clob";
    case Endpoint::kSubgraph:
      return "subgraph";
    case Endpoint::kRpc:
      return "rpc";
    case Endpoint::kDome:
      return "dome";
  }
  return "unknown";
}

}  // namespace worker
