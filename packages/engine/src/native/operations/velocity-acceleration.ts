/**
 * C++: the derivative [v, a] of a state [x, v], where a is a branch and a residual, each with its bias, the branch cut at zero
 * where asked for: in one pass, instead of two biases, a sum, a slice and a concatenation.
 */
export const velocityAcceleration = String.raw`
template <bool relu>
inline __attribute__((always_inline)) void accelerate(const float* __restrict branch, const float* __restrict bias,
                                                      const float* __restrict residual, const float* __restrict shift,
                                                      const float* __restrict state, int64_t pixels, int64_t half,
                                                      float* __restrict y) {
  for (int64_t p = 0; p < pixels; p++, branch += half, residual += half, state += 2 * half, y += 2 * half) {
    for (int64_t i = 0; i < half; i++) y[i] = state[half + i];
    for (int64_t i = 0; i < half; i++) {
      const float z = branch[i] + bias[i];
      // Written so that what is not a number stays that.
      y[half + i] = (relu && z < 0 ? 0 : z) + (residual[i] + shift[i]);
    }
  }
}

VECTORIZED void accelerateCut(const float* branch, const float* bias, const float* residual, const float* shift,
                              const float* state, int64_t pixels, int64_t half, float* y) {
  accelerate<true>(branch, bias, residual, shift, state, pixels, half, y);
}

VECTORIZED void accelerateLinear(const float* branch, const float* bias, const float* residual, const float* shift,
                                 const float* state, int64_t pixels, int64_t half, float* y) {
  accelerate<false>(branch, bias, residual, shift, state, pixels, half, y);
}

void computeVelocityAcceleration(void* relu, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor *branch = call.input(0), *bias = call.input(1), *residual = call.input(2), *shift = call.input(3);
  TF_Tensor* state = call.input(4);
  const Shape shape = shapeOf(state);
  Shape halved = shape;
  if (!halved.empty()) halved.back() /= 2;
  if (shape.empty() || shape.back() == 0 || shape.back() % 2 != 0 || shapeOf(branch) != halved ||
      shapeOf(residual) != halved || shapeOf(bias) != Shape{halved.back()} || shapeOf(shift) != Shape{halved.back()})
    return call.fail("branch and residual have to have half of the state's channels, and a bias for each of them");
  float* to = call.output(0, shape);
  if (to == nullptr) return;
  const float *a = data(branch), *b = data(bias), *r = data(residual), *s = data(shift), *z = data(state);
  const int64_t half = halved.back(), pixels = TF_TensorElementCount(state) / shape.back();
  const auto rows = *static_cast<unsigned char*>(relu) ? accelerateCut : accelerateLinear;
  forParts(pixels, shape.back(), [&](int64_t first, int64_t count, int64_t) {
    const int64_t at = first * half;
    rows(a + at, b, r + at, s, z + 2 * at, count, half, to + 2 * at);
  });
}
`;
