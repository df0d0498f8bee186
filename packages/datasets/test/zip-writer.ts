import { crc32, deflateRawSync } from 'node:zlib';

/** A zip archive of these files, for tests; with `zip64`, all positions and sizes are written the long way. */
export function writeZip(
  files: readonly (readonly [name: string, bytes: Uint8Array])[],
  { deflate = false, zip64 = false } = {},
): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of files) {
    const data = deflate ? deflateRawSync(bytes) : Buffer.from(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(45, 0);
    common.writeUInt16LE(deflate ? 8 : 0, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    // The local header has an extra field that the directory has not, as archives of some programs do.
    const extra = Buffer.from([0x55, 0x54, 1, 0, 0]);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), extra, data]);
    local.writeUInt16LE(extra.length, 28);
    const entry = Buffer.concat([
      Buffer.from('PK\x01\x02'),
      Buffer.from([45, 3]),
      common,
      Buffer.alloc(14),
      Buffer.from(name),
    ]);
    entry.writeUInt32LE(at, 42);
    if (zip64) {
      const long = Buffer.alloc(28);
      long.writeUInt16LE(1, 0);
      long.writeUInt16LE(24, 2);
      [bytes.length, data.length, at].forEach((value, i) => long.writeBigUInt64LE(BigInt(value), 4 + 8 * i));
      for (const field of [20, 24, 42]) entry.writeUInt32LE(0xffffffff, field);
      entry.writeUInt16LE(long.length, 30);
      central.push(entry, long);
    } else central.push(entry);
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(zip64 ? 0xffff : files.length, 8);
  end.writeUInt16LE(zip64 ? 0xffff : files.length, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : at, 16);
  const tail: Buffer[] = [];
  if (zip64) {
    const record = Buffer.alloc(56);
    record.write('PK\x06\x06', 'latin1');
    record.writeBigUInt64LE(44n, 4);
    [files.length, files.length, directory.length, at].forEach((value, i) =>
      record.writeBigUInt64LE(BigInt(value), 24 + 8 * i),
    );
    const locator = Buffer.alloc(20);
    locator.write('PK\x06\x07', 'latin1');
    locator.writeBigUInt64LE(BigInt(at + directory.length), 8);
    tail.push(record, locator);
  }
  return Buffer.concat([...locals, directory, ...tail, end]);
}
