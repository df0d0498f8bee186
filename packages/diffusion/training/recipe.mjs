/** How the published models were trained: parts of one run, each with the flags of `missing-u train` that it changes. */
export const recipe = [
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
  // Eleven more epochs at the lower rate, which no longer throws the U-Net off.
  { until: 36_000, flags: { '--decay-steps': 1_500 } },
];

/** The channels that make the cU-Net a quarter of the U-Net, as in the paper. */
export const channels = { cunet: 16, unet: 32 };

/** The commands that train a model from the start. */
export const commandsOf = (model, out) =>
  recipe.map(({ until, flags }, part) => {
    const run = part === 0 ? ['--model', model, '--channels', channels[model], '--out', out] : ['--resume', out];
    return ['train', ...run, '--steps', until, ...Object.entries(flags).flat()].map(String);
  });
