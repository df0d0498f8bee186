/**
 * Writes docs/schedulers/<class>.svg: the way of 24 samples through each scheduler on a mixture of three normal
 * distributions in the plane, whose scores are known exactly. Build packages/schedulers first.
 *
 *     node tools/reference/schedulers/pictures.mjs
 */
import { writeFileSync } from 'node:fs';
import { SCHEDULERS, createGenerator } from '../../../packages/schedulers/dist/index.js';

const MEANS = [
  [1, 0.5],
  [-1, 0.2],
  [0.2, -1],
];
const WEIGHTS = [0.5, 0.3, 0.2];
const DEVIATION = 0.15;
const COUNT = 24;

/** E[x0 | x0 + σ ε = x] for points one after the other. */
function denoised(x, sigma) {
  const variance = DEVIATION ** 2 + sigma ** 2;
  return x.map((_, i) => {
    const [px, py] = [x[i - (i % 2)], x[i - (i % 2) + 1]];
    const logs = MEANS.map(([a, b], k) => Math.log(WEIGHTS[k]) - ((px - a) ** 2 + (py - b) ** 2) / (2 * variance));
    const top = Math.max(...logs);
    const shares = logs.map((log) => Math.exp(log - top));
    const centre = MEANS.reduce((sum, mean, k) => sum + shares[k] * mean[i % 2], 0) / shares.reduce((a, b) => a + b);
    return centre + ((x[i] - centre) * DEVIATION ** 2) / variance;
  });
}

/** Signal and noise of the sample at a step, in the scheduler's own picture. */
function scales(name, s, t, i) {
  if (name.startsWith('FlowMatch')) return { alpha: 1 - t / 1000, sigma: t / 1000 };
  if (name === 'ScoreSdeVeScheduler')
    return { alpha: 1, sigma: s.discreteSigmas[Math.trunc(t * (s.timesteps.length - 1))] };
  if (name === 'ScoreSdeVpScheduler') {
    const alpha = Math.exp(-0.25 * t ** 2 * 19.9 - 0.05 * t);
    return { alpha, sigma: Math.sqrt(1 - alpha ** 2) };
  }
  if (name === 'IPNDMScheduler') return { alpha: s.alphas[i], sigma: s.betas[i] };
  if (name.startsWith('EDM')) return { alpha: 1, sigma: Math.exp(4 * t) };
  if (name.startsWith('CM')) return { alpha: 1, sigma: Math.exp(t / 250) };
  if (name === 'DDIMInverseScheduler') {
    const before = s.previousTimestep(t);
    const product = before >= 0 ? s.alphasCumprod[before] : 0.9999;
    return { alpha: Math.sqrt(product), sigma: Math.sqrt(1 - product) };
  }
  // Between trained timesteps σ is linear in t, as the schedulers interpolate it.
  const level = (k) => Math.sqrt((1 - s.alphasCumprod[k]) / s.alphasCumprod[k]);
  const low = Math.floor(t);
  const ratio = level(low) + (t - low) * (level(Math.min(low + 1, s.alphasCumprod.length - 1)) - level(low));
  return { alpha: 1 / Math.hypot(1, ratio), sigma: ratio / Math.hypot(1, ratio) };
}

function output(name, s, seen, t, i) {
  if (name.startsWith('EDM') || name.startsWith('CM')) {
    const { sigma } = scales(name, s, t, i);
    const c = Math.hypot(sigma, 0.5);
    const x = seen.map((one) => one * c);
    const floor = name.startsWith('CM') ? 0.002 : 0;
    const skip = 0.25 / ((sigma - floor) ** 2 + 0.25);
    const out = ((sigma - floor) * 0.5) / c;
    return denoised(x, sigma).map((one, k) => (one - skip * x[k]) / out);
  }
  const { alpha, sigma } = scales(name, s, t, i);
  const bounded = Math.max(alpha, 1e-4);
  const x0 = denoised(
    seen.map((one) => one / bounded),
    sigma / bounded,
  );
  const epsilon = seen.map((one, k) => (one - alpha * x0[k]) / sigma);
  if (name === 'ScoreSdeVeScheduler') return epsilon.map((one) => -one / sigma);
  if (name === 'IPNDMScheduler') return epsilon.map((one, k) => alpha * one - sigma * x0[k]);
  if (name.startsWith('FlowMatch')) return epsilon.map((one, k) => one - x0[k]);
  return epsilon;
}

function walk(name) {
  const isFew = ['LCMScheduler', 'TCDScheduler', 'CMStochasticIterativeScheduler'].includes(name);
  const options = { clipSample: false };
  const takes = 'clip_sample' in new SCHEDULERS[name]().config;
  const s = new SCHEDULERS[name](
    takes ? options : name === 'CMStochasticIterativeScheduler' ? { clipDenoised: false } : {},
  );
  const steps = isFew ? 6 : /^(ScoreSde|DDPM|UnCLIP)/.test(name) ? 200 : 30;
  s.setTimesteps(steps, name === 'RePaintScheduler' ? { jumpLength: 3, jumpNSample: 2 } : {});
  if (name === 'ScoreSdeVeScheduler') s.setSigmas(steps, { sigmaMax: 20 });
  const generator = createGenerator(5);
  const isInverse = name.includes('Inverse');
  let x = generator.fillNormal(new Float64Array(2 * COUNT));
  const start = name === 'ScoreSdeVeScheduler' ? 20 : s.initNoiseSigma;
  x = isInverse
    ? x.map((one, i) => MEANS[Math.floor(i / 2) % 3][i % 2] + DEVIATION * one)
    : x.map((one) => one * start);
  const path = [x];
  const [mask, originalImage] = [new Float64Array(2 * COUNT), new Float64Array(2 * COUNT)];
  for (let i = 0; i < s.timesteps.length; i++) {
    const t = s.timesteps[i];
    if (name === 'RePaintScheduler' && i > 0 && t > s.timesteps[i - 1])
      x = s.undoStep(x, s.timesteps[i - 1], { generator });
    else {
      const seen = s.scaleModelInput(x, t);
      x = s.step(output(name, s, seen, t, i), t, x, { generator, mask, originalImage, shape: [COUNT, 2] }).prevSample;
    }
    path.push(x);
  }
  return path;
}

/** Unit variance for the eye: samples of growing noise are shrunk to what a picture can hold. */
function shrunk(x) {
  return x.map(
    (one) => Math.sign(one) * Math.min(Math.abs(one), 2.5 + Math.log1p(Math.max(0, Math.abs(one) - 2.5)) * 0.25),
  );
}

for (const name of Object.keys(SCHEDULERS)) {
  const path = walk(name).map(shrunk);
  const place = (value) => (160 + 40 * value).toFixed(1);
  const lines = Array.from({ length: COUNT }, (_, k) => {
    const points = path.map((x) => `${place(x[2 * k])},${place(-x[2 * k + 1])}`).join(' ');
    const end = path.at(-1);
    return `<polyline points="${points}"/><circle cx="${place(end[2 * k])}" cy="${place(-end[2 * k + 1])}" r="3"/>`;
  });
  const modes = MEANS.map(
    ([a, b]) => `<circle class="m" cx="${place(a)}" cy="${place(-b)}" r="${40 * 2 * DEVIATION}"/>`,
  );
  const style =
    'polyline{fill:none;stroke:#3566a8;stroke-width:.7;opacity:.5}circle{fill:#b3402a}.m{fill:none;stroke:#888;stroke-dasharray:3}';
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320" width="320" height="320"><title>${name}</title>` +
    `<style>${style}</style><rect width="320" height="320" fill="#fff"/>${modes.join('')}${lines.join('')}</svg>\n`;
  writeFileSync(new URL(`../../../docs/schedulers/${name}.svg`, import.meta.url), svg);
  const end = path.at(-1);
  const near = Array.from({ length: COUNT }, (_, k) =>
    Math.min(...MEANS.map(([a, b]) => Math.hypot(end[2 * k] - a, end[2 * k + 1] - b))),
  );
  console.log(name.padEnd(36), 'mean distance to a mode', (near.reduce((a, b) => a + b) / COUNT).toFixed(3));
}
