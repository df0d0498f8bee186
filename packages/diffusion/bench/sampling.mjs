/**
 * Sampling many images with the command while it is killed now and then: memory, and what is there at the end. A small U-Net with
 * random weights, 16x16 pixels, two steps; into a folder of pictures, then into one array.
 *
 *     node bench/sampling.mjs [engine=native] [count=30000] [kills=4]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiffusionPipeline } from '@missing-u/diffusion';
import { useEngine } from '@missing-u/engine';
import { DDIMScheduler } from '@missing-u/schedulers';
import { UNet } from '@missing-u/unet-blocks';
import { loadNpz } from '@missing-u/weights';

const [engine = 'native', counted = '30000', kills = '4'] = process.argv.slice(2);
const count = Number(counted);
const bin = join(import.meta.dirname, '../bin/missing-u.js');
const folder = mkdtempSync(join(tmpdir(), 'missing-u-sampling-'));
const model = join(folder, 'model');
await useEngine('cpu');
const unet = new UNet({ inChannels: 1, dim: 8, dimMults: [1, 2], imageSize: 16, seed: 1 });
await new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() }).savePretrained(model);

/** One process, killed after `life` milliseconds; its resident megabytes every half second. */
async function run(args, life) {
  const common = ['--model', model, '--steps', '2', '--count', counted, '--engine', engine, '--threads', '1'];
  const child = spawn(process.execPath, [bin, 'sample', ...common, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const resident = [];
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      resident.push(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1e3);
    } catch {
      // It has ended.
    }
  }, 500);
  const killer = life === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), life);
  const status = await new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  clearInterval(look);
  clearTimeout(killer);
  return { status, resident };
}

async function filled(kind, args, life) {
  const begin = performance.now();
  for (let kill = 0; kill < Number(kills); kill++) {
    const { status } = await run(args, life * (0.5 + Math.random()));
    console.log(`${kind}: killed ${kill + 1} times (${status})`);
    if (status === 0) break;
  }
  const { status, resident } = await run(args);
  const part = (from, to) => {
    const seen = resident.slice(from * resident.length, to * resident.length);
    return (seen.reduce((sum, value) => sum + value, 0) / seen.length).toFixed(0);
  };
  const tenths = Array.from({ length: 10 }, (_, i) => part(i / 10, (i + 1) / 10));
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(
    `${kind}: ended with ${status} after ${seconds} s; resident MB by tenths of the last run: ${tenths.join(' ')}`,
  );
}

try {
  const pictures = join(folder, 'pictures');
  await filled('folder', ['--out', pictures], 30_000);
  const names = readdirSync(pictures).sort();
  const images = names.filter((name) => name.endsWith('.png'));
  const missing = Array.from({ length: count }, (_, i) => `${String(i).padStart(8, '0')}.png`).filter(
    (name, i) => images[i] !== name,
  );
  const hashes = new Set(
    images.map((name) =>
      createHash('sha256')
        .update(readFileSync(join(pictures, name)))
        .digest('hex'),
    ),
  );
  const others = names.filter((name) => !images.includes(name));
  console.log(
    `folder: ${images.length} pictures, ${missing.length} missing, ${hashes.size} different; besides: ${others.join(' ')}`,
  );
  const npz = join(folder, 'samples.npz');
  await filled('array', ['--out', join(folder, 'grid.png'), '--npz', npz], 8_000);
  const { samples } = await loadNpz(npz);
  const size = 16 * 16;
  const rows = new Set(
    Array.from({ length: count }, (_, i) =>
      Buffer.from(samples.data.subarray(i * size, (i + 1) * size)).toString('latin1'),
    ),
  );
  console.log(`array: [${samples.shape.join(', ')}], ${rows.size} different`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
