/**
 * Reads the wire format of protocol buffers. Writing is left to a library; of that a page that only runs models would
 * download ten times as much as it needs, and it does not mind messages that are cut off.
 */
export class WireReader {
  #position = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The fields of the whole file, of which `read` takes what it wants. */
  file(read: (field: number) => unknown): void {
    this.#fields(this.bytes.length, read);
  }

  /** The fields of a message within a message. */
  message(read: (field: number) => unknown): void {
    const length = this.integer();
    this.#fields(this.#position + length, read);
  }

  /** A whole number of 64 bits, with its sign. */
  integer(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.#advance(1)]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
    throw new Error('a number of more than 64 bits');
  }

  text(): string {
    const length = this.integer();
    const start = this.#advance(length);
    return new TextDecoder().decode(this.bytes.subarray(start, start + length));
  }

  #fields(end: number, read: (field: number) => unknown): void {
    if (end > this.bytes.length) throw new Error(`${end - this.bytes.length} bytes are missing`);
    while (this.#position < end) {
      const tag = this.integer();
      const field = Math.floor(tag / 8);
      const start = this.#position;
      if (field <= 0) throw new Error('a field without a number');
      read(field);
      if (this.#position === start) this.#skip(tag & 7);
    }
    if (this.#position !== end) throw new Error('a field is longer than what it stands in');
  }

  #skip(type: number): void {
    if (type === 0) this.integer();
    else if (type === 1) this.#advance(8);
    else if (type === 2) this.#advance(this.integer());
    else if (type === 5) this.#advance(4);
    else throw new Error(`a field of a type that is not known (${type})`);
  }

  /** Goes on by some bytes; returns where they began. */
  #advance(count: number): number {
    const start = this.#position;
    const missing = start + count - this.bytes.length;
    if (count < 0 || missing > 0) throw new Error(`${count < 0 ? 'some' : missing} bytes are missing`);
    this.#position += count;
    return start;
  }
}
