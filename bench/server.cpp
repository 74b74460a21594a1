#include "bench/server.h"

#include "common/check.h"
#include "common/postgres.h"

namespace bench {

std::unique_ptr<tests::PostgresServer> StartServer(const std::string& shared_buffers) {
  auto server = tests::PostgresServer::Start(
      {.durable = true,
       .tcp = false,
       .settings = {"max_wal_size=8GB", "min_wal_size=2GB", "shared_buffers=" + shared_buffers}});
  CHECK(server.has_value());
  auto connection = common::PgConnection::Open((*server)->Url());
  CHECK(connection.has_value());
  CHECK(connection
            ->ExecScript("CREATE TABLE warm AS SELECT n, repeat('w', 500) AS filler "
                         "FROM generate_series(1, 2000000) n;"
                         "DROP TABLE warm; CHECKPOINT; SELECT pg_switch_wal(); CHECKPOINT")
            .has_value());
  return std::move(*server);
}

}  // namespace bench
