// Loaded before libc into a process whose wall clock a test sets; monotonic clocks stay as they
// are. The file named by SEINE_TEST_CLOCK holds two int64: the shift in seconds, which may change
// at any time, and how often a shifted clock was read.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t* shared;  // NULL: the clock is as it is

__attribute__((constructor)) static void Attach(void) {
  const char* path = getenv("SEINE_TEST_CLOCK");
  const int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* memory = mmap(NULL, 2 * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) shared = memory;
}

static int64_t Shift(void) {
  if (shared == NULL) return 0;
  const int64_t seconds = __atomic_load_n(&shared[0], __ATOMIC_RELAXED);
  if (seconds != 0) __atomic_add_fetch(&shared[1], 1, __ATOMIC_RELAXED);
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += Shift();
  }
  return result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return (time_t)-1;
  if (out != NULL) *out = exact.tv_sec;
  return exact.tv_sec;
}
