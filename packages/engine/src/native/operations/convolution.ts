/**
 * C++: 3 x 3 convolutions of few pixels. TensorFlow's own lays the filter out anew in each call, which pays for many pixels
 * only: with 16 of them it takes half of the time. Here the filter is read once, as it lies, and all pixels' sums are carried
 * along.
 *
 * Each output is one sum in the order of the filter, whatever threads do.
 */
export const convolution = String.raw`
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define MISSING_U_CONVOLUTION
#define WIDE __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))

bool canConvolve() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
}

// As many channels as one register holds, and as a tile has.
const int64_t kLanes = 16, kTile = 2 * kLanes;
typedef float Lanes __attribute__((vector_size(64), aligned(4)));

// So many rows of the filter (channels of the image) at a time stay in the cache, and their pages within reach.
const int64_t kFilterRows = 64;

// Where a tile reads and writes. The image has a border of zeros; all steps are in floats.
struct Tile {
  const float* pixels;
  int64_t pitch, inputs;
  const float* rows;
  int64_t outputs;
  float* sums;
  int64_t width;
};

// Adds count rows of the filter to the sums of R x P pixels and two registers of channels. These rows are summed up apart, which
// rounds less than one long sum.
template <int R, int P, bool first>
WIDE void addRowsOfFilter(Tile at, int64_t count) {
  Lanes sums[R][P][2];
  auto place = [&](int r, int p, int z) { return reinterpret_cast<Lanes*>(at.sums + (r * at.width + p) * at.outputs + kLanes * z); };
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) sums[r][p][0] = sums[r][p][1] = Lanes{};
  const float *pixels = at.pixels, *row = at.rows;
  for (int64_t c = 0; c < count; c++, pixels++, row += at.outputs) {
    // The rows that come next, and a cache line's neighbour.
    __builtin_prefetch(row + kFilterRows * at.outputs, 0, 2);
    __builtin_prefetch(row + kFilterRows * at.outputs + kLanes, 0, 2);
    const Lanes weights[2] = {*reinterpret_cast<const Lanes*>(row), *reinterpret_cast<const Lanes*>(row + kLanes)};
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
      for (int p = 0; p < P; p++) {
        const float x = pixels[r * at.pitch + p * at.inputs];
        sums[r][p][0] += x * weights[0];
        sums[r][p][1] += x * weights[1];
      }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
#pragma GCC unroll 8
    for (int p = 0; p < P; p++)
#pragma GCC unroll 2
      for (int z = 0; z < 2; z++) *place(r, p, z) = first ? sums[r][p][z] : *place(r, p, z) + sums[r][p][z];
}

struct Convolution {
  const float* padded;  // [images, height + 2, width + 2, inputs]
  const float* filter;
  float* y;
  int64_t images, height, width, inputs, outputs;

  // The output channels from first to end.
  template <int R, int P>
  void run(int64_t first, int64_t end) const {
    const int64_t pitch = (width + 2) * inputs, each = (height + 2) * pitch;
    for (int64_t tap = 0; tap < 9; tap++)
      for (int64_t c = 0; c < inputs; c += kFilterRows) {
        const auto add = tap + c == 0 ? addRowsOfFilter<R, P, true> : addRowsOfFilter<R, P, false>;
        const float* from = padded + tap / 3 * pitch + tap % 3 * inputs + c;
        for (int64_t o = first; o < end; o += kTile)
          for (int64_t n = 0; n < images; n++)
            for (int64_t r = 0; r < height; r += R)
              for (int64_t p = 0; p < width; p += P)
                add({from + n * each + r * pitch + p * inputs, pitch, inputs, filter + (tap * inputs + c) * outputs + o,
                     outputs, y + ((n * height + r) * width + p) * outputs + o, width},
                    std::min(kFilterRows, inputs - c));
      }
  }
};

void computeConvolution(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor *x = call.input(0), *filter = call.input(1);
  const Shape shape = shapeOf(x), weights = shapeOf(filter);
  const bool images = shape.size() == 4 && (shape[2] % 8 == 0 || (shape[2] % 4 == 0 && shape[1] % 2 == 0));
  if (!images || weights.size() != 4 || weights[0] != 3 || weights[1] != 3 || weights[2] != shape[3] || weights[2] == 0 ||
      weights[3] % kTile != 0)
    return call.fail("x has to be [N, H, W, C] with W a multiple of 8, or of 4 with H of 2; filter [3, 3, C, D] with D of 32");
  const int64_t height = shape[1], width = shape[2], inputs = shape[3], outputs = weights[3], row = width * inputs;
  float* y = call.output(0, {shape[0], height, width, outputs});
  if (y == nullptr || TF_TensorElementCount(x) == 0 || outputs == 0) return;
  const int64_t pitch = row + 2 * inputs;
  std::vector<float> padded(shape[0] * (height + 2) * pitch);
  for (int64_t r = 0; r < shape[0] * height; r++)
    std::memcpy(&padded[(r / height * (height + 2) + r % height + 1) * pitch + inputs], data(x) + r * row, row * sizeof(float));
  const Convolution all = {padded.data(), data(filter), y, shape[0], height, width, inputs, outputs};
  // Some parts for each thread, as wide as they can be: who reads a row's neighbours, too, reads faster.
  const int64_t wide = std::max<int64_t>(1, outputs / kTile / 8) * kTile, parts = (outputs + wide - 1) / wide;
  parallel(parts, TF_TensorElementCount(x) * 9 * outputs, [&](int64_t i) {
    const int64_t first = i * wide, end = std::min(first + wide, outputs);
    if (width % 8 == 0) all.run<1, 8>(first, end);
    else all.run<2, 4>(first, end);
  });
}
#endif
`;
