/** Times calls of one ONNX file for call.mjs: a number on a line of the input is answered with as many times in milliseconds. */
import { createInterface } from 'node:readline';
import { OnnxDenoiser } from '@missing-u/onnx';

const [file, batch, threads] = process.argv.slice(2);
const session = await OnnxDenoiser.load(file, { threads: Number(threads) });
const images = Float32Array.from({ length: batch * 64 * 64 * 3 }, (_, i) => Math.sin(i));
const call = () => session.predict({ data: images, shape: [Number(batch), 64, 64, 3] }, 500);
await call();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const times = [];
  await call();
  for (let i = 0; i < Number(line); i++) {
    const begin = performance.now();
    await call();
    times.push(performance.now() - begin);
  }
  console.log(JSON.stringify(times));
}
