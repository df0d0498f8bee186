/**
 * Reads and writes safetensors files of 500 MB, of 200 tensors and of one, and compares with what the machine can do at best:
 * reading the plain file into memory (both from the page cache), and copying as many bytes in memory, mapped already or new.
 * Memory is the peak of a process of its own that does nothing but load the file.
 */
import { execFileSync } from 'node:child_process';
import { open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSafetensors, saveSafetensors } from '@missing-u/weights';

const [mode, given] = process.argv.slice(2);
if (mode === 'peak') {
  console.log(await peakWhile(() => loadSafetensors(given)));
} else {
  const path = join(tmpdir(), `missing-u-bench-${process.pid}.safetensors`);
  try {
    await compare(path);
  } finally {
    await rm(path, { force: true });
  }
}

async function compare(path) {
  await saveSafetensors(model(1), path);
  const [{ size: largeSize }, large] = [await stat(path), await seconds(() => loadSafetensors(path))];
  const write = await seconds(async () => saveSafetensors(model(200), path));
  const { size } = await stat(path);
  const plain = await seconds(() => readPlain(path));
  const read = await seconds(() => loadSafetensors(path));
  const from = await readPlain(path);
  const to = Buffer.alloc(size, 1);
  const copy = await seconds(() => from.copy(to));
  const fresh = await seconds(() => from.buffer.slice(0));
  const rate = (time) => `${(size / time / 1e9).toFixed(2)} GB/s`;
  console.log(`read the plain file ${rate(plain)}, copy it in memory ${rate(copy)}, into new memory ${rate(fresh)}`);
  console.log(
    `loadSafetensors ${rate(read)}: ${(plain / read).toFixed(2)} of the plain read, ${(copy / read).toFixed(2)} of the copy, ${(fresh / read).toFixed(2)} of that into new memory`,
  );
  const [toPlain, toFresh] = [plain / size, fresh / size].map((time) => ((time * largeSize) / large).toFixed(2));
  console.log(
    `one tensor of 500 MB ${rate(large)}: ${toPlain} of the plain read, ${toFresh} of the copy into new memory`,
  );
  console.log(`saveSafetensors ${rate(write)}`);
  const peak = execFileSync(process.execPath, [fileURLToPath(import.meta.url), 'peak', path], { encoding: 'utf8' });
  console.log(`peak memory of a load ${(Number(peak) / size).toFixed(2)} times the file`);
}

/** The most memory that the process had above that of the beginning, looked at every millisecond. */
async function peakWhile(run) {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = () => (most = Math.max(most, process.memoryUsage.rss()));
  const timer = setInterval(look, 1);
  const result = await run();
  clearInterval(timer);
  look();
  return result && most - before;
}

function model(count) {
  const tensors = Array.from({ length: count }, (_, i) => {
    const data = new Float32Array(500e6 / 4 / count).fill(i);
    return [`block.${i}.weight`, { dtype: 'float32', shape: [data.length], data }];
  });
  return Object.fromEntries(tensors);
}

async function readPlain(path) {
  const file = await open(path);
  const bytes = Buffer.allocUnsafeSlow((await file.stat()).size);
  await file.read(bytes, 0, bytes.length, 0);
  await file.close();
  return bytes;
}

async function seconds(run) {
  let best = Infinity;
  for (let repeat = 0; repeat < 4; repeat++) {
    const start = performance.now();
    await run();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return best;
}
