/**
 * One call of the continuous U-Net against one of the baseline U-Net, the same pictures, engine and process, in turns; on the
 * native engine also compiled.
 *
 *     node bench/call.mjs [engine=wasm] [batches=1,16] [side=64] [rounds=3]
 */
import * as tf from '@tensorflow/tfjs-core';
import { CUNet } from '@missing-u/cunet';
import { compile, useEngine } from '@missing-u/engine';
import { UNet } from '@missing-u/unet-blocks';

const [engine = 'wasm', batches = '1,16', side = '64', rounds = '3'] = process.argv.slice(2);
const { device } = await useEngine(engine);
const networks = { unet: new UNet(), cunet: new CUNet() };
console.log(`${engine}: ${device}`);
for (const mode of engine === 'native' ? ['eager', 'compiled'] : ['eager']) {
  const calls = Object.entries(networks).map(([name, network]) => {
    const call = (x, t) => [network.predict(x, t)];
    return [name, mode === 'compiled' ? compile(call) : call];
  });
  for (const batch of batches.split(',').map(Number)) await compare(calls, mode, batch);
}
process.exit(0);

async function compare(calls, mode, batch) {
  const pictures = tf.randomNormal([batch, Number(side), Number(side), 3], 0, 1, 'float32', 1);
  const at = tf.fill([batch], 500);
  const times = { unet: [], cunet: [] };
  const warm = mode === 'compiled' ? 3 : 1; // what the first calls of a compiled function do is preparation
  for (let round = 0; round < Number(rounds) + warm; round++) {
    for (const [name, call] of calls) {
      const start = performance.now();
      const [prediction] = call(pictures, at);
      await prediction.data();
      prediction.dispose();
      if (round >= warm) times[name].push(performance.now() - start);
    }
  }
  // The fastest round is the one that other work on the machine disturbed least.
  const [unet, cunet] = [Math.min(...times.unet), Math.min(...times.cunet)];
  const ms = (time) => `${time.toFixed(0)} ms`;
  console.log(
    `${mode}, ${batch} x ${side} x ${side} x 3: U-Net ${ms(unet)}, cU-Net ${ms(cunet)}, ratio ${(cunet / unet).toFixed(2)}`,
  );
}
