/**
 * How the published models were trained: parts, each with the flags of `missing-u train` that it changes. A part goes on with the run
 * before it, or, with `from`, begins another from that run's averaged weights.
 */
const recipe = [
  {
    until: 4_000,
    flags: {
      '--batch': 32,
      '--learning-rate': 1.5e-3,
      '--learning-rate-schedule': 'warmup_stable_decay',
      '--warmup-steps': 200,
      '--decay-steps': 1_200,
      '--loss-weighting': 'min-snr',
      '--timestep-sampling': 'stratified',
      '--ema-decay': '0.998,0.9995',
      '--checkpoint-every': 250,
      '--sample-every': 0,
      '--seed': 1,
    },
  },
  // min-SNR hardly counts timesteps of little noise, which denoising needs too.
  { until: 12_500, flags: { '--loss-weighting': 'constant', '--decay-steps': 0 } },
  // The U-Net had diverged three times at 1.5e-3.
  { until: 15_000, flags: { '--learning-rate': 6e-4, '--decay-steps': 2_500 } },
  { until: 39_750, flags: { '--decay-steps': 0 } },
  // On a graphics card, to which the weights went in float16. Averages and moments begin anew with each run.
  { from: true, until: 3_500, flags: { '--batch': 256, '--learning-rate': 1e-3, '--seed': 2 } },
  // What the rate of before leaves of noise in the weights goes with it.
  {
    from: true,
    until: 5_000,
    flags: { '--batch': 32, '--learning-rate': 6e-4, '--warmup-steps': 100, '--decay-steps': 4_000, '--seed': 3 },
  },
  { from: true, until: 2_000, flags: { '--warmup-steps': 200, '--decay-steps': 0, '--seed': 4 } },
  // For denoising without fresh noise, where images soon have less noise than their timestep says.
  { until: 9_000, flags: { '--decay-steps': 5_000, '--noise-jitter': 0.1, '--noise-jitter-most': 1 } },
  // In sampling they have a little more.
  {
    from: true,
    until: 1_500,
    flags: {
      '--learning-rate': 4e-4,
      '--warmup-steps': 100,
      '--decay-steps': 1_000,
      '--noise-jitter-most': 1.2,
      '--seed': 5,
    },
  },
];

/** The channels that make the cU-Net a quarter of the U-Net, as in the paper. */
export const channels = { cunet: 16, unet: 32 };

/** The commands that train a model from the start, with the folders of their runs: `out`, `out-2`, `out-3`... */
export function commandsOf(model, out) {
  let runs = 0;
  let all = { '--model': model, '--channels': channels[model] };
  return recipe.map(({ until, flags, from }) => {
    const before = folderOf(out, runs);
    all = { ...all, ...flags };
    const begins = runs === 0 || from === true;
    if (begins) runs += 1;
    const run = folderOf(out, runs);
    const how = begins ? [...(from ? ['--from', before] : []), '--out', run] : ['--resume', run];
    const settings = Object.entries(begins ? all : flags).flat();
    return { run, until, args: ['train', ...how, '--steps', until, ...settings].map(String) };
  });
}

const folderOf = (out, run) => (run <= 1 ? out : `${out}-${run}`);
