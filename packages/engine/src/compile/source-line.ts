/** The folder (of sources) or file (of the bundle) that this package's own frames are in. */
const own = new URL('.', import.meta.url).href;

/** The lines of a program that led to an operation. */
export class SourceLine {
  readonly #error: Error;

  /** Remembers where the program is; formatting it waits until somebody asks. */
  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 60;
    this.#error = new Error();
    Error.stackTraceLimit = limit;
  }

  /** `file:line` of the nearest frames outside TensorFlow.js and this package, the innermost first. */
  frames(count: number): string[] {
    const frames = (this.#error.stack ?? '').split('\n').slice(1);
    const places = frames.flatMap((frame) => {
      const place = /\(?((?:file:|\/|\w:\\)[^()]*:\d+):\d+\)?$/.exec(frame.trim())?.[1];
      return place === undefined || foreign(place) ? [] : [place.replace('file://', '')];
    });
    return places.slice(0, count);
  }

  toString(): string {
    const frames = this.frames(3);
    return frames.length === 0 ? 'an unknown line' : frames.join(', called from ');
  }
}

function foreign(place: string): boolean {
  const address = place.startsWith('/') ? `file://${place}` : place;
  return (
    /[\\/](@tensorflow[\\/+]|tfjs-(core|layers|node(-gpu)?|backend-\w+)[\\/])/.test(place) || address.startsWith(own)
  );
}
