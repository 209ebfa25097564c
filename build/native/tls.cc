// A bound on KeyUpdate messages of TLS 1.3. Each costs keys and an answer, no byte of it reaches JavaScript, and OpenSSL takes
// any number of them in one go: a flood would hold the event loop for seconds. OpenSSL's functions are the executable's.

#include <cstdint>
#include <cstring>

#include <openssl/ssl.h>
#include <v8.h>

extern "C" {
#include "addon.h"
}

namespace {

// Of one connection. Keys are good for hundreds of gigabytes (RFC 8446 section 5.5).
constexpr uintptr_t KEY_UPDATES_MAX = 256;

int count_index = -1;

// Beyond the bound the connection counts as ended by its peer, which OpenSSL looks at before each message.
void on_message(int written, int, int type, const void *bytes, size_t length, SSL *ssl, void *) {
  if (written || type != SSL3_RT_HANDSHAKE || length == 0) return;
  if (*static_cast<const unsigned char *>(bytes) != SSL3_MT_KEY_UPDATE) return;
  uintptr_t count = reinterpret_cast<uintptr_t>(SSL_get_ex_data(ssl, count_index)) + 1;
  if (count > KEY_UPDATES_MAX) SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
  else (void)SSL_set_ex_data(ssl, count_index, reinterpret_cast<void *>(count));
}

// Node made the value with V8's own interface, which Node-API does not read.
void *pointer_of(napi_value value) {
  v8::Local<v8::Value> local;
  static_assert(sizeof local == sizeof value);
  std::memcpy(static_cast<void *>(&local), &value, sizeof local);
  return local->IsExternal() ? local.As<v8::External>()->Value() : nullptr;
}

}  // namespace

// limitKeyUpdates(context: External): void
extern "C" napi_value qedge_limit_key_updates(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok || count != 1) return nullptr;
  void *context = pointer_of(argument);
  if (context == nullptr) {
    napi_throw_type_error(env, nullptr, "no TLS context");
    return nullptr;
  }
  if (count_index < 0) count_index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  if (count_index >= 0) SSL_CTX_set_msg_callback(static_cast<SSL_CTX *>(context), on_message);
  return nullptr;
}
