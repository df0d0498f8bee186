/** Images as numbers, channels last: what goes in and out where no tensors are. */
export interface Images {
  readonly data: Float32Array;
  /** [images, height, width, channels]. */
  readonly shape: readonly number[];
}

/** [N, H, W, C] to [N, C, H, W]. */
export function toChannelsFirst(data: Float32Array, [n, h, w, c]: readonly number[]): Float32Array<ArrayBuffer> {
  return moveChannels(data, n!, h! * w!, c!);
}

/** [N, C, H, W] to [N, H, W, C], given the shape as [N, H, W, C]. */
export function toChannelsLast(data: Float32Array, [n, h, w, c]: readonly number[]): Float32Array<ArrayBuffer> {
  return moveChannels(data, n!, c!, h! * w!);
}

/** Transposes each of `count` matrices of rows and columns. */
function moveChannels(data: Float32Array, count: number, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(data.length);
  const size = rows * columns;
  for (let start = 0; start < count * size; start += size) {
    for (let column = 0; column < columns; column++) {
      let at = start + column * rows;
      for (let row = 0, from = start + column; row < rows; row++, from += columns) result[at++] = data[from]!;
    }
  }
  return result;
}
