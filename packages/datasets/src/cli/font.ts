/**
 * Letters of 3x5 pixels: fifteen bits each, rows from above, written in octal, so that a digit is a row (4 is the left
 * pixel). What is not here becomes a blank.
 */
const GLYPHS: Readonly<Record<string, number>> = {
  '0': 0o75557,
  '1': 0o26227,
  '2': 0o71747,
  '3': 0o71717,
  '4': 0o55711,
  '5': 0o74717,
  '6': 0o74757,
  '7': 0o71122,
  '8': 0o75757,
  '9': 0o75717,
  a: 0o25755,
  b: 0o65656,
  c: 0o34443,
  d: 0o65556,
  e: 0o74647,
  f: 0o74644,
  g: 0o34553,
  h: 0o55755,
  i: 0o72227,
  j: 0o11152,
  k: 0o55655,
  l: 0o44447,
  m: 0o57755,
  n: 0o65555,
  o: 0o25552,
  p: 0o65644,
  q: 0o25573,
  r: 0o65655,
  s: 0o34216,
  t: 0o72222,
  u: 0o55557,
  v: 0o55552,
  w: 0o55775,
  x: 0o55255,
  y: 0o55222,
  z: 0o71247,
  '-': 0o00700,
  _: 0o00007,
  '/': 0o11244,
  '.': 0o00002,
};

const WIDTH = 3;
export const LETTER_HEIGHT = 5;

/** Calls `dot` for every pixel of the text; letters are 4 pixels apart. */
export function drawText(text: string, dot: (x: number, y: number) => void): void {
  for (const [i, letter] of [...text.toLowerCase()].entries()) {
    const glyph = GLYPHS[letter] ?? 0;
    for (let y = 0; y < LETTER_HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const bit = (LETTER_HEIGHT - 1 - y) * WIDTH + (WIDTH - 1 - x);
        if ((glyph >> bit) & 1) dot(i * (WIDTH + 1) + x, y);
      }
    }
  }
}

/** How many letters fit into so many pixels. */
export function lettersIn(pixels: number): number {
  return Math.max(1, Math.floor((pixels + 1) / (WIDTH + 1)));
}
