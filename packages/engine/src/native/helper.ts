/**
 * A small addon that is compiled together with the binding, for two things that JavaScript cannot do.
 *
 * TensorFlow's library prints two lines about oneDNN while it is being loaded, before any setting of its log takes effect:
 * `mute` and `unmute` keep standard error away from the screen for that moment. And it looks for CUDA's libraries by their
 * bare names: `preload` loads them from where they lie, so that it finds them in the process.
 */
export const helperSource = `
#include <dlfcn.h>
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

// Returns the reason why the library cannot be loaded, or an empty text.
static napi_value Preload(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value path, result;
  char text[4096];
  napi_get_cb_info(env, info, &count, &path, nullptr, nullptr);
  napi_get_value_string_utf8(env, path, text, sizeof text, nullptr);
  const char* error = dlopen(text, RTLD_NOW | RTLD_GLOBAL) == nullptr ? dlerror() : "";
  napi_create_string_utf8(env, error, NAPI_AUTO_LENGTH, &result);
  return result;
}

static void Export(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  Export(env, exports, "mute", Mute);
  Export(env, exports, "unmute", Unmute);
  Export(env, exports, "preload", Preload);
  return exports;
}
`;

/** The compiled addon. */
export interface Helper {
  mute(): void;
  unmute(): void;
  preload(library: string): string;
}
