/**
 * Makes a folder of `@missing-u/pretrained` from training runs that followed each other: the last one's averaged weights in float16
 * in diffusers' layout, its configuration, the curve of the loss of all, what the published weights reach, and the card.
 *
 *   node training/publish.mjs --run RUN [--run RUN-2 ...] --name mnist-cunet [--samples 1000] && npx prettier --write ../pretrained
 *   node training/publish.mjs --run RUN --name faces-cunet --root faces --samples 64
 *   node training/publish.mjs --run RUN-6 --after-published --name mnist-cunet
 *
 * The last form is for runs that begin with the published weights: what those took is read from their folder. Where the recipe's last
 * part has a `share`, the run's weights are published only so far away from those with which it began.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DiffusionPipeline, imageGrid } from '@missing-u/diffusion';
import { loadRun, lossPlot, writePng } from '@missing-u/diffusion/node';
import { useEngine } from '@missing-u/engine';
import { DDIMScheduler, DDPMScheduler } from '@missing-u/schedulers';
import { summary } from '@missing-u/unet-blocks';
import { setOf } from './commands.mjs';
import { modelCard } from './model-card.mjs';

const { values } = parseArgs({
  options: {
    run: { type: 'string', multiple: true },
    'after-published': { type: 'boolean', default: false },
    name: { type: 'string' },
    root: { type: 'string' },
    samples: { type: 'string', default: '1000' },
    engine: { type: 'string', default: 'native' },
  },
});
const STEPS = 50;
const SHOWN = 64;
/** Steps whose mean loss is a row of the curve. */
const WINDOW = 25;
const out = fileURLToPath(new URL(`../../pretrained/${values.name}`, import.meta.url));
const set = await setOf(values.name);

const { version } = await useEngine(values.engine);
const before = values['after-published'] ? readPublished() : { steps: [], images: 0, divergedAt: [] };
const runs = [before, ...values.run.map(readRun)];
const { config, model } = await loadRun(values.run.at(-1));
const { share = 1 } = set.recipe.at(-1);
if (share < 1) await mixInWeightsBefore(model, share);
const chain = {
  num_train_timesteps: config.timesteps,
  beta_schedule: config.schedule,
  prediction_type: config.prediction,
};
const trained = new DiffusionPipeline({ unet: model, scheduler: new DDPMScheduler(chain) });
await trained.savePretrained(out, { dtype: 'float16' });
const { parameters, operations } = summary(model, [config.size, config.size, 1]);
model.dispose();
writeJson('training.json', { ...config, root: null, from: null });
const steps = runs.flatMap(({ steps }) => steps).map((entry, i) => ({ ...entry, step: i + 1 }));
writeFileSync(join(out, 'loss.png'), lossPlot(steps, `${values.name}: loss of training`));
writeFileSync(join(out, 'loss.csv'), lossCsv(steps, WINDOW));

// What is judged is what is published: read again, in float16.
const { unet } = await DiffusionPipeline.fromPretrained(out);
const pipeline = new DiffusionPipeline({ unet, scheduler: new DDIMScheduler(chain) });
const count = Number(values.samples);
const { root } = values;
const numbers = {
  date: new Date().toISOString().slice(0, 10),
  engine: `${values.engine} (${version})`,
  parameters,
  operations,
  trainedSteps: steps.length,
  divergedAt: [...before.divergedAt, ...divergences(steps.slice(before.steps.length))],
  trainedImages: runs.reduce((sum, { images }) => sum + images, 0),
  ...(await set.measure({ config, chain, unet, root, steps: STEPS, count, samplesOf })),
};
writeJson('numbers.json', numbers);
writeFileSync(join(out, 'README.md'), modelCard(values.name, set, config, numbers));
console.log(JSON.stringify(numbers));

/** The steps of a run, and the images in their batches. */
function readRun(folder) {
  const steps = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
  const { batch, accumulate } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  return { steps, images: steps.length * batch * accumulate };
}

/**
 * What the published weights took. Their curve has means over windows of steps: each step counts as its window's mean, and those that
 * filled no window as the last one's.
 */
function readPublished() {
  const { trainedSteps, trainedImages, divergedAt } = JSON.parse(readFileSync(join(out, 'numbers.json'), 'utf8'));
  const rows = readFileSync(join(out, 'loss.csv'), 'utf8').trim().split('\n').slice(1);
  const losses = rows.map((row) => Number(row.split(',')[1]));
  if (losses.length !== Math.floor(trainedSteps / WINDOW)) {
    throw new Error(
      `loss.csv and numbers.json of ${out} are not of one training: a publication was interrupted; restore them.`,
    );
  }
  const steps = Array.from({ length: trainedSteps }, (_, i) => ({
    loss: losses[Math.floor(i / WINDOW)] ?? losses.at(-1),
  }));
  return { steps, images: trainedImages, divergedAt };
}

/**
 * Keeps `share` of the last run's weights and takes the others from those with which it began, as Wortsman et al. 2022, "Robust
 * fine-tuning of zero-shot models": w = share w_after + (1 - share) w_before.
 */
async function mixInWeightsBefore(model, share) {
  const folder = values.run.at(-2);
  if (folder === undefined && !values['after-published']) {
    throw new Error(
      `The recipe keeps ${share} of the last run: name the run before it too, or give --after-published.`,
    );
  }
  const before =
    folder === undefined ? (await DiffusionPipeline.fromPretrained(out)).unet : (await loadRun(folder)).model;
  const weights = before.stateDict();
  const mixed = Object.entries(model.stateDict()).map(([name, { data, ...tensor }]) => [
    name,
    { ...tensor, data: data.map((weight, i) => share * weight + (1 - share) * weights[name].data[i]) },
  ]);
  before.dispose();
  model.loadStateDict(Object.fromEntries(mixed));
}

/** Samples by DDIM, batch by batch; the first of eta 0 are kept as a picture. */
async function* samplesOf(eta) {
  for (let first = 0; first < count; first += SHOWN) {
    const batchSize = Math.min(SHOWN, count - first);
    const images = await pipeline.sample({ first, batchSize, generator: 0, numInferenceSteps: STEPS, eta });
    if (first === 0 && eta === 0) {
      await writePng(join(out, 'samples.png'), imageGrid({ data: await images.data(), shape: images.shape }));
    }
    process.stderr.write(`\reta ${eta}: ${first + batchSize}/${count} samples`);
    yield images;
  }
  process.stderr.write('\n');
}

/** Steps at which a loss that had come down left the scale, each once. */
function divergences(entries) {
  const high = entries.filter(({ step, loss }) => step > 200 && loss > 1).map(({ step }) => step);
  return high.filter((step, i) => i === 0 || step - high[i - 1] > 200);
}

/** Means over windows of steps: single batches scatter too much to be read. */
function lossCsv(entries, window) {
  const rows = [];
  for (let end = window; end <= entries.length; end += window) {
    const part = entries.slice(end - window, end);
    rows.push(`${end},${(part.reduce((sum, { loss }) => sum + loss, 0) / window).toPrecision(5)}`);
  }
  return `step,loss\n${rows.join('\n')}\n`;
}

function writeJson(file, content) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, file), `${JSON.stringify(content, null, 2)}\n`);
}
