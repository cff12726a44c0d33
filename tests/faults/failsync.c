/* LD_PRELOAD shim: lets syncs fail or dawdle as the file named by FAILSYNC_CONTROL says when the first one happens.
 *
 *   fail N   the N-th fsync or fdatasync of the process (from 1) fails with EIO; all others work, as after a kernel
 *            that reports a lost write once and then forgets it
 *   fail N only PART   of those of files with PART in their path; fail N but PART: of all others
 *   slow MS  every one takes MS milliseconds longer
 *
 * Without the file nothing is changed. When a sync was made to fail, the file CONTROL.fired is there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long fail_at, slow_ms;
static char which[16], part[256];
static atomic_long count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_control(void) {
  const char *path = getenv("FAILSYNC_CONTROL");
  char word[16];
  long number;
  FILE *control = path ? fopen(path, "r") : NULL;
  if (!control) return;
  if (fscanf(control, "%15s %ld %15s %255s", word, &number, which, part) >= 2) {
    if (strcmp(word, "fail") == 0) fail_at = number;
    if (strcmp(word, "slow") == 0) slow_ms = number;
  }
  fclose(control);
}

static void note_fired(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s.fired", getenv("FAILSYNC_CONTROL"));
  int file = open(path, O_CREAT | O_WRONLY, 0600);
  if (file >= 0) close(file);
}

/* Whether the control file speaks of this file. */
static int is_meant(int file) {
  char link[64], path[4096];
  if (!which[0]) return 1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  return (strstr(path, part) != NULL) == (strcmp(which, "only") == 0);
}

static int sync_by(const char *name, int file) {
  pthread_once(&once, read_control);
  if (slow_ms > 0) usleep((useconds_t)slow_ms * 1000);
  if (fail_at > 0 && is_meant(file) && atomic_fetch_add(&count, 1) + 1 == fail_at) {
    note_fired();
    errno = EIO;
    return -1;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(file);
}

int fsync(int file) { return sync_by("fsync", file); }
int fdatasync(int file) { return sync_by("fdatasync", file); }
