#include "tests/e2e/wall_clock.h"

#include <atomic>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "tests/support/postgres.h"

namespace e2e {
namespace {

constexpr std::size_t kBytes = 2 * sizeof(std::int64_t);
constexpr mode_t kForAll = 0666;  // PostgreSQL runs as another user

std::string PathIn(const std::string& directory) {
  return directory + "/clock";
}
// Where everybody may read it: a build folder may be closed to PostgreSQL's user.
std::string LibraryIn(const std::string& directory) {
  return directory + "/clock_shift.so";
}

}  // namespace

WallClock::WallClock() : directory_(tests::MakeServerDirectory("seine-clock")) {
  std::filesystem::copy_file(SEINE_CLOCK_SHIFT, LibraryIn(directory_));
  const std::string path = PathIn(directory_);
  std::ofstream(path, std::ios::binary) << std::string(kBytes, '\0');
  CHECK(chmod(path.c_str(), kForAll) == 0);
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  CHECK(file >= 0);
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  CHECK(memory != MAP_FAILED);
  shared_ = static_cast<std::int64_t*>(memory);
}

WallClock::~WallClock() {
  munmap(shared_, kBytes);
  std::filesystem::remove_all(directory_);
}

std::map<std::string, std::string> WallClock::Environment() const {
  // A sanitizer wants to be the first library; this one takes nothing that it needs.
  return {{"LD_PRELOAD", LibraryIn(directory_)},
          {"SEINE_TEST_CLOCK", PathIn(directory_)},
          {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
}

void WallClock::SetOff(std::int64_t seconds) {
  std::atomic_ref(shared_[0]).store(seconds);
}

std::int64_t WallClock::reads() const {
  return std::atomic_ref(shared_[1]).load();
}

}  // namespace e2e
