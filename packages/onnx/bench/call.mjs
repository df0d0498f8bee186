/**
 * A call of the cU-Net and of the U-Net at 64x64x3: our ONNX file, the file of PyTorch's own exporter where
 * `--torch <folder>` has it (tools/reference/onnx/torch_export.py), and PyTorch itself where tools/reference/.venv is there.
 *
 * Each runs in a process of its own. They take turns, a few calls each, and whoever does not compute is stopped (SIGSTOP), so
 * that threads which wait for work, as those of both runtimes do for a while after a call, are in nobody's way, and what else
 * the machine does meets all alike. Medians in milliseconds; `--batch` (1), `--rounds` (5), `--calls` in a turn (8),
 * `--threads` (2); `--running` lets the others run on while one computes.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { saveOnnx } from '@missing-u/onnx';
import { UNet } from '@missing-u/unet-blocks';

const { values } = parseArgs({
  options: {
    torch: { type: 'string' },
    batch: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    running: { type: 'boolean', default: false },
  },
});
const { batch, threads } = values;
const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
const reference = fileURLToPath(new URL('../../../tools/reference/', import.meta.url));
const python = join(reference, '.venv/bin/python');
const signal = (child, name) => values.running || child.kill(name);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** A process that answers a number with the times of as many calls. */
async function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  signal(child, 'SIGSTOP');
  return {
    async turn(calls) {
      signal(child, 'SIGCONT');
      child.stdin.write(`${calls}\n`);
      const { value } = await lines.next();
      signal(child, 'SIGSTOP');
      return JSON.parse(value);
    },
    end() {
      child.kill('SIGKILL');
    },
  };
}

await useEngine('wasm');
const networks = { cunet: new CUNet(), unet: new UNet({ preset: 'lucidrains' }) };
const report = {};
for (const [name, network] of Object.entries(networks)) {
  const file = join(folder, `${name}.onnx`);
  const begin = performance.now();
  await saveOnnx(network, file);
  const seconds = (performance.now() - begin) / 1000;
  const row = { 'export s': seconds, 'file / weights': statSync(file).size / (4 * network.parameterCount) };
  const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));
  const sides = { ours: await start(process.execPath, [worker, file, batch, threads]) };
  if (values.torch !== undefined) {
    sides["torch's file"] = await start(process.execPath, [worker, join(values.torch, `${name}.onnx`), batch, threads]);
  }
  if (existsSync(python)) {
    sides.PyTorch = await start(python, [join(reference, 'onnx/torch_speed.py'), name, batch, threads]);
  }
  const times = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [side, { turn }] of Object.entries(sides)) times[side].push(...(await turn(values.calls)));
  }
  for (const [side, { end }] of Object.entries(sides)) {
    end();
    row[side] = median(times[side]);
    if (side !== 'ours') row[`ours / ${side}`] = row.ours / row[side];
  }
  report[name] = row;
}
console.table(report);
rmSync(folder, { recursive: true });
