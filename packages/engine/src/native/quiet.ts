/**
 * TensorFlow's library prints two lines about oneDNN while it is being loaded, before any setting of its log takes effect.
 * This addon keeps what a process writes to its standard error for that moment away from the screen, and is compiled together
 * with the binding.
 */
export const quietSource = `
#include <fcntl.h>
#include <unistd.h>
#include <node_api.h>

static int saved = -1;

static napi_value Mute(napi_env env, napi_callback_info info) {
  int nowhere = open("/dev/null", O_WRONLY);
  saved = dup(2);
  dup2(nowhere, 2);
  close(nowhere);
  return nullptr;
}

static napi_value Unmute(napi_env env, napi_callback_info info) {
  dup2(saved, 2);
  close(saved);
  return nullptr;
}

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value mute, unmute;
  napi_create_function(env, "mute", NAPI_AUTO_LENGTH, Mute, nullptr, &mute);
  napi_create_function(env, "unmute", NAPI_AUTO_LENGTH, Unmute, nullptr, &unmute);
  napi_set_named_property(env, exports, "mute", mute);
  napi_set_named_property(env, exports, "unmute", unmute);
  return exports;
}
`;

/** The compiled addon. */
export interface Quiet {
  mute(): void;
  unmute(): void;
}
