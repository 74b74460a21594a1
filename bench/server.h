// The PostgreSQL of the benches that run whole installations.
#pragma once

#include <memory>
#include <string>

#include "tests/support/postgres.h"

namespace bench {

// Durable, with room for its WAL, and as if it had run for a while: a new server makes each WAL
// file before it writes into it, which only what is measured first would pay for. Ends the program
// where there is no PostgreSQL.
std::unique_ptr<tests::PostgresServer> StartServer(const std::string& shared_buffers = "512MB");

}  // namespace bench
