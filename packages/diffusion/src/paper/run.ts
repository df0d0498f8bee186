import { createGenerator, type Generator } from '@missing-u/random';
import { LPIPS } from '@missing-u/metrics';
import { DDPMScheduler } from '@missing-u/schedulers';
import type * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';
import type { Measurement } from '../evaluation/compare.ts';
import type { Network } from '../networks.ts';
import { pretrainedModels } from '../pipelines/package-folder.ts';
import { commonConfig, onNamedData } from '../runs/common-config.ts';
import type { RunConfig } from '../runs/config.ts';
import { openDataset } from '../runs/registry.ts';
import { loadTrained, type TrainedModel } from '../runs/trained-model.ts';
import { checkModels, checkReadable, withinChain, type ChainCounts } from './checks.ts';
import type { PaperModel } from './published.ts';

/** What the experiments are told; `missing-u paper` has a flag for each. */
export interface PaperSettings {
  /** The settings that somebody asked for: what does not fit the models is refused there, of the others it is left out. */
  asked: ReadonlySet<string>;
  /** Side and channels of the images that Table 5 and Figure 6 count with. */
  size: number;
  channels: number;
  /** The two models: folders of training runs, or published models. */
  unet: string;
  cunet: string;
  /** The data set that their samples are compared with, and of the test images, and its folder; otherwise those of their runs. */
  dataset?: string;
  root?: string;
  /** Table 1: samples of each measurement, training images to compare with, numbers of denoising steps. */
  samples: number;
  realCount: number;
  steps: readonly number[];
  /** `eta`: shares of fresh noise, and the steps they are tried with. */
  etas: readonly number[];
  etaSteps: number;
  /** Tables 2 to 4, Figures 10 and 11: test images, and forward steps that noise them. */
  images: number;
  starts: readonly number[];
  /** Draw fresh noise in their reverse steps, as sampling does; the paper's code adds none. */
  addNoise: boolean;
  /** Table 4: optimiser steps of the auto-encoder and of DnCNN at each noise level. */
  trainingSteps: number;
  /** Optimiser steps of each network of `choices`, and the folder of their runs. */
  choiceSteps: number;
  choicesFolder: string;
  /** Images computed together. */
  batch: number;
  seed: number;
  /** Timed calls of each network of Table 5. */
  calls: number;
  /** pytorch-fid's Inception weights; without them, digits are compared by the features of our own classifier. */
  weights?: string;
  /** Files of the trunk and the heads of LPIPS (SqueezeNet 1.1); without them there is no LPIPS. */
  lpipsTrunk?: string;
  lpipsHeads?: string;
}

/** The models that the tables are about where none are named. */
export const shippedModels = { unet: 'mnist-unet', cunet: 'mnist-cunet' };
const shipped = Object.values(shippedModels);

export interface Watcher {
  signal: AbortSignal;
  onProgress: (done: number, total: number, what: string) => void;
}

/** Two models that were trained alike. */
export interface TrainedModels {
  models: Record<PaperModel, Network>;
  /** The settings that their runs share, and these with the data set that the models are measured on. */
  trained: RunConfig;
  config: RunConfig;
  /** Each of the two runs, whose folders of images may differ. */
  runs: readonly RunConfig[];
  /** The settings for their chain. */
  counts: ChainCounts;
  /** What their training took. */
  budget: string;
}

/** The trained models of a run of experiments, loaded when they are needed, and what experiments share. */
export class PaperRun {
  readonly settings: PaperSettings;
  /** Samples that more than one table is about: DDPM on a subsequence is DDIM with eta 1. */
  readonly measurements = new Map<string, Measurement>();
  readonly #shared = new Map<string, Promise<unknown>>();
  readonly #shown = new Set<string>();
  readonly #owned: { dispose(): void }[] = [];

  constructor(settings: PaperSettings) {
    this.settings = settings;
  }

  /** Computes something once, however many experiments ask for it. */
  once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#shared.get(key) ?? make();
    this.#shared.set(key, known);
    return known as Promise<T>;
  }

  /**
   * The two trained models, once all that is asked of them is known to be possible.
   *
   * @throws DiffusionError `DIFFUSION_NEEDS_MODELS`, `DIFFUSION_BAD_LABELS`, `DIFFUSION_NOT_A_CUNET`, `DIFFUSION_RUNS_DIFFER`,
   *   `DIFFUSION_BAD_COUNT`
   */
  models(): Promise<TrainedModels> {
    return this.once('models', async () => {
      const { unet, cunet } = this.settings;
      if ([unet, cunet].some((name) => shipped.includes(name)) && pretrainedModels().length === 0) {
        throw needsModels();
      }
      const loaded = [await this.#own(loadTrained(unet)), await this.#own(loadTrained(cunet))];
      const [first, second] = loaded.map(({ model }) => model) as [Network, Network];
      checkModels({ name: unet, model: first }, { name: cunet, model: second });
      const runs = loaded.map(({ config }) => config);
      const trained = commonConfig(runs);
      const budgets = loaded.map(budgetOf);
      return {
        models: { 'U-Net': first, 'cU-Net': second },
        trained,
        runs,
        config: onNamedData(trained, this.settings),
        counts: withinChain(this.settings, this.settings.asked, trained.timesteps),
        budget: budgets[0] === budgets[1] ? `both ${budgets[0]}` : `U-Net ${budgets[0]}, cU-Net ${budgets[1]}`,
      };
    });
  }

  async #own<T extends { model: { dispose(): void } }>(loading: Promise<T>): Promise<T> {
    const loaded = await loading;
    this.#owned.push(loaded.model);
    return loaded;
  }

  /** A DDPM scheduler of the chain that the models were trained on. */
  async chain(): Promise<DDPMScheduler> {
    const { config } = await this.models();
    return new DDPMScheduler({
      num_train_timesteps: config.timesteps,
      beta_schedule: config.schedule,
      prediction_type: config.prediction,
    });
  }

  /** Test images, [count, height, width, channels] in [-1, 1]: a random choice, the same for every experiment. */
  testImages(): Promise<tf.Tensor4D> {
    return this.once('test images', async () => {
      const { config } = await this.models();
      const dataset = await openDataset(config, 'validation');
      try {
        const chosen = dataset.shuffle(this.settings.seed).take(this.settings.images);
        for await (const { images } of chosen.batches({ batchSize: this.settings.images })) {
          this.#owned.push(images);
          return images;
        }
      } finally {
        await dataset.close();
      }
      throw new DiffusionError('DIFFUSION_EMPTY_DATASET', `The data set '${config.dataset}' has no test images.`);
    });
  }

  /** @throws DiffusionError `DIFFUSION_NO_LPIPS` where only one of its two files is named; those of `LPIPS.load` */
  lpips(): Promise<LPIPS | undefined> {
    const { lpipsTrunk: trunk, lpipsHeads: heads } = this.settings;
    if (trunk === undefined && heads === undefined) return Promise.resolve(undefined);
    if (trunk === undefined || heads === undefined) return Promise.reject(needsLpips());
    return this.once('lpips', async () => {
      const lpips = await LPIPS.load({ net: 'squeeze', trunk, heads });
      this.#owned.push(lpips);
      return lpips;
    });
  }

  /** @throws DiffusionError `DIFFUSION_NO_WEIGHTS` where pytorch-fid's file is named and cannot be read */
  checkWeights(): void {
    const { weights } = this.settings;
    if (weights !== undefined) checkReadable('--weights', weights);
  }

  /** Whether this is the first that asks for it: what several tables share is shown with one of them. */
  isFirst(key: string): boolean {
    if (this.#shown.has(key)) return false;
    this.#shown.add(key);
    return true;
  }

  generator(): Generator {
    return createGenerator(this.settings.seed);
  }

  /** Frees what was loaded. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.#shared.values());
    for (const owned of this.#owned) owned.dispose();
  }
}

export function needsLpips(): DiffusionError {
  const message =
    "LPIPS needs two files: --lpips-trunk, torchvision's SqueezeNet 1.1, and --lpips-heads, weights/v0.1/squeeze.pth of the lpips package.";
  return new DiffusionError('DIFFUSION_NO_LPIPS', message);
}

export function needsModels(): DiffusionError {
  const message =
    'This table is about trained models. Install those of this project (npm install @missing-u/pretrained), or train two ' +
    '(`missing-u train --model unet --channels 32 --out runs/unet`, `missing-u train --model cunet --channels 16 --out runs/cunet`) ' +
    'and name them: --unet runs/unet --cunet runs/cunet.';
  return new DiffusionError('DIFFUSION_NEEDS_MODELS', message);
}

function budgetOf({ config: { from }, steps, images }: TrainedModel): string {
  const begun = from === null ? '' : ` from the weights of ${from}`;
  return `${steps.toLocaleString('en')} steps, ${images.toLocaleString('en')} images${begun}`;
}
