/** C++: bias and relu in one pass, in place where that is possible, and their gradients in one pass. */
export const bias = String.raw`
VECTORIZED void biasRows(const float* x, const float* bias, int64_t rows, int64_t width, bool relu, float* y) {
  for (int64_t r = 0; r < rows; r++, x += width, y += width) {
    if (relu) {
      // Written so that what is not a number stays that.
      for (int64_t i = 0; i < width; i++) y[i] = x[i] + bias[i] < 0 ? 0 : x[i] + bias[i];
    } else {
      for (int64_t i = 0; i < width; i++) y[i] = x[i] + bias[i];
    }
  }
}

VECTORIZED void reluGradientRows(const float* dy, const float* y, int64_t rows, int64_t width, float* dz, float* sums) {
  for (int64_t i = 0; i < width; i++) sums[i] = 0;
  for (int64_t r = 0; r < rows; r++, dy += width, y += width, dz += width)
    for (int64_t i = 0; i < width; i++) {
      dz[i] = y[i] > 0 ? dy[i] : 0;
      sums[i] += dz[i];
    }
}

void* createBias(TF_OpKernelConstruction* construction) {
  unsigned char* relu = new unsigned char;
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrBool(construction, "relu", relu, status);
  if (TF_GetCode(status) != 0) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return relu;
}

void deleteBias(void* relu) { delete static_cast<unsigned char*>(relu); }

// Calls work(first pixel, pixels) for parts of all pixels, and with the part's number.
void forParts(int64_t pixels, int64_t channels, const std::function<void(int64_t, int64_t, int64_t)>& work) {
  const int64_t part = std::max<int64_t>(1, kPart / channels), parts = (pixels + part - 1) / part;
  parallel(parts, pixels * channels, [&](int64_t i) { work(i * part, std::min(part, pixels - i * part), i); });
}

void computeBias(void* relu, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor *x = call.input(0), *shift = call.input(1);
  const Shape shape = shapeOf(x);
  const int64_t elements = TF_TensorElementCount(x), channels = TF_TensorElementCount(shift);
  if (shape.empty() || shape.back() != channels) return call.fail("bias has to have a value for each channel of x");
  float* to = call.outputInPlace(0, 0, shape);
  if (to == nullptr || elements == 0) return;
  const float* from = data(x);
  const int64_t pixels = elements / channels;
  std::vector<float> row(rowPixels(pixels, channels) * channels);
  std::memcpy(row.data(), data(shift), channels * sizeof(float));
  spread(row, channels);
  forParts(pixels, channels, [&](int64_t first, int64_t count, int64_t) {
    forRows(count, channels, [&](int64_t pixel, int64_t rows, int64_t wide) {
      const int64_t at = (first + pixel) * channels;
      biasRows(from + at, row.data(), rows, wide * channels, *static_cast<unsigned char*>(relu), to + at);
    });
  });
}

// The sums of a part's channels come from over(first element, rows, elements in a row, sums).
template <typename F>
void sumChannels(int64_t pixels, int64_t channels, float* result, F over) {
  const int64_t parts = pixels / std::max<int64_t>(1, kPart / channels) + 1;
  std::vector<double> totals(parts * channels);
  forParts(pixels, channels, [&](int64_t first, int64_t count, int64_t part) {
    std::vector<float> sums(rowPixels(count, channels) * channels);
    forRows(count, channels, [&](int64_t pixel, int64_t rows, int64_t wide) {
      over((first + pixel) * channels, rows, wide * channels, sums.data());
      fold(sums.data(), wide, channels, &totals[part * channels]);
    });
  });
  for (int64_t c = 0; c < channels; c++) {
    double total = 0;
    for (int64_t part = 0; part < parts; part++) total += totals[part * channels + c];
    result[c] = float(total);
  }
}

// dz = dy where y > 0, and the sum of dz over all pixels.
void computeReluBiasGrad(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor *dy = call.input(0), *y = call.input(1);
  const Shape shape = shapeOf(dy);
  if (shape.empty() || shape.back() == 0 || shapeOf(y) != shape) return call.fail("dy and y have to be of the same shape");
  const int64_t channels = shape.back();
  float *dz = call.outputInPlace(0, 0, shape), *sums = call.output(1, {channels});
  if (dz == nullptr || sums == nullptr) return;
  const float *from = data(dy), *value = data(y);
  sumChannels(TF_TensorElementCount(dy) / channels, channels, sums, [&](int64_t at, int64_t rows, int64_t width, float* sum) {
    reluGradientRows(from + at, value + at, rows, width, dz + at, sum);
  });
}

void computeChannelSums(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* x = call.input(0);
  const Shape shape = shapeOf(x);
  if (shape.empty() || shape.back() == 0) return call.fail("x has to have channels");
  float* sums = call.output(0, {shape.back()});
  if (sums == nullptr) return;
  const float* from = data(x);
  sumChannels(TF_TensorElementCount(x) / shape.back(), shape.back(), sums,
              [&](int64_t at, int64_t rows, int64_t width, float* sum) { addRows(from + at, rows, width, sum); });
}
`;
