/**
 * C++: an update of all parameters by Adam, with the moments and the averages of the weights, in one pass: each number is read and
 * written once. And the norm that gradients are clipped by.
 */
export const adam = String.raw`
struct Adam {
  // Shares of the old moments, and of what is new in them.
  float first, firstNew, second, secondNew, epsilon;
  int32_t averages;
};

void* createAdam(TF_OpKernelConstruction* construction) {
  Adam* adam = new Adam;
  TF_Status* status = TF_NewStatus();
  float betas[4] = {0};
  TF_OpKernelConstruction_GetAttrFloatList(construction, "betas", betas, 4, status);
  if (TF_GetCode(status) == 0) TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &adam->epsilon, status);
  if (TF_GetCode(status) == 0) TF_OpKernelConstruction_GetAttrInt32(construction, "K", &adam->averages, status);
  if (TF_GetCode(status) != 0) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  adam->first = betas[0], adam->firstNew = betas[1], adam->second = betas[2], adam->secondNew = betas[3];
  return adam;
}

void deleteAdam(void* adam) { delete static_cast<Adam*>(adam); }

// What is the same for all parameters of an update.
struct Step {
  float scale, rate, rootCorrection, decay;
};

VECTORIZED void adamRow(const Adam adam, const Step step, int64_t count, const float* __restrict parameter,
                        const float* __restrict gradient, const float* __restrict first, const float* __restrict second,
                        float* __restrict newParameter, float* __restrict newFirst, float* __restrict newSecond) {
  for (int64_t i = 0; i < count; i++) {
    const float g = gradient[i] * step.scale;
    const float m = first[i] * adam.first + g * adam.firstNew, v = second[i] * adam.second + g * g * adam.secondNew;
    newFirst[i] = m;
    newSecond[i] = v;
    newParameter[i] = parameter[i] * step.decay - m / (std::sqrt(v) / step.rootCorrection + adam.epsilon) * step.rate;
  }
}

VECTORIZED void averageRow(const float* __restrict average, const float* __restrict parameter, float decay, int64_t count,
                           float* __restrict y) {
  const float rest = 1 - decay;
  for (int64_t i = 0; i < count; i++) y[i] = average[i] * decay + parameter[i] * rest;
}

void computeAdam(void* kernel, TF_OpKernelContext* context) {
  const Adam& adam = *static_cast<Adam*>(kernel);
  Call call(context);
  const int averages = adam.averages, parameters = call.inputs() - averages - 6;
  std::vector<const float*> from;
  std::vector<int64_t> begins(1);
  std::vector<float*> to;
  for (int i = 0; i < parameters; i++) {
    TF_Tensor* parameter = call.input(i);
    from.push_back(data(parameter));
    begins.push_back(begins.back() + TF_TensorElementCount(parameter));
    to.push_back(call.output(i, shapeOf(parameter)));
    if (to.back() == nullptr) return;
  }
  const int64_t size = begins.back();
  // The gradient, both moments, and the averages.
  for (int i = parameters; i < parameters + 3 + averages; i++) {
    TF_Tensor* vector = call.input(i);
    if (shapeOf(vector) != Shape{size}) return call.fail("gradient, moments and averages have to be as long as all parameters");
    from.push_back(data(vector));
    if (i == parameters) continue;
    to.push_back(call.output(i - 1, {size}));
    if (to.back() == nullptr) return;
  }
  const int last = parameters + 3 + averages;
  TF_Tensor *scale = call.input(last), *numbers = call.input(last + 1), *decays = call.input(last + 2);
  if (TF_TensorElementCount(scale) != 1 || TF_TensorElementCount(numbers) != 3 || TF_TensorElementCount(decays) != averages)
    return call.fail("scale is one number, coefficients are three, and decays as many as averages");
  const Step step = {data(scale)[0], data(numbers)[0], data(numbers)[1], data(numbers)[2]};
  const float *g = from[parameters], *m = from[parameters + 1], *v = from[parameters + 2], *decay = data(decays);
  const int64_t parts = (size + kPart - 1) / kPart;
  parallel(parts, size, [&](int64_t part) {
    const int64_t end = std::min(size, (part + 1) * kPart);
    int64_t at = part * kPart;
    // The parameter that a place lies in.
    int64_t p = std::upper_bound(begins.begin(), begins.end(), at) - begins.begin() - 1;
    while (at < end) {
      for (; begins[p + 1] <= at; p++) continue;
      // So few that the new parameters are still at hand for the averages.
      const int64_t count = std::min<int64_t>(2048, std::min(end, begins[p + 1]) - at), in = at - begins[p];
      float* next = to[p] + in;
      adamRow(adam, step, count, from[p] + in, g + at, m + at, v + at, next, to[parameters] + at, to[parameters + 1] + at);
      for (int k = 0; k < averages; k++)
        averageRow(from[parameters + 3 + k] + at, next, decay[k], count, to[parameters + 2 + k] + at);
      at += count;
    }
  });
}

VECTORIZED void squareRows(const float* x, int64_t rows, int64_t width, float* sums) {
  for (int64_t i = 0; i < width; i++) sums[i] = 0;
  for (int64_t r = 0; r < rows; r++, x += width)
    for (int64_t i = 0; i < width; i++) sums[i] += x[i] * x[i];
}

void computeVectorNorm(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* x = call.input(0);
  float* norm = call.output(0, {});
  if (norm == nullptr) return;
  const float* from = data(x);
  sumChannels(TF_TensorElementCount(x), 1, norm,
              [&](int64_t at, int64_t rows, int64_t width, float* sums) { squareRows(from + at, rows, width, sums); });
  *norm = std::sqrt(*norm);
}
`;
