/**
 * C++: the parts of TensorFlow's C interface (`tensorflow/c/kernels.h`, `ops.h`, `tf_tensor.h`, `tf_status.h`) that the
 * operations use. It is stable, so that no headers are needed to compile them.
 */
export const cApi = String.raw`
#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

extern "C" {
typedef struct TF_Status TF_Status;
typedef struct TF_Tensor TF_Tensor;
typedef struct TF_OpKernelContext TF_OpKernelContext;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
TF_Status* TF_NewStatus();
void TF_DeleteStatus(TF_Status*);
int TF_GetCode(const TF_Status*);
void TF_SetStatus(TF_Status*, int, const char*);
const char* TF_Message(const TF_Status*);
TF_KernelBuilder* TF_NewKernelBuilder(const char*, const char*, void* (*)(TF_OpKernelConstruction*),
                                      void (*)(void*, TF_OpKernelContext*), void (*)(void*));
void TF_RegisterKernelBuilder(const char*, TF_KernelBuilder*, TF_Status*);
int TF_NumInputs(TF_OpKernelContext*);
void TF_GetInput(TF_OpKernelContext*, int, TF_Tensor**, TF_Status*);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext*, int, int, const int64_t*, int, size_t, TF_Status*);
TF_Tensor* TF_ForwardInputOrAllocateOutput(TF_OpKernelContext*, const int*, int, int, const int64_t*, int, int*, TF_Status*);
void TF_OpKernelContext_Failure(TF_OpKernelContext*, TF_Status*);
void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction*, TF_Status*);
void TF_OpKernelConstruction_GetAttrInt32(TF_OpKernelConstruction*, const char*, int32_t*, TF_Status*);
void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction*, const char*, float*, TF_Status*);
void TF_OpKernelConstruction_GetAttrFloatList(TF_OpKernelConstruction*, const char*, float*, int, TF_Status*);
void TF_OpKernelConstruction_GetAttrSize(TF_OpKernelConstruction*, const char*, int32_t*, int32_t*, TF_Status*);
void TF_OpKernelConstruction_GetAttrBool(TF_OpKernelConstruction*, const char*, unsigned char*, TF_Status*);
void* TF_TensorData(const TF_Tensor*);
int64_t TF_Dim(const TF_Tensor*, int);
int TF_NumDims(const TF_Tensor*);
int64_t TF_TensorElementCount(const TF_Tensor*);
void TF_DeleteTensor(TF_Tensor*);
TF_OpDefinitionBuilder* TF_NewOpDefinitionBuilder(const char*);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder*, const char*);
void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder*, const char*);
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder*, const char*);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(TF_OpDefinitionBuilder*,
                                                     void (*)(TF_ShapeInferenceContext*, TF_Status*));
void TF_ShapeInferenceContextSetUnknownShape(TF_ShapeInferenceContext*, TF_Status*);
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder*, TF_Status*);
}

namespace {

typedef std::vector<int64_t> Shape;
const int kFloat = 1, kInvalidArgument = 3;

const float* data(const TF_Tensor* tensor) { return static_cast<const float*>(TF_TensorData(tensor)); }

Shape shapeOf(const TF_Tensor* tensor) {
  Shape shape(TF_NumDims(tensor));
  for (size_t i = 0; i < shape.size(); i++) shape[i] = TF_Dim(tensor, i);
  return shape;
}

// One call of an operation: its inputs and outputs, let go of at the end.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor* tensor : owned_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  int inputs() const { return TF_NumInputs(context_); }
  TF_Tensor* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    return own(tensor);
  }
  // Null, and the call has failed, where there is no memory.
  float* output(int i, const Shape& shape) {
    size_t bytes = sizeof(float);
    for (int64_t size : shape) bytes *= size;
    return memory(TF_AllocateOutput(context_, i, kFloat, shape.data(), shape.size(), bytes, status_));
  }
  // In the memory of an input where nobody else needs that.
  float* outputInPlace(int i, int input, const Shape& shape) {
    int forwarded;
    return memory(TF_ForwardInputOrAllocateOutput(context_, &input, 1, i, shape.data(), shape.size(), &forwarded, status_));
  }
  void fail(const char* message) {
    TF_SetStatus(status_, kInvalidArgument, message);
    TF_OpKernelContext_Failure(context_, status_);
  }

 private:
  TF_Tensor* own(TF_Tensor* tensor) {
    if (tensor != nullptr) owned_.push_back(tensor);
    return tensor;
  }
  float* memory(TF_Tensor* tensor) {
    if (own(tensor) != nullptr) return static_cast<float*>(TF_TensorData(tensor));
    TF_OpKernelContext_Failure(context_, status_);
    return nullptr;
  }
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> owned_;
};
`;
