/**
 * C++: a library between TensorFlow and its binding for Node, which has no call that defines a function. It is loaded before the
 * binding, whose `TFE_NewContext` it is, so that it knows the context of each thread of JavaScript; and it is an addon itself.
 * TensorFlow's C interface (`tensorflow/c/eager/c_api.h`) and Node's are stable, so that no headers are needed to compile it.
 */
export const functionsSource = String.raw`
#include <dlfcn.h>
#include <cstddef>
#include <cstdio>

extern "C" {
typedef struct TF_Status TF_Status;
typedef struct TFE_Context TFE_Context;
typedef struct TFE_ContextOptions TFE_ContextOptions;
TF_Status* TF_NewStatus();
void TF_DeleteStatus(TF_Status*);
int TF_GetCode(const TF_Status*);
const char* TF_Message(const TF_Status*);
void TFE_ContextAddFunctionDef(TFE_Context*, const char*, size_t, TF_Status*);
void TFE_ContextRemoveFunction(TFE_Context*, const char*, TF_Status*);

typedef struct napi_env__* napi_env;
typedef struct napi_value__* napi_value;
typedef struct napi_callback_info__* napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
int napi_get_cb_info(napi_env, napi_callback_info, size_t*, napi_value*, napi_value*, void**);
int napi_get_typedarray_info(napi_env, napi_value, int*, size_t*, void**, napi_value*, size_t*);
int napi_get_value_string_utf8(napi_env, napi_value, char*, size_t, size_t*);
int napi_create_string_utf8(napi_env, const char*, size_t, napi_value*);
int napi_create_function(napi_env, const char*, size_t, napi_callback, void*, napi_value*);
int napi_set_named_property(napi_env, napi_value, const char*, napi_value);
}

static thread_local TFE_Context* context = nullptr;

// Returns the reason why something could not be done, or an empty text.
static napi_value Told(napi_env env, TF_Status* status) {
  napi_value text;
  napi_create_string_utf8(env, TF_GetCode(status) == 0 ? "" : TF_Message(status), static_cast<size_t>(-1), &text);
  TF_DeleteStatus(status);
  return text;
}

static napi_value Add(napi_env env, napi_callback_info info) {
  size_t count = 1, bytes = 0;
  napi_value definition;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &definition, nullptr, nullptr);
  napi_get_typedarray_info(env, definition, nullptr, &bytes, &data, nullptr, nullptr);
  TF_Status* status = TF_NewStatus();
  TFE_ContextAddFunctionDef(context, static_cast<const char*>(data), bytes, status);
  return Told(env, status);
}

static napi_value Remove(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value name;
  char text[256];
  napi_get_cb_info(env, info, &count, &name, nullptr, nullptr);
  napi_get_value_string_utf8(env, name, text, sizeof text, nullptr);
  TF_Status* status = TF_NewStatus();
  TFE_ContextRemoveFunction(context, text, status);
  return Told(env, status);
}

static void Export(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, static_cast<size_t>(-1), function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}

extern "C" __attribute__((visibility("default"))) TFE_Context* TFE_NewContext(const TFE_ContextOptions* options,
                                                                              TF_Status* status) {
  typedef TFE_Context* (*New)(const TFE_ContextOptions*, TF_Status*);
  void* library = dlopen("libtensorflow_cc.so.2", RTLD_LAZY | RTLD_NOLOAD);
  return context = reinterpret_cast<New>(dlsym(library, "TFE_NewContext"))(options, status);
}

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  Export(env, exports, "add", Add);
  Export(env, exports, "remove", Remove);
  return exports;
}
`;
