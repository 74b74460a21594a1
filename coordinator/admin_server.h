// The HTTP side: routes that read what the loop published, or change the database and tell the
// loop.
//
// Its own threads; the loop is never waited for. Reading is open to whoever reaches the address,
// changing needs the header x-api-key.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "coordinator/admin_ledger.h"
#include "coordinator/coordinator.h"

namespace coordinator {

// Reads <state_dir>/admin.key, or makes it; SEINE_API_KEY in the environment stands in for it.
common::Result<std::string> ReadApiKey(const std::string& state_dir);

class AdminServer {
 public:
  // Binds "HOST:PORT", port 0 for a free one, and serves. The error says what to do.
  static common::Result<std::unique_ptr<AdminServer>> Start(const std::string& http,
                                                            std::string api_key, AdminLedger ledger,
                                                            Coordinator& coordinator,
                                                            const common::Clock& clock);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // The bound address with its real port.
  const std::string& address() const;

 private:
  struct State;
  explicit AdminServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coordinator
