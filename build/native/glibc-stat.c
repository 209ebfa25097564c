/* stat and its kind became functions of libc in glibc 2.33; before that they were macros. These hidden definitions
   keep an addon from asking libc for them, so that it loads on 2.31. The kernel's struct stat is libc's on the 64-bit
   architectures. sys/stat.h stays out on purpose: its declarations carry the new symbols' names. */

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))

struct stat;

HIDDEN int stat(const char *path, struct stat *out) { return syscall(SYS_newfstatat, AT_FDCWD, path, out, 0); }
HIDDEN int lstat(const char *path, struct stat *out) {
  return syscall(SYS_newfstatat, AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}
HIDDEN int fstat(int fd, struct stat *out) { return syscall(SYS_fstat, fd, out); }
HIDDEN int stat64(const char *path, struct stat *out) { return stat(path, out); }
HIDDEN int lstat64(const char *path, struct stat *out) { return lstat(path, out); }
HIDDEN int fstat64(int fd, struct stat *out) { return fstat(fd, out); }
