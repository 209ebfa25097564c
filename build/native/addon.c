/* Hands the addon's functions to JavaScript. */

#include "addon.h"

static int add(napi_env env, napi_value exports, const char *name, napi_callback body) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, body, NULL, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

NAPI_MODULE_INIT() {
  if (!add(env, exports, "duplicate", qedge_duplicate) || !add(env, exports, "exit", qedge_exit) ||
      !add(env, exports, "limitKeyUpdates", qedge_limit_key_updates) || !add(env, exports, "notify", qedge_notify) ||
      !add(env, exports, "releaseMemory", qedge_release_memory)) {
    napi_throw_error(env, NULL, "the addon did not initialise");
  }
  return exports;
}
