import { FrechetInceptionDistance } from '@missing-u/metrics';
import { MnistClassifier } from '@missing-u/metrics/mnist';
import { DDIMScheduler } from '@missing-u/schedulers';
import { summary, type SummarizedModel } from '@missing-u/unet-blocks';
import type { Dataset } from '@missing-u/datasets';
import type { RasterImage } from '@missing-u/denoisers';
import type { CompareOptions } from '../evaluation/compare.ts';
import { Legibility } from '../evaluation/legibility.ts';
import { onNamedData } from '../runs/common-config.ts';
import type { RunConfig } from '../runs/config.ts';
import { featuresFor, openExtractor, realMoments } from '../runs/features.ts';
import { datasetChannels, hasHeldOut, openDataset } from '../runs/registry.ts';
import { trainingConfig } from '../runs/trained-model.ts';
import { choicesTable } from './choices.ts';
import { measureDenoisers, table4 } from './denoisers.ts';
import { courseFigure, measureDenoising, table2, table3, type MeasuredDenoising } from './denoising.ts';
import { etaTable } from './eta.ts';
import type { ExperimentResult } from './experiment.ts';
import { generationTable, samplersOfThePaper } from './generation.ts';
import { networkTable, parameterTable } from './networks.ts';
import { memoryTable } from './memory.ts';
import { publishedBudget, type PaperModel } from './published.ts';
import { needsModels, type PaperRun, type TrainedModels, type Watcher } from './run.ts';
import { solverTable } from './solvers.ts';

interface Experiment {
  about: string;
  /** Trains networks of its own for an hour or more, so that `all` leaves it out. */
  long?: true;
  run(run: PaperRun, watcher: Watcher): ExperimentResult | Promise<ExperimentResult>;
}

/** The tables and figures of the paper by name; another one is one line. */
export const experiments: Readonly<Record<string, Experiment>> = {
  table1: { about: 'Fréchet distance, steps and time of samples', run: samples },
  eta: { about: 'samples of DDIM against the share of fresh noise in its steps', run: freshNoise },
  table2: { about: 'denoising: the best SSIM and LPIPS', run: denoised(table2) },
  table3: { about: 'denoising: steps and time to the best', run: denoised(table3) },
  table4: { about: 'denoising beside BM3D, an auto-encoder and DnCNN', run: denoisers },
  table5: {
    about: 'operations, checkpoint bytes and parameters of the networks, time and memory of a call',
    run: ({ settings }, watcher) => networkTable({ ...settings, ...watcher }),
  },
  fig6: { about: 'parameters of the networks', run: ({ settings }) => parameterTable(settings) },
  fig10: { about: 'SSIM during the reverse process', run: denoised((...args) => courseFigure('ssim', ...args)) },
  fig11: { about: 'LPIPS during the reverse process', run: denoised((...args) => courseFigure('lpips', ...args)) },
  solvers: { about: 'one trained cU-Net under other solvers: loss, evaluations, time', run: solvers },
  memory: {
    about: 'memory of a gradient against the steps of the solver, by kind of gradient',
    run: ({ settings }, watcher) => memoryTable({ ...settings, ...watcher }),
  },
  choices: {
    about: 'short equal trainings of other forms of the cU-Net, and of U-Nets (not in all)',
    long: true,
    run: forms,
  },
};

/** What `all` stands for. */
export const allExperiments = Object.keys(experiments).filter((name) => experiments[name]!.long !== true);

async function forms({ settings }: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  const { cunet, choiceSteps: steps, choicesFolder: folder, samples, seed } = settings;
  const trained = trainingConfig(cunet);
  if (trained === undefined) throw needsModels();
  const config = onNamedData(trained, settings);
  return choicesTable({ config, steps, folder, samples, seed, ...watcher });
}

async function solvers(run: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  const trained = await run.models();
  const { batch, seed } = run.settings;
  return solverTable({
    network: trained.models['cU-Net'],
    scheduler: await run.chain(),
    images: await run.testImages(),
    setUp: setUpOf(trained),
    ...{ batch, seed, ...watcher },
  });
}

/** What every table of trained models has to say. */
function setUpOf({ trained, config, budget }: TrainedModels): string {
  const { dataset, size, schedule, prediction } = trained;
  return (
    `trained: ${budget} (the paper's code: ${publishedBudget(dataset)}) on ${dataset} at ${size} x ${size}, ${schedule} schedule, ` +
    `predicting ${prediction}.${config.dataset === dataset ? '' : ` Measured on ${config.dataset}.`}`
  );
}

async function samples(run: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  return comparing(run, (common, { config, distance, setUp }) =>
    generationTable({
      ...common,
      ...watcher,
      samplers: Object.entries(samplersOfThePaper).map(([name, eta]) => ({ name, eta, scheduler: ddim(config) })),
      steps: run.settings.steps,
      dataset: config.dataset,
      distance,
      setUp: `${setUp} Paper: FID of 30,000 samples with Inception against all training images; here against ${realImages(run)}.`,
    }),
  );
}

async function freshNoise(run: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  const { etas, etaSteps: steps } = run.settings;
  return comparing(run, (common, { config, distance, setUp }) => {
    const against = `${setUp} ${distance} is against ${realImages(run)} training images.`;
    return etaTable({ ...common, ...watcher, scheduler: ddim(config), etas, steps, setUp: against });
  });
}

const realImages = ({ settings }: PaperRun) => settings.realCount.toLocaleString('en');

/** What the comparisons of samples share: both models, and the distance to training images; digits are read as well. */
async function comparing(
  run: PaperRun,
  work: (
    common: Omit<CompareOptions, 'samplers' | 'steps' | 'onResult'>,
    about: { config: RunConfig; distance: string; setUp: string },
  ) => Promise<ExperimentResult>,
): Promise<ExperimentResult> {
  const { samples: count, realCount, batch, seed, weights } = run.settings;
  const trained = await run.models();
  const { config, models } = trained;
  const imageShape = [config.size, config.size, datasetChannels(config)] as const;
  const features = weights === undefined ? featuresFor(config) : 'inception';
  const extractor = await openExtractor(features, weights);
  const classifier = featuresFor(config) === 'mnist' ? await MnistClassifier.load() : undefined;
  try {
    const reference = await realMoments(config, extractor, { realCount, batch });
    const distance = () => new FrechetInceptionDistance({ feature: extractor, reference, warn: () => undefined });
    const { name } = distance();
    const contenders = Object.entries(models).map(([name, unet]) => {
      const { parameters } = summary(unet as unknown as SummarizedModel, imageShape);
      return { name, unet, parameters };
    });
    const metrics = () => ({ [name]: distance(), ...(classifier && { legible: new Legibility(classifier) }) });
    const { measurements } = run;
    const common = { contenders, count, imageShape, generator: seed, chunkSize: batch, metrics, measurements };
    return await work(common, { config, distance: name, setUp: setUpOf(trained) });
  } finally {
    extractor.dispose();
    classifier?.dispose();
  }
}

function ddim(config: RunConfig): DDIMScheduler {
  return new DDIMScheduler({
    num_train_timesteps: config.timesteps,
    beta_schedule: config.schedule,
    prediction_type: config.prediction,
  });
}

/** The reverse processes that Tables 2 and 3 and Figures 10 and 11 are all made of. */
function measured(run: PaperRun, watcher: Watcher): Promise<MeasuredDenoising[]> {
  return run.once('denoising', async () => {
    const { models } = await run.models();
    const lpips = await run.lpips();
    return measureDenoising({
      models: models satisfies Record<PaperModel, unknown>,
      scheduler: await run.chain(),
      images: await run.testImages(),
      starts: run.settings.starts,
      generator: run.generator(),
      addNoise: run.settings.addNoise,
      chunkSize: run.settings.batch,
      ...(lpips && { lpips }),
      ...watcher,
    });
  });
}

function denoised(table: (results: readonly MeasuredDenoising[], setUp: string) => ExperimentResult) {
  return async (run: PaperRun, watcher: Watcher) => table(await measured(run, watcher), await denoisingSetUp(run));
}

async function denoisingSetUp(run: PaperRun): Promise<string> {
  const models = await run.models();
  const { trained, config } = models;
  const lpips = (await run.lpips()) === undefined ? 'no LPIPS, whose weights were not given' : 'LPIPS with SqueezeNet';
  const { images, addNoise } = run.settings;
  const noise = addNoise ? ' Fresh noise in the reverse steps, where the paper adds none.' : '';
  const seen = !hasHeldOut(config) && config.dataset === trained.dataset && config.root === trained.root;
  const known = seen ? ' These are images that the models were trained on: name others with --root.' : '';
  return `${setUpOf(models)} Paper: 300 images; here ${images}, ${lpips}.${noise}${known}`;
}

async function denoisers(run: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  // On what the diffusion models were trained on, whatever all are measured on.
  const { trained } = await run.models();
  const { trainingSteps, starts } = run.settings;
  const lpips = await run.lpips();
  const diffusion = await measured(run, watcher);
  const dataset = await openDataset(trained);
  const others = await measureDenoisers({
    scheduler: await run.chain(),
    images: await run.testImages(),
    training: await pictures(dataset, 4096).finally(() => dataset.close()),
    trainingSteps,
    starts,
    generator: run.generator(),
    ...(lpips && { lpips }),
    ...watcher,
  });
  const budget = `Auto-encoder and DnCNN are trained for ${trainingSteps} steps (of 32 and of 4 images) at each noise level, BM3D is told the true noise.`;
  return table4(others, diffusion, `${await denoisingSetUp(run)} ${budget}`);
}

/** The first pictures of a data set in memory, values in [0, 1]. */
async function pictures(dataset: Dataset, count: number): Promise<RasterImage[]> {
  const found: RasterImage[] = [];
  for await (const { images, shape } of dataset.take(count).batches({ batchSize: 256, as: 'array', range: [0, 1] })) {
    const [batch, height, width, channels] = shape;
    const size = height * width * channels;
    for (let i = 0; i < batch; i++) {
      found.push({ data: images.slice(i * size, (i + 1) * size), width, height, channels });
    }
  }
  return found;
}
