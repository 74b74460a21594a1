// A unit's walk, and a test in place of the upstream.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "worker/jobs/walks.h"

namespace worker::jobs {

class WalksFixture : public testing::Test {
 protected:
  bool Make(const std::string& kind, const std::string& task, const std::string& position = "",
            common::UnixSeconds complete_to = 0) {
    Upstreams upstreams;
    upstreams.rpc_url = "http://node";
    ChunkTask chunk;
    chunk.kind = kind;
    auto made = WalksOf(upstreams)(chunk, {common::WalletId{1}, task, position, complete_to});
    if (!made) return false;
    walk_ = std::move(*made);
    return true;
  }
  std::string Asked() {
    const HttpRequest request = walk_->Next();
    return request.url + " " + request.body;
  }
  common::Result<UnitStep> Read(const std::string& body, int status = 200) {
    (void)walk_->Next();
    HttpResponse response;
    response.status = status;
    response.body = body;
    response.received_at = now_;
    return walk_->OnResponse(response);
  }
  UnitStep Step(const std::string& body) {
    auto step = Read(body);
    EXPECT_TRUE(step) << step.error().message;
    return step ? std::move(*step) : UnitStep();
  }

  std::unique_ptr<UnitWalk> walk_;
  common::UnixSeconds now_ = 0;
};

}  // namespace worker::jobs
