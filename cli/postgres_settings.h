// What the embedded cluster is told, and where its socket is.
#pragma once

#include <filesystem>
#include <string>

namespace cli {

// The text of seine.conf: for loading much, safely.
std::string PostgresSettings(const std::filesystem::path& socket_folder);

// The cluster's own folder, or one in /tmp: a socket's folder must be short, and libpq takes a
// comma for a list of hosts.
std::filesystem::path SocketFolderFor(const std::filesystem::path& postgres);

}  // namespace cli
