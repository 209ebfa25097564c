/* qedge's own addon: what Node has no call for. */
#ifndef QEDGE_ADDON_H
#define QEDGE_ADDON_H

#include <node_api.h>

napi_value qedge_duplicate(napi_env env, napi_callback_info info);
napi_value qedge_exit(napi_env env, napi_callback_info info);
napi_value qedge_limit_key_updates(napi_env env, napi_callback_info info);
napi_value qedge_notify(napi_env env, napi_callback_info info);
napi_value qedge_release_memory(napi_env env, napi_callback_info info);

#endif
