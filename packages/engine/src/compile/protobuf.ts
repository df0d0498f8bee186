/** A writer of protocol buffers' wire format: as much of it as a graph needs. */
export class Message {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** The message so far; a view that the next write may invalidate. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** An integer, as a varint; negative ones in two's complement of 64 bits. */
  integer(field: number, value: number | boolean): this {
    this.#varint(field << 3);
    this.#varint(Number(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | 5);
    return this.#append(new Uint8Array(Float32Array.of(value).buffer));
  }

  /** A string, bytes or a message within the message. */
  block(field: number, value: string | Uint8Array | Message): this {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : 'bytes' in value ? value.bytes : value;
    this.#varint((field << 3) | 2);
    this.#varint(bytes.length);
    return this.#append(bytes);
  }

  #varint(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 0x80);
    } while (rest !== 0n);
    this.#append(bytes);
  }

  #append(bytes: ArrayLike<number>): this {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
    return this;
  }
}
