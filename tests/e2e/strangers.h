// Those who knock at a port and have no business there.
#pragma once

#include <sys/types.h>

namespace e2e {

// So many connections, a few of them open at a time: some say nothing, some garbage, some half a
// greeting; some leave in order and some with a reset. How many of them got in.
int SendStrangers(int port, int count);

// Memory of a process.
long long ResidentBytes(pid_t process);

}  // namespace e2e
