/**
 * One call of the continuous U-Net against one of the baseline U-Net, the same pictures, engine and process, in turns.
 *
 *     node bench/call.mjs [engine=wasm] [batches=1,4] [side=64] [rounds=3]
 */
import * as tf from '@tensorflow/tfjs-core';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { UNet } from '@missing-u/unet-blocks';

const [engine = 'wasm', batches = '1,4', side = '64', rounds = '3'] = process.argv.slice(2);
const { device } = await useEngine(engine);
const networks = { unet: new UNet(), cunet: new CUNet() };
console.log(`${engine}: ${device}`);
for (const batch of batches.split(',').map(Number)) {
  const pictures = tf.zeros([batch, Number(side), Number(side), 3]);
  const times = { unet: [], cunet: [] };
  for (let round = 0; round <= Number(rounds); round++) {
    for (const [name, network] of Object.entries(networks)) {
      const start = performance.now();
      const prediction = network.predict(pictures, 500);
      await prediction.data();
      prediction.dispose();
      if (round > 0) times[name].push(performance.now() - start); // the first call warms up
    }
  }
  // The fastest round is the one that other work on the machine disturbed least.
  const [unet, cunet] = [Math.min(...times.unet), Math.min(...times.cunet)];
  const ms = (time) => `${time.toFixed(0)} ms`;
  console.log(
    `${batch} x ${side} x ${side} x 3: U-Net ${ms(unet)}, cU-Net ${ms(cunet)}, ratio ${(cunet / unet).toFixed(2)}`,
  );
}
process.exit(0);
