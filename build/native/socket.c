/* Another descriptor of a socket, which Node has no call for: to close the copy leaves the socket open. */

#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

/* duplicate(fd: number): number */
napi_value qedge_duplicate(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t count = 1;
  int32_t fd = -1, copy = -EINVAL;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok && count == 1 &&
      napi_get_value_int32(env, argument, &fd) == napi_ok) {
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) copy = -errno;
  }
  return napi_create_int32(env, copy, &result) == napi_ok ? result : NULL;
}
