/* The end of the process without its threads: exit(3) would wait for one that a disk holds up. */

#include "addon.h"

#include <stdint.h>
#include <unistd.h>

/* exit(status: number): never */
napi_value qedge_exit(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  int32_t status = 1;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok && count == 1) {
    (void)napi_get_value_int32(env, argument, &status);
  }
  _exit(status);
}
