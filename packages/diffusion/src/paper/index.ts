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
import { datasetChannels, openDataset } from '../runs/registry.ts';
import { trainingConfig } from '../runs/trained-model.ts';
import { sharesImages } from './checks.ts';
import { choicesTable } from './choices.ts';
import { measureDenoisers, table4 } from './denoisers.ts';
import { courseFigure, measureDenoising, table2, table3, type Denoising } from './denoising.ts';
import { etaTable } from './eta.ts';
import type { ExperimentResult } from './experiment.ts';
import { generationTable, samplersOfThePaper } from './generation.ts';
import { networkTable, parameterTable } from './networks.ts';
import { memoryTable } from './memory.ts';
import { denoisedFigures } from './pictures.ts';
import { publishedBudget, type PaperModel } from './published.ts';
import { needsLpips, needsModels, type PaperRun, type TrainedModels, type Watcher } from './run.ts';
import { solverTable } from './solvers.ts';

interface Experiment {
  about: string;
  /** Trains networks of its own for an hour or more, so that `all` leaves it out. */
  long?: true;
  /** What is opened and checked before any experiment begins, since hours may pass until its turn. */
  uses?: readonly ('models' | 'lpips' | 'weights')[];
  /** There is nothing to show without LPIPS, so that `all` leaves it out where its weights are not given. */
  lpipsOnly?: true;
  run(run: PaperRun, watcher: Watcher): ExperimentResult | Promise<ExperimentResult>;
}

/** The tables and figures of the paper by name; another one is one line. */
export const experiments: Readonly<Record<string, Experiment>> = {
  table1: { about: 'Fréchet distance, steps and time of samples', uses: ['models', 'weights'], run: samples },
  eta: {
    about: 'samples of DDIM against the share of fresh noise in its steps',
    uses: ['models', 'weights'],
    run: freshNoise,
  },
  table2: {
    about: 'denoising: the best SSIM and LPIPS',
    uses: ['models', 'lpips'],
    run: withPictures(denoised(table2)),
  },
  table3: {
    about: 'denoising: steps and time to the best',
    uses: ['models', 'lpips'],
    run: withPictures(denoised(table3)),
  },
  table4: {
    about: 'denoising beside BM3D, an auto-encoder and DnCNN',
    uses: ['models', 'lpips'],
    run: withPictures(denoisers),
  },
  table5: {
    about: 'operations, checkpoint bytes and parameters of the networks, time and memory of a call',
    run: ({ settings }, watcher) => networkTable({ ...settings, ...watcher }),
  },
  fig6: { about: 'parameters of the networks', run: ({ settings }) => parameterTable(settings) },
  fig10: {
    about: 'SSIM during the reverse process',
    uses: ['models', 'lpips'],
    run: denoised((...args) => courseFigure('ssim', ...args)),
  },
  fig11: {
    about: 'LPIPS during the reverse process',
    uses: ['models', 'lpips'],
    lpipsOnly: true,
    run: denoised((...args) => courseFigure('lpips', ...args)),
  },
  solvers: {
    about: 'one trained cU-Net under other solvers: loss, evaluations, time',
    uses: ['models'],
    run: solvers,
  },
  memory: {
    about: 'memory of a gradient against the steps of the solver, by kind of gradient',
    run: ({ settings }, watcher) => memoryTable({ ...settings, ...watcher }),
  },
  choices: {
    about: 'short equal trainings of other forms of the cU-Net, and of U-Nets (not in all)',
    long: true,
    uses: ['weights'],
    run: forms,
  },
};

/** What `all` stands for. */
export const allExperiments = Object.keys(experiments).filter((name) => experiments[name]!.long !== true);

/**
 * Opens what experiments use, so that what is missing, damaged or impossible is said now and not when their turn comes.
 *
 * @param named experiments that were asked for by name, which are refused where they have nothing to show
 * @returns those that are to run
 * @throws DiffusionError `DIFFUSION_NO_LPIPS`, `DIFFUSION_NO_WEIGHTS`; those of `PaperRun.models`
 */
export async function prepare(run: PaperRun, names: readonly string[], named: readonly string[]): Promise<string[]> {
  const uses = new Set(names.flatMap((name) => experiments[name]!.uses ?? []));
  if (uses.has('weights')) run.checkWeights();
  const lpips = uses.has('lpips') ? await run.lpips() : undefined;
  const [possible, empty] = [
    names.filter((name) => lpips !== undefined || experiments[name]!.lpipsOnly !== true),
    names.filter((name) => lpips === undefined && experiments[name]!.lpipsOnly === true),
  ];
  if (named.some((name) => empty.includes(name))) throw needsLpips();
  if (uses.has('models')) await run.models();
  return possible;
}

async function forms({ settings }: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  const { cunet, choiceSteps: steps, choicesFolder: folder, samples, seed, weights } = settings;
  const trained = trainingConfig(cunet);
  if (trained === undefined) throw needsModels();
  const config = onNamedData(trained, settings);
  return choicesTable({ config, steps, folder, samples, seed, ...(weights !== undefined && { weights }), ...watcher });
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
  return comparing(run, (common, { config, counts, distance, against, setUp }) =>
    generationTable({
      ...common,
      ...watcher,
      samplers: Object.entries(samplersOfThePaper).map(([name, eta]) => ({ name, eta, scheduler: ddim(config) })),
      steps: counts.steps,
      dataset: config.dataset,
      distance,
      setUp: `${setUp} Paper: FID of 30,000 samples with Inception against all training images; here against ${against}.`,
    }),
  );
}

async function freshNoise(run: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  const { etas } = run.settings;
  return comparing(run, (common, { config, counts, distance, against, setUp }) =>
    etaTable({
      ...common,
      ...watcher,
      scheduler: ddim(config),
      etas,
      steps: counts.etaSteps,
      setUp: `${setUp} ${distance} is against ${against} training images.`,
    }),
  );
}

/** What the comparisons of samples share: both models, and the distance to training images; digits are read as well. */
async function comparing(
  run: PaperRun,
  work: (
    common: Omit<CompareOptions, 'samplers' | 'steps' | 'onResult'>,
    about: Pick<TrainedModels, 'config' | 'counts'> & { distance: string; against: string; setUp: string },
  ) => Promise<ExperimentResult>,
): Promise<ExperimentResult> {
  const { samples: count, realCount, batch, seed, weights } = run.settings;
  const trained = await run.models();
  const { config, counts, models } = trained;
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
    const against = reference.count.toLocaleString('en');
    return await work(common, { config, counts, distance: name, against, setUp: setUpOf(trained) });
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
function measured(run: PaperRun, watcher: Watcher): Promise<Denoising> {
  return run.once('denoising', async () => {
    const { models, counts } = await run.models();
    const lpips = await run.lpips();
    return measureDenoising({
      models: models satisfies Record<PaperModel, unknown>,
      scheduler: await run.chain(),
      images: await run.testImages(),
      starts: counts.starts,
      generator: run.generator(),
      addNoise: run.settings.addNoise,
      chunkSize: run.settings.batch,
      ...(lpips && { lpips }),
      ...watcher,
    });
  });
}

function denoised(table: (results: Denoising['results'], setUp: string) => ExperimentResult): Experiment['run'] {
  return async (run, watcher) => table((await measured(run, watcher)).results, await denoisingSetUp(run));
}

/** Shows the images that the tables are about with the first of them. */
function withPictures(experiment: Experiment['run']): Experiment['run'] {
  return async (run, watcher) => {
    const result = await experiment(run, watcher);
    if (!run.isFirst('pictures')) return result;
    const { pictures } = await measured(run, watcher);
    return { ...result, figures: [...result.figures, ...(await denoisedFigures(pictures))] };
  };
}

async function denoisingSetUp(run: PaperRun): Promise<string> {
  const models = await run.models();
  const lpips = (await run.lpips()) === undefined ? 'no LPIPS, whose weights were not given' : 'LPIPS with SqueezeNet';
  const [images] = (await run.testImages()).shape;
  const noise = run.settings.addNoise ? ' Fresh noise in the reverse steps, where the paper adds none.' : '';
  const seen = models.runs.some((trained) => sharesImages(models.config, trained));
  const known = seen ? ' Among these are images that the models were trained on: name others with --root.' : '';
  const clipped = 'Measured of images clipped to their range of colours, where the paper measures them as they are.';
  return `${setUpOf(models)} Paper: 300 images; here ${images}, ${lpips}. ${clipped}${noise}${known}`;
}

async function denoisers(run: PaperRun, watcher: Watcher): Promise<ExperimentResult> {
  // On what the diffusion models were trained on, whatever all are measured on.
  const { trained, counts } = await run.models();
  const { trainingSteps } = run.settings;
  const lpips = await run.lpips();
  const { results: diffusion } = await measured(run, watcher);
  const dataset = await openDataset(trained);
  const others = await measureDenoisers({
    scheduler: await run.chain(),
    images: await run.testImages(),
    training: await pictures(dataset, 4096).finally(() => dataset.close()),
    trainingSteps,
    starts: counts.starts,
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
