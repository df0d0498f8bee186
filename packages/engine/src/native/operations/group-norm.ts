/**
 * C++: group normalisation and its gradient. An image stays in the cache from its mean to its result; as single operations of
 * TensorFlow, each of the six steps (twelve for the gradient) would go through the memory.
 */
export const groupNorm = String.raw`
VECTORIZED void addSquares(const float* x, const float* mean, int64_t rows, int64_t width, float* sums) {
  for (int64_t i = 0; i < width; i++) sums[i] = 0;
  for (int64_t r = 0; r < rows; r++, x += width)
    for (int64_t i = 0; i < width; i++) {
      const float centred = x[i] - mean[i];
      sums[i] += centred * centred;
    }
}

VECTORIZED void addProducts(const float* x, const float* mean, const float* dy, int64_t rows, int64_t width, float* sums,
                            float* products) {
  for (int64_t i = 0; i < width; i++) sums[i] = products[i] = 0;
  for (int64_t r = 0; r < rows; r++, x += width, dy += width)
    for (int64_t i = 0; i < width; i++) {
      sums[i] += dy[i];
      products[i] += dy[i] * (x[i] - mean[i]);
    }
}

VECTORIZED void normalizeRows(const float* x, const float* mean, const float* factor, const float* shift, int64_t rows,
                              int64_t width, float* y) {
  for (int64_t r = 0; r < rows; r++, x += width, y += width)
    for (int64_t i = 0; i < width; i++) y[i] = (x[i] - mean[i]) * factor[i] + shift[i];
}

VECTORIZED void gradientRows(const float* x, const float* mean, const float* dy, const float* a, const float* b,
                             const float* c, int64_t rows, int64_t width, float* dx) {
  for (int64_t r = 0; r < rows; r++, x += width, dy += width, dx += width)
    for (int64_t i = 0; i < width; i++) dx[i] = dy[i] * a[i] - b[i] - (x[i] - mean[i]) * c[i];
}

struct GroupNorm {
  int32_t groups;
  float epsilon;
};

void* createNorm(TF_OpKernelConstruction* construction) {
  GroupNorm* norm = new GroupNorm;
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt32(construction, "groups", &norm->groups, status);
  if (TF_GetCode(status) == 0) TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &norm->epsilon, status);
  if (TF_GetCode(status) != 0) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return norm;
}

void deleteNorm(void* norm) { delete static_cast<GroupNorm*>(norm); }

// What one image needs: rows of values per channel, as wide as the rows of pixels.
struct Statistics {
  const GroupNorm& norm;
  const int64_t pixels, channels, size;  // size: channels of a group
  std::vector<float> sums, products, mean, a, b, c;
  std::vector<double> total, totalProduct, inverse;  // per channel; inverse: 1/sqrt(variance + epsilon)

  Statistics(const GroupNorm& norm, int64_t pixels, int64_t channels)
      : norm(norm), pixels(pixels), channels(channels), size(channels / norm.groups) {
    for (auto* row : {&sums, &products, &mean, &a, &b, &c}) row->resize(rowPixels(pixels, channels) * channels);
    for (auto* values : {&total, &totalProduct, &inverse}) values->resize(channels);
  }

  void measure(const float* x) {
    sum([&](int64_t at, int64_t rows, int64_t width) { addRows(x + at, rows, width, sums.data()); });
    perGroup([&](int64_t c, double average) { mean[c] = float(average); });
    spread(mean, channels);
    sum([&](int64_t at, int64_t rows, int64_t width) { addSquares(x + at, mean.data(), rows, width, sums.data()); });
    perGroup([&](int64_t c, double average) { inverse[c] = 1 / std::sqrt(average + norm.epsilon); });
  }

  // Calls over(first element, rows, elements in a row), and adds up what it puts into the sums.
  template <typename F>
  void sum(F over) {
    std::fill(total.begin(), total.end(), 0);
    forRows(pixels, channels, [&](int64_t at, int64_t rows, int64_t wide) {
      over(at * channels, rows, wide * channels);
      fold(sums.data(), wide, channels, total.data());
    });
  }

  // Calls with(channel, average over the pixels and channels of its group).
  template <typename F>
  void perGroup(F with) {
    for (int64_t first = 0; first < channels; first += size) {
      double sum = 0;
      for (int64_t c = first; c < first + size; c++) sum += total[c];
      for (int64_t c = first; c < first + size; c++) with(c, sum / (double(pixels) * size));
    }
  }
};

bool fits(const Shape& x, const Shape& perChannel, int32_t groups) {
  return x.size() == 4 && perChannel.size() == 4 && (perChannel[0] == 1 || perChannel[0] == x[0]) && perChannel[1] == 1 &&
         perChannel[2] == 1 && perChannel[3] == x[3] && groups > 0 && x[3] % groups == 0;
}

const char* kNormShapes = "x has to be [N, H, W, C], scale and shift [1 or N, 1, 1, C], and groups a divisor of C";

void computeNorm(void* kernel, TF_OpKernelContext* context) {
  const GroupNorm& norm = *static_cast<GroupNorm*>(kernel);
  Call call(context);
  TF_Tensor *x = call.input(0), *scale = call.input(1), *shift = call.input(2);
  const Shape shape = shapeOf(x);
  if (!fits(shape, shapeOf(scale), norm.groups) || !fits(shape, shapeOf(shift), norm.groups)) return call.fail(kNormShapes);
  const int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3], image = pixels * channels;
  const float *from = data(x), *factors = data(scale), *shifts = data(shift);
  const int64_t factorStep = TF_Dim(scale, 0) == 1 ? 0 : channels, shiftStep = TF_Dim(shift, 0) == 1 ? 0 : channels;
  float* to = call.outputInPlace(0, 0, shape);
  if (to == nullptr || image == 0) return;
  parallel(images, images * image, [&](int64_t n) {
    Statistics s(norm, pixels, channels);
    s.measure(from + n * image);
    for (int64_t c = 0; c < channels; c++) {
      s.a[c] = float(s.inverse[c] * factors[n * factorStep + c]);
      s.b[c] = shifts[n * shiftStep + c];
    }
    spread(s.a, channels);
    spread(s.b, channels);
    forRows(pixels, channels, [&](int64_t pixel, int64_t rows, int64_t wide) {
      const int64_t at = n * image + pixel * channels;
      normalizeRows(from + at, s.mean.data(), s.a.data(), s.b.data(), rows, wide * channels, to + at);
    });
  });
}

// With xn = (x - mean) / deviation: dshift = sum dy, dscale = sum dy xn,
// dx = (scale dy - mean(scale dy) - xn mean(scale dy xn)) / deviation.
void computeNormGrad(void* kernel, TF_OpKernelContext* context) {
  const GroupNorm& norm = *static_cast<GroupNorm*>(kernel);
  Call call(context);
  TF_Tensor *x = call.input(0), *scale = call.input(1), *dy = call.input(2);
  const Shape shape = shapeOf(x), scaleShape = shapeOf(scale);
  if (!fits(shape, scaleShape, norm.groups) || shapeOf(dy) != shape) return call.fail(kNormShapes);
  const int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3], image = pixels * channels;
  const float *from = data(x), *factors = data(scale), *cotangent = data(dy);
  const bool shared = scaleShape[0] == 1 && images != 1;
  float *dx = call.outputInPlace(0, 2, shape), *dscale = call.output(1, scaleShape), *dshift = call.output(2, scaleShape);
  if (dx == nullptr || dscale == nullptr || dshift == nullptr) return;
  std::vector<double> scales(images * channels), shifts(images * channels);
  if (image > 0) parallel(images, images * image, [&](int64_t n) {
    Statistics s(norm, pixels, channels);
    const float *x = from + n * image, *dy = cotangent + n * image, *factor = factors + (shared ? 0 : n * channels);
    s.measure(x);
    std::fill(s.totalProduct.begin(), s.totalProduct.end(), 0);
    s.sum([&](int64_t at, int64_t rows, int64_t width) {
      addProducts(x + at, s.mean.data(), dy + at, rows, width, s.sums.data(), s.products.data());
      fold(s.products.data(), width / channels, channels, s.totalProduct.data());
    });
    for (int64_t c = 0; c < channels; c++) {
      scales[n * channels + c] = s.totalProduct[c] * s.inverse[c];
      shifts[n * channels + c] = s.total[c];
      s.total[c] *= factor[c];
      s.a[c] = float(s.inverse[c] * factor[c]);
    }
    s.perGroup([&](int64_t c, double average) { s.b[c] = float(s.inverse[c] * average); });
    for (int64_t c = 0; c < channels; c++) s.total[c] = s.totalProduct[c] * s.inverse[c] * factor[c];
    s.perGroup([&](int64_t c, double average) { s.c[c] = float(s.inverse[c] * s.inverse[c] * average); });
    for (auto* row : {&s.a, &s.b, &s.c}) spread(*row, channels);
    forRows(pixels, channels, [&](int64_t pixel, int64_t rows, int64_t wide) {
      const int64_t at = pixel * channels;
      gradientRows(x + at, s.mean.data(), dy + at, s.a.data(), s.b.data(), s.c.data(), rows, wide * channels,
                   dx + n * image + at);
    });
  });
  for (int64_t i = 0; i < scaleShape[0] * channels; i++) {
    double factor = 0, offset = 0;
    for (int64_t n = i; n < images * channels; n += shared ? channels : images * channels) {
      factor += scales[n];
      offset += shifts[n];
    }
    dscale[i] = float(factor);
    dshift[i] = float(offset);
  }
}
`;
