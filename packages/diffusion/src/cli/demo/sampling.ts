import { join, resolve } from 'node:path';
import { compare } from '../../evaluation/compare.ts';
import { imageGrid } from '../../images/grid.ts';
import { writePng } from '../../images/png.ts';
import { shippedModels } from '../../paper/run.ts';
import { comparisonPage, comparisonTable, contendersTable } from '../../reports/comparison.ts';
import { tableToText } from '../../reports/table.ts';
import { commonConfig } from '../../runs/common-config.ts';
import { openDistance } from '../../runs/features.ts';
import { makeFolder, writeAtomically } from '../../runs/files.ts';
import { checkSteps } from '../../runs/open-model.ts';
import { datasetChannels, makeScheduler } from '../../runs/registry.ts';
import { loadTrained } from '../../runs/trained-model.ts';
import type { DemoFlags } from './flags.ts';
import { needsDigits } from './needs-digits.ts';
import { contenderOf, factsOf, measurementOf } from '../contender.ts';
import { interruptible } from '../interrupt.ts';
import { duration, startProgress } from '../progress.ts';
import { startEngine } from '../start-engine.ts';

/** Digits of each network, and digits of MNIST that they are compared with. */
const COUNT = 64;
const REAL_COUNT = 2048;

/** Samples digits from the two trained networks with the same noise and scheduler, and compares what they are and take. */
export async function samplingDemo({ steps = 25, ...flags }: DemoFlags): Promise<void> {
  const out = resolve(flags.out);
  makeFolder(out);
  const engine = await startEngine(flags);
  const begin = performance.now();
  const names = Object.values(shippedModels).reverse();
  const trained = await Promise.all(names.map((name) => loadTrained(name)));
  const config = commonConfig(trained.map(({ config }) => config));
  const sampler = makeScheduler('ddim', config);
  checkSteps(steps, sampler.config);
  const distance = await needsDigits(openDistance(config, { features: 'mnist', realCount: REAL_COUNT, batch: 256 }));
  const progress = startProgress('sampling', trained.length);
  try {
    const imageShape = [config.size, config.size, datasetChannels(config)] as const;
    const contenders = trained.map(({ model }, i) => contenderOf(names[i]!, model, imageShape));
    const results = await interruptible((signal) =>
      compare({
        contenders,
        samplers: [{ name: 'ddim', scheduler: sampler }],
        steps: [steps],
        count: COUNT,
        shown: COUNT,
        imageShape,
        generator: flags.seed,
        signal,
        metrics: () => ({ [distance.name]: distance.measure() }),
        onResult: ({ model, secondsPerStep }) =>
          progress.update(names.indexOf(model) + 1, `${model}: ${(1000 * secondsPerStep).toFixed(0)} ms a step`),
      }),
    );
    progress.stop();
    const pictures = results.map(({ model }) => join(out, `samples-${model.replace('mnist-', '')}.png`));
    for (const [i, { samples }] of results.entries()) await writePng(pictures[i]!, imageGrid(samples));
    const models = contenders.map(factsOf);
    const page = join(out, 'report.html');
    writeAtomically(page, await comparisonPage('cU-Net and U-Net on MNIST', models, results));
    const report = {
      engine,
      seconds: (performance.now() - begin) / 1000,
      models,
      results: results.map(measurementOf),
      pictures,
      page,
    };
    writeAtomically(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(
      flags.json
        ? `${JSON.stringify(report)}\n`
        : `\n${tableToText(contendersTable(models))}\n${tableToText(comparisonTable(results))}\n` +
            `a Fréchet distance of ${COUNT} samples is a rough one; took ${duration(report.seconds)}\n${[...pictures, page].join('\n')}\n`,
    );
  } finally {
    progress.stop();
    for (const { model } of trained) model.dispose();
    distance.dispose();
  }
}
