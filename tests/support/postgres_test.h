// Base of test cases that need PostgreSQL: each gets a fresh database with our schema.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "common/check.h"
#include "common/postgres.h"
#include "tests/support/postgres.h"

namespace tests {

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresServer::Shared();
    if (server_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed here";
    url_ = server_->CreateDatabase();
  }

  common::PgConnection Connect() const {
    common::Result<common::PgConnection> connection = common::PgConnection::Open(url_);
    CHECK(connection.has_value());
    return std::move(*connection);
  }

  // Runs a statement that must succeed.
  common::PgRows Query(const std::string& sql) const {
    common::PgConnection connection = Connect();
    common::Result<common::PgRows> rows = connection.Exec(sql);
    EXPECT_TRUE(rows.has_value()) << sql << ": " << (rows ? "" : rows.error().message);
    CHECK(rows.has_value());
    return std::move(*rows);
  }
  std::int64_t QueryInt(const std::string& sql) const { return Query(sql).Int64(0, 0); }

  PostgresServer* server_ = nullptr;
  std::string url_;
};

}  // namespace tests
