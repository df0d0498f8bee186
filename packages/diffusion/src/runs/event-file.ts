import { hostname } from 'node:os';
import { join } from 'node:path';
import { append } from './files.ts';

/**
 * A TensorBoard event file of scalars and pictures: TFRecord frames (length, masked CRC-32C, data, masked CRC-32C) of
 * `tensorflow.Event` messages, which are small enough to be written by hand.
 */
export class EventFile {
  readonly path: string;

  /** Starts a new file in `folder`; TensorBoard joins the files of a folder. */
  constructor(folder: string, now = Date.now()) {
    this.path = join(folder, `events.out.tfevents.${Math.floor(now / 1000)}.${hostname()}.${process.pid}`);
    this.#append(event(now, 0, bytesField(3, Buffer.from('brain.Event:2'))));
  }

  scalars(step: number, values: Readonly<Record<string, number>>, now = Date.now()): void {
    const summary = Object.entries(values).map(([tag, value]) => {
      return bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), floatField(2, value)]));
    });
    this.#append(event(now, step, bytesField(5, Buffer.concat(summary))));
  }

  /** A picture, as the bytes of a PNG. */
  image(
    step: number,
    tag: string,
    picture: { png: Uint8Array; width: number; height: number },
    now = Date.now(),
  ): void {
    const { png, width, height } = picture;
    // Summary.Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
    const image = Buffer.concat([
      intField(1, height),
      intField(2, width),
      intField(3, 3),
      bytesField(4, Buffer.from(png)),
    ]);
    const value = Buffer.concat([bytesField(1, Buffer.from(tag)), bytesField(4, image)]);
    this.#append(event(now, step, bytesField(5, bytesField(1, value))));
  }

  /** Says that the run goes on from before this step: TensorBoard forgets what it was told of it and later ones. */
  restart(step: number, now = Date.now()): void {
    this.#append(event(now, step, bytesField(7, intField(1, 1)))); // SessionLog { status: START }
  }

  #append(data: Buffer): void {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(data.length));
    append(this.path, Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]));
  }
}

/** `Event { double wall_time = 1; int64 step = 2; ... }` */
function event(milliseconds: number, step: number, what: Buffer): Buffer {
  const wallTime = Buffer.alloc(9);
  wallTime[0] = (1 << 3) | 1;
  wallTime.writeDoubleLE(milliseconds / 1000, 1);
  // proto3 leaves out a field of value 0.
  const stepField = step === 0 ? [] : [Buffer.from([2 << 3]), varint(step)];
  return Buffer.concat([wallTime, ...stepField, what]);
}

function intField(field: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([field << 3]), varint(value)]);
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(bytes.length), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = (field << 3) | 5;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  while (value >= 128) {
    bytes.push((value % 128) | 128);
    value = Math.floor(value / 128);
  }
  return Buffer.from([...bytes, value]);
}

/** CRC-32C (Castagnoli), rotated and shifted by a constant as TFRecord wants it. */
function maskedCrc(data: Buffer): Buffer {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 0xff]!;
  crc = ~crc >>> 0;
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return masked;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
