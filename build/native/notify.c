/* One datagram to the service manager (sd_notify(3)), for which Node has no socket. */

#include "addon.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_BYTES_MAX 2048

/* 0, or the errno of what failed. A path that begins with @ is in the abstract namespace. */
static int send_datagram(const char *path, size_t path_bytes, const char *message, size_t message_bytes) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path_bytes == 0 || path_bytes >= sizeof address.sun_path) return EINVAL;
  memcpy(address.sun_path, path, path_bytes);
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;

  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_bytes);
  ssize_t sent = sendto(fd, message, message_bytes, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
  int failure = sent < 0 ? errno : 0;
  close(fd);
  return failure;
}

/* notify(socketPath: string, message: string): number */
napi_value qedge_notify(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  size_t count = 2, path_bytes = 0, message_bytes = 0;
  char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
  char message[MESSAGE_BYTES_MAX];
  int failure = EINVAL;

  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok && count == 2 &&
      napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &path_bytes) == napi_ok &&
      napi_get_value_string_utf8(env, arguments[1], message, sizeof message, &message_bytes) == napi_ok) {
    failure = send_datagram(path, path_bytes, message, message_bytes);
  }
  return napi_create_int32(env, failure, &result) == napi_ok ? result : NULL;
}
