/**
 * BM3D at sigma 25 on a square of 256 and one of 512 pixels, grey: bm3d and bm3dAsync, and PyPI's bm3d in the same run where
 * Python has it (`PYTHON=<interpreter>`). Processor seconds count on a busy machine, wall seconds on a quiet one.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bm3d, bm3dAsync } from '@missing-u/denoisers';
import { createGenerator } from '@missing-u/random';

const sigma = 25 / 255;

function picture(side) {
  const noise = createGenerator(0).fillNormal(new Float32Array(side * side));
  const data = noise.map((value, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return 0.5 + 0.2 * Math.sin(x / 9) * Math.cos(y / 7) + (((x >> 5) + (y >> 5)) % 2) * 0.2 + sigma * value;
  });
  return { data, width: side, height: side, channels: 1 };
}

async function time(run) {
  let [wall, processor] = [Infinity, Infinity];
  for (let repeat = 0; repeat < 3; repeat++) {
    const [begin, used] = [performance.now(), process.cpuUsage()];
    await run();
    const { user, system } = process.cpuUsage(used);
    wall = Math.min(wall, (performance.now() - begin) / 1000);
    processor = Math.min(processor, (user + system) / 1e6);
  }
  return { wall, processor };
}

const show = ({ wall, processor }) => `${wall.toFixed(2)} s (${processor.toFixed(2)} s of processor)`;
for (const side of [256, 512]) {
  const image = picture(side);
  const here = await time(() => bm3d(image, sigma));
  const shared = await time(() => bm3dAsync(image, sigma));
  console.log(`${side}x${side}: bm3d ${show(here)}, bm3dAsync ${show(shared)}`);
  const script = fileURLToPath(new URL('../../../tools/reference/denoisers/bm3d_time.py', import.meta.url));
  const python = spawnSync(process.env.PYTHON ?? 'python3', [script, String(side)], { encoding: 'utf8' });
  if (python.status !== 0) {
    console.log("PyPI's bm3d is not there: set PYTHON to an interpreter that has it");
    continue;
  }
  const theirs = JSON.parse(python.stdout);
  const ratio = (time) =>
    `${(time.wall / theirs.wall).toFixed(2)} (${(time.processor / theirs.processor).toFixed(2)} of processor)`;
  console.log(`PyPI ${show(theirs)}; ours to theirs: bm3d ${ratio(here)}, bm3dAsync ${ratio(shared)}`);
}
