/**
 * The numbers that the paper prints: "The Missing U for Efficient Diffusion Models", arXiv 2310.20092v4. Times are of one image
 * on the authors' CPU.
 */

/** Images of an optimiser step of the first author's code, and its steps: fewer for digits than for all other data. */
const trainingBatch = 256;
const trainingSteps = (dataset: string) => (dataset === 'mnist' ? 10_000 : 500_000);

/** What the first author's code trains a model of a data set with, for captions. */
export function publishedBudget(dataset: string): string {
  const [steps, images] = [trainingSteps(dataset), trainingSteps(dataset) * trainingBatch];
  return `${steps.toLocaleString('en')} steps, ${images.toLocaleString('en')} images`;
}

/** Table 1: the lowest FID of 30,000 samples, the number of steps it was found at, and the seconds that an image takes then. */
export interface PublishedGeneration {
  dataset: 'mnist' | 'celeba' | 'lsun-church';
  model: PaperModel;
  sampler: 'ddpm' | 'ddim';
  fid: number;
  steps: number;
  seconds: number;
}

export type PaperModel = 'U-Net' | 'cU-Net';

const generation = (
  dataset: PublishedGeneration['dataset'],
  rows: readonly (readonly [fid: number, steps: number, seconds: number])[],
): PublishedGeneration[] =>
  rows.map(([fid, steps, seconds], i) => ({
    dataset,
    model: i < 2 ? 'U-Net' : 'cU-Net',
    sampler: i % 2 === 0 ? 'ddpm' : 'ddim',
    fid,
    steps,
    seconds,
  }));

/** Table 1, U-Net then cU-Net, each with the ancestral sampler and with DDIM. */
export const table1: readonly PublishedGeneration[] = [
  ...generation('mnist', [
    [3.61, 30, 3.56],
    [3.73, 11, 1.12],
    [2.98, 5, 0.54],
    [2.55, 2, 0.18],
  ]),
  ...generation('celeba', [
    [19.75, 100, 12.48],
    [19.54, 30, 3.08],
    [21.44, 80, 7.36],
    [21.41, 15, 1.37],
  ]),
  ...generation('lsun-church', [
    [12.28, 100, 12.14],
    [11.89, 40, 4.25],
    [12.14, 90, 8.33],
    [11.77, 30, 2.68],
  ]),
];

/** One model's half of a row of Tables 2 and 3, over 300 test images. */
export interface PublishedDenoising {
  ssim: number;
  lpips: number;
  /** Reverse steps made at the best SSIM and at the best LPIPS, and the seconds to them. */
  ssimSteps: number;
  ssimSeconds: number;
  lpipsSteps: number;
  lpipsSeconds: number;
}

const denoising = (
  ...[ssim, lpips, ssimSteps, ssimSeconds, lpipsSteps, lpipsSeconds]: [number, number, number, number, number, number]
): PublishedDenoising => ({ ssim, lpips, ssimSteps, ssimSeconds, lpipsSteps, lpipsSeconds });

/** Tables 2 and 3: by the number of forward steps that noised the images. */
export const tables2and3: Readonly<Record<number, Readonly<Record<PaperModel, PublishedDenoising>>>> = {
  50: { 'U-Net': denoising(0.88, 0.025, 47, 5.45, 41, 4.71), 'cU-Net': denoising(0.9, 0.019, 39, 4.4, 39, 4.4) },
  100: { 'U-Net': denoising(0.85, 0.044, 93, 19.72, 78, 16.54), 'cU-Net': denoising(0.83, 0.038, 73, 9.89, 72, 9.69) },
  150: {
    'U-Net': denoising(0.79, 0.063, 140, 29.69, 119, 25.18),
    'cU-Net': denoising(0.78, 0.05, 103, 14.27, 102, 13.88),
  },
  200: {
    'U-Net': denoising(0.74, 0.079, 186, 39.51, 161, 34.09),
    'cU-Net': denoising(0.71, 0.069, 130, 18.16, 128, 17.82),
  },
  250: {
    'U-Net': denoising(0.72, 0.104, 232, 49.14, 203, 43.15),
    'cU-Net': denoising(0.64, 0.084, 154, 21.59, 152, 21.22),
  },
  400: {
    'U-Net': denoising(0.58, 0.184, 368, 77.33, 332, 69.77),
    'cU-Net': denoising(0.44, 0.146, 217, 29.6, 212, 29.19),
  },
  600: {
    'U-Net': denoising(0.44, 0.316, 548, 114.9, 507, 106.42),
    'cU-Net': denoising(0.26, 0.238, 265, 35.75, 263, 35.49),
  },
  800: {
    'U-Net': denoising(0.32, 0.419, 731, 153.38, 668, 140.26),
    'cU-Net': denoising(0.18, 0.315, 284, 39.11, 284, 39.05),
  },
};

/** Table 5 (operations and bytes) and Figure 6 (parameters). */
export interface PublishedNetwork {
  model: string;
  /** 10^9 multiply-adds of one call on one 64x64x3 image. */
  gigaOperations: number;
  /** MiB of a training checkpoint, which is what the printed megabytes are. */
  megabytes: number;
  /** Millions. */
  parameters: number;
}

export const table5: readonly PublishedNetwork[] = [
  { model: 'U-Net', gigaOperations: 7.21, megabytes: 545.5, parameters: 35.7 },
  { model: 'cU-Net', gigaOperations: 2.9, megabytes: 137.9, parameters: 8.8 },
  { model: 'cU-Net wo/A', gigaOperations: 2.81, megabytes: 128.7, parameters: 8.5 },
  { model: 'cU-Net wo/R', gigaOperations: 1.71, megabytes: 92.0, parameters: 6.1 },
  { model: 'cU-Net wo/A/R', gigaOperations: 1.62, megabytes: 88.4, parameters: 5.9 },
];

const quality = (...values: [number, number, number, number, number, number]) => ({
  50: { ssim: values[0], lpips: values[1] },
  150: { ssim: values[2], lpips: values[3] },
  400: { ssim: values[4], lpips: values[5] },
});

/** Table 4: SSIM and LPIPS of the methods, by the number of forward steps that noised the images. */
export const table4: Readonly<Record<string, Readonly<Record<number, { ssim: number; lpips: number }>>>> = {
  BM3D: quality(0.74, 0.062, 0.26, 0.624, 0.06, 0.977),
  'Conv AE': quality(0.89, 0.03, 0.8, 0.072, 0.52, 0.204),
  DnCNN: quality(0.89, 0.026, 0.81, 0.051, 0.53, 0.227),
  'diffusion, U-Net': quality(0.88, 0.025, 0.79, 0.063, 0.58, 0.184),
  'diffusion, cU-Net': quality(0.9, 0.019, 0.78, 0.05, 0.44, 0.146),
};
