/**
 * A call of the cU-Net and of the U-Net at 64x64x3 as ONNX files, 2 threads: ours, the file of PyTorch's own exporter where
 * `--torch <folder>` has it (tools/reference/onnx/torch_export.py), and PyTorch itself where tools/reference/.venv is there.
 * Medians in milliseconds; `--batch` (1) and `--rounds` (15).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { OnnxDenoiser, saveOnnx } from '@missing-u/onnx';
import { UNet } from '@missing-u/unet-blocks';

const { values } = parseArgs({
  options: {
    torch: { type: 'string' },
    batch: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '15' },
  },
});
const batch = Number(values.batch);
const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
const reference = fileURLToPath(new URL('../../../tools/reference/', import.meta.url));

await useEngine('wasm');
const networks = { cunet: new CUNet(), unet: new UNet({ preset: 'lucidrains' }) };
const images = Float32Array.from({ length: batch * 64 * 64 * 3 }, (_, i) => Math.sin(i));
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const report = {};

for (const [name, network] of Object.entries(networks)) {
  const begin = performance.now();
  await saveOnnx(network, join(folder, `${name}.onnx`));
  const seconds = (performance.now() - begin) / 1000;
  const share = statSync(join(folder, `${name}.onnx`)).size / (4 * network.parameterCount);
  report[name] = { 'export s': seconds, 'file / weights': share };
  const files = { ours: join(folder, `${name}.onnx`) };
  if (values.torch !== undefined) files["torch's file"] = join(values.torch, `${name}.onnx`);
  // One after the other: the threads of a session spin for a while after its calls, and would be in the other's way.
  for (const [key, file] of Object.entries(files)) {
    const session = await OnnxDenoiser.load(file, { threads: 2 });
    const times = [];
    for (let round = -2; round < Number(values.rounds); round++) {
      const start = performance.now();
      await session.predict({ data: images, shape: [batch, 64, 64, 3] }, 500);
      if (round >= 0) times.push(performance.now() - start);
    }
    report[name][key] = median(times);
    await session.dispose();
  }
}
const python = join(reference, '.venv/bin/python');
if (existsSync(python)) {
  const args = [join(reference, 'onnx/torch_speed.py'), values.batch, '2', values.rounds];
  const torch = JSON.parse(execFileSync(python, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const [name, milliseconds] of Object.entries(torch)) {
    report[name].PyTorch = milliseconds;
    report[name]['ours / PyTorch'] = report[name].ours / milliseconds;
  }
}
for (const row of Object.values(report))
  if (row["torch's file"]) row["ours / torch's file"] = row.ours / row["torch's file"];
console.table(report);
rmSync(folder, { recursive: true });
