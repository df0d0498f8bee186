/**
 * C++: how loops go over pixels whose channels lie side by side. Sums are taken in parts that do not depend on the number of
 * threads, so that results do not either.
 */
export const channelLoops = String.raw`
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
// Compiled for several generations of processors; the one at hand is chosen when the library is loaded.
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORIZED
#endif

// So many floats are summed side by side: several pixels where they have few channels.
const int64_t kWide = 256;
// So many rows are summed in single precision, in double precision from there on.
const int64_t kRows = 64;
// Parts that threads share have about this many elements.
const int64_t kPart = 1 << 15;

// Pixels that are one row.
int64_t rowPixels(int64_t pixels, int64_t channels) { return std::max<int64_t>(1, std::min(pixels, kWide / channels)); }

// Calls over(first pixel, rows, pixels in a row) until all are done; the last ones that fill no row are rows of their own.
template <typename F>
void forRows(int64_t pixels, int64_t channels, F over) {
  const int64_t wide = rowPixels(pixels, channels), rows = pixels / wide;
  for (int64_t r = 0; r < rows; r += kRows) over(r * wide, std::min(kRows, rows - r), wide);
  if (rows * wide < pixels) over(rows * wide, pixels - rows * wide, 1);
}

// Adds what the pixels of a row have, channel by channel.
void fold(const float* row, int64_t wide, int64_t channels, double* total) {
  for (int64_t k = 0; k < wide; k++)
    for (int64_t c = 0; c < channels; c++) total[c] += row[k * channels + c];
}

// Repeats the channels' values for each pixel of a row.
void spread(std::vector<float>& row, int64_t channels) {
  for (size_t at = channels; at < row.size(); at += channels) std::memcpy(&row[at], &row[0], channels * sizeof(float));
}

VECTORIZED void addRows(const float* x, int64_t rows, int64_t width, float* sums) {
  for (int64_t i = 0; i < width; i++) sums[i] = 0;
  for (int64_t r = 0; r < rows; r++, x += width)
    for (int64_t i = 0; i < width; i++) sums[i] += x[i];
}
`;
