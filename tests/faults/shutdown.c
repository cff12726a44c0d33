/* Shuts a mounted filesystem (ext4, xfs, f2fs) down as a power cut would: nothing that was not synced reaches the disk.
 * Usage, as root: shutdown MOUNTPOINT */
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define GOINGDOWN _IOR('X', 125, __u32)
#define WITHOUT_FLUSHING_THE_LOG 2

int main(int count, char **arguments) {
  __u32 how = WITHOUT_FLUSHING_THE_LOG;
  if (count != 2) {
    fprintf(stderr, "usage: shutdown MOUNTPOINT\n");
    return 2;
  }
  int folder = open(arguments[1], O_RDONLY | O_DIRECTORY);
  if (folder < 0 || ioctl(folder, GOINGDOWN, &how) < 0) {
    perror(arguments[1]);
    return 1;
  }
  return 0;
}
