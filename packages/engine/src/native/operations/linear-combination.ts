/** C++: the sum of tensors, each times a number of its own: a stage of a Runge-Kutta method in one pass. */
export const linearCombination = String.raw`
VECTORIZED void weigh(const float* a, float wa, int64_t count, float* y) {
  for (int64_t i = 0; i < count; i++) y[i] = wa * a[i];
}

VECTORIZED void weighTwo(const float* a, float wa, const float* b, float wb, int64_t count, float* y) {
  for (int64_t i = 0; i < count; i++) y[i] = wa * a[i] + wb * b[i];
}

VECTORIZED void weighThree(const float* a, float wa, const float* b, float wb, const float* c, float wc, int64_t count,
                           float* y) {
  for (int64_t i = 0; i < count; i++) y[i] = wa * a[i] + wb * b[i] + wc * c[i];
}

typedef std::vector<float> Weights;

void* createCombination(TF_OpKernelConstruction* construction) {
  Weights* weights = new Weights;
  TF_Status* status = TF_NewStatus();
  int32_t size = 0, total = 0;
  TF_OpKernelConstruction_GetAttrSize(construction, "weights", &size, &total, status);
  if (TF_GetCode(status) == 0) {
    weights->resize(std::max(0, size));
    TF_OpKernelConstruction_GetAttrFloatList(construction, "weights", weights->data(), size, status);
  }
  if (TF_GetCode(status) != 0) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return weights;
}

void deleteCombination(void* weights) { delete static_cast<Weights*>(weights); }

void computeCombination(void* kernel, TF_OpKernelContext* context) {
  const Weights& weights = *static_cast<Weights*>(kernel);
  Call call(context);
  const int count = call.inputs();
  if (count < 1 || size_t(count) != weights.size()) return call.fail("there has to be one weight for each term");
  std::vector<const float*> terms;
  Shape shape;
  for (int i = 0; i < count; i++) {
    TF_Tensor* term = call.input(i);
    if (i == 0) shape = shapeOf(term);
    if (shapeOf(term) != shape) return call.fail("all terms have to be of one shape");
    terms.push_back(data(term));
  }
  int64_t elements = 1;
  for (int64_t size : shape) elements *= size;
  float* y = call.output(0, shape);
  if (y == nullptr) return;
  parallel((elements + kPart - 1) / kPart, elements, [&](int64_t part) {
    const int64_t at = part * kPart, n = std::min(kPart, elements - at);
    if (count == 1) return weigh(terms[0] + at, weights[0], n, y + at);
    if (count == 2) return weighTwo(terms[0] + at, weights[0], terms[1] + at, weights[1], n, y + at);
    weighThree(terms[0] + at, weights[0], terms[1] + at, weights[1], terms[2] + at, weights[2], n, y + at);
    int i = 3;
    for (; i + 1 < count; i += 2)
      weighThree(y + at, 1, terms[i] + at, weights[i], terms[i + 1] + at, weights[i + 1], n, y + at);
    if (i < count) weighTwo(y + at, 1, terms[i] + at, weights[i], n, y + at);
  });
}
`;
