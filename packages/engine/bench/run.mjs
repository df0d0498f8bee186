/**
 * `pnpm bench engine`: the native and the wasm engine beside PyTorch, all in one run on the same machine. PyTorch comes from
 * tools/reference/requirements.txt in the virtual environment tools/reference/.venv; without it its column stays empty.
 * What counts are the ratios; the milliseconds are this machine's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const reference = join(here, '../../../tools/reference');
const python = join(reference, '.venv/bin/python');

function measure(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1));
  console.error(stderr.trim().split('\n').at(-1));
  return {};
}

const engine = (name, threads) => measure(process.execPath, [join(here, 'measure.mjs'), name, String(threads)]);
const threads = 2;
const torch = existsSync(python) ? measure(python, [join(reference, 'engine/ops.py'), String(threads)]) : {};
const native = engine('native', threads);
const wasm = engine('wasm', threads);
const single = engine('wasm', 1);

const cell = (value) => (value === undefined ? '' : value.toPrecision(3)).padStart(9);
const ratio = (a, b) => (a === undefined || b === undefined ? '' : (a / b).toFixed(2)).padStart(8);
console.log(`milliseconds, ${threads} threads`);
console.log(
  '| operation                  |   PyTorch |    native |    wasm | wasm, 1 t | native/PyTorch | wasm/native | gain of threads |',
);
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
for (const name of Object.keys(single)) {
  const [p, n, w, s] = [torch, native, wasm, single].map((results) => results[name]);
  const values = [cell(p), cell(n), cell(w), cell(s), ratio(n, p), ratio(w, n), ratio(s, w)];
  console.log(`| ${name.padEnd(26)} | ${values.join(' | ')} |`);
}

/** A whole network: the default continuous U-Net at 16x64x64x3, the blocks recomputed in the backward pass on wasm. */
const network = (name, gradient) =>
  measure(process.execPath, [join(here, '../../cunet/bench/step.mjs'), name, String(threads), gradient]);
const [onNative, onWasm] = [network('native', 'direct'), network('wasm', 'checkpointed')];
console.log('\n| default cU-Net, 16x64x64x3 |    native |    wasm | wasm/native |');
console.log('| --- | ---: | ---: | ---: |');
for (const [name, label] of Object.entries({ call: 'call, ms', step: 'training step, ms', memory: 'memory, MiB' })) {
  const values = [cell(onNative[name]), cell(onWasm[name]), ratio(onWasm[name], onNative[name])];
  console.log(`| ${label.padEnd(26)} | ${values.join(' | ')} |`);
}
