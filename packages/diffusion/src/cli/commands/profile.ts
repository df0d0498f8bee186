import { compile, profile, profileTable, profileTrace } from '@missing-u/engine';
import { createGenerator, type Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import { makePreset, presetNames, type Network } from '../../networks.ts';
import { checkWritable, writeAtomically } from '../../runs/files.ts';
import { FlatParameters } from '../../training/flat-parameters.ts';
import { lossAndGradient } from '../../training/objective.ts';
import { positiveInteger, withEngineFlags, type EngineFlags } from '../options.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags {
  model: string;
  size: number;
  batch: number;
  channels: number;
  train?: boolean;
  compile: boolean;
  trace?: string;
  json?: boolean;
}

/** What the modules of this project have, for first weights. */
interface Initializable {
  initialize(generator: Generator): void;
}

export function profileCommand(): Command {
  const command = new Command('profile')
    .description('say which operations of a network take how much of the time')
    .option('--model <preset>', `network: ${presetNames.join(', ')}`, 'cunet')
    .option('--size <pixels>', 'side of the images', positiveInteger, 64)
    .option('--batch <count>', 'images', positiveInteger, 1)
    .option('--channels <count>', 'channels of the images', positiveInteger, 3)
    .option('--train', 'the loss and its gradients, not a call alone')
    .option('--no-compile', 'run each operation by itself, not the whole as a graph (native engine)')
    .option('--trace <file>', 'also write a trace that ui.perfetto.dev opens')
    .option('--json', 'print the operations and their milliseconds as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\nExample:\n  missing-u profile --model cunet --size 64 --batch 16 --train --trace step.json',
    )
    .action(profileNetwork);
}

async function profileNetwork({ model, size, batch, channels, train, compile: enabled, trace, json, ...flags }: Flags) {
  if (trace !== undefined) checkWritable(trace);
  const engine = await startEngine(flags);
  const network = makePreset(model, channels, size) as Network & Initializable;
  network.initialize(createGenerator(0));
  const [images, times] = [tf.zeros<tf.Rank.R4>([batch, size, size, channels]), tf.zeros<tf.Rank.R1>([batch])];
  const parameters = new FlatParameters(network.parameters().filter(({ variable }) => variable.trainable));
  const work = compile(
    (x: tf.Tensor4D, t: tf.Tensor1D) => {
      if (train !== true) return [network.predict(x, t)];
      const { loss, gradient } = lossAndGradient(network, parameters, x, t, x);
      return [loss, gradient];
    },
    { enabled },
  );
  try {
    // The first call records and optimises, or warms up.
    tf.dispose(work(images, times));
    const found = await profile(work, images, times);
    if (trace !== undefined) writeAtomically(trace, profileTrace(found));
    const facts = { model, size, batch, channels, train: train === true, engine, ...found };
    const heading = `${model}, ${batch} image(s) of ${size} x ${size}, ${found.mode}`;
    process.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${heading}\n\n${profileTable(found)}\n`);
  } finally {
    work.dispose();
    network.dispose();
    tf.dispose([images, times]);
  }
}
