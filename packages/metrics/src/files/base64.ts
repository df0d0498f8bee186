/** Little-endian float64s as base64; bit by bit. */
export function toBase64(numbers: Float64Array): string {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  // In pieces, because a call takes only so many arguments; a multiple of 3 leaves no padding inside.
  const piece = 3 * 4096;
  let text = '';
  for (let at = 0; at < bytes.length; at += piece) text += btoa(String.fromCharCode(...bytes.subarray(at, at + piece)));
  return text;
}

/** The numbers of {@link toBase64}. */
export function fromBase64(text: string): Float64Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Float64Array(bytes.buffer, 0, bytes.length >> 3);
}
