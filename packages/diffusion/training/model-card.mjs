import { commandsOf } from './recipe.mjs';

/** The card of a published model, in the form of the Hugging Face hub's. */
export function modelCard(name, config, numbers) {
  const millions = (numbers.parameters / 1e6).toFixed(2);
  const title = config.model === 'cunet' ? 'continuous U-Net' : 'U-Net';
  const count = (value) => value.toLocaleString('en');
  const { withFreshNoise } = numbers;
  const percent = ({ confidentShare }) => `${(100 * confidentShare).toFixed(1)} %`;
  const digits = ({ confidentDigits }) => confidentDigits.map((count, digit) => `${digit}: ${count}`).join(', ');
  const distance = ({ 'fid-mnist': value }) => value.toFixed(2);
  const commands = commandsOf(config.model, 'run').map(({ args }) => `npx missing-u ${args.join(' ')}`);
  const diverged =
    numbers.divergedAt.length === 0
      ? 'The loss fell throughout.'
      : `The training diverged at steps ${numbers.divergedAt.map(count).join('; ')} and recovered by itself each time, all at rates of 0.001 and more. It lost ground there, so that its numbers are no bound on what it can do.`;
  return `---
license: apache-2.0
datasets: [mnist]
tags: [diffusion, unconditional-image-generation, missing-u]
---

# ${name}

A ${title} (${millions}M parameters, ${(numbers.operations / 1e6).toFixed(0)}M multiply-adds a call) that draws MNIST's digits at ${config.size} x ${config.size}, grey:
${config.schedule} schedule, ${config.timesteps} steps, trained to predict ${config.prediction}.

\`\`\`ts
import { DDIMPipeline } from '@missing-u/diffusion';

const pipeline = await DDIMPipeline.fromPretrained('@missing-u/pretrained/${name}');
const images = await pipeline.sample({ batchSize: 16, numInferenceSteps: 50, generator: 0 });
\`\`\`

\`\`\`sh
npx missing-u sample --model ${name} --steps 50 --out digits.png
\`\`\`

![64 samples](samples.png)

## Training

- Data: the 60,000 training images of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0), with a black border of 2 pixels, in [-1, 1].
- Budget: ${count(numbers.trainedSteps)} steps, ${count(numbers.trainedImages)} images, ${(numbers.trainedImages / 60_000).toFixed(1)} epochs: some hours on one CPU core, and nine minutes on a
  graphics card (NVIDIA H200), where both networks were trained side by side. The paper's code trains for 500,000 steps of 256 images.
- In five runs, the same for both networks, each from the averaged weights of the one before: the long one on the processor
  (\`min-snr\` weights first, then the plain loss, then a lower rate), one of large batches on the card, and three whose rates fall to 0.
  In the last two a tenth of the images has more or less noise than its timestep says, for denoising without fresh noise.
  ${diverged} The loss is in \`loss.csv\` and \`loss.png\`; it drops and rises where the parts meet, since they weigh it differently.
- The weights are the exponential average (decay ${[config.emaDecay].flat()[0]}), stored in float16. The settings of the last run are in
  \`training.json\`. All of it again:

\`\`\`sh
${commands.join('\n')}
\`\`\`

## Measured

${numbers.date}, ${numbers.engine}, ${numbers.scheduler}, ${numbers.samples.toLocaleString('en')} samples of seed 0:

| measure | eta 0 | eta ${withFreshNoise.eta} |
| --- | --- | --- |
| samples that \`MnistClassifier\` reads with a probability above 0.9 (of real digits: 96 %) | ${percent(numbers)} | ${percent(withFreshNoise)} |
| of these, by digit | ${digits(numbers)} | ${digits(withFreshNoise)} |
| \`fid-mnist\` against the 10,000 test images | ${distance(numbers)} | ${distance(withFreshNoise)} |

\`eta\` is the share of fresh noise in each step: \`pipeline.sample({ eta: ${withFreshNoise.eta} })\`, \`missing-u sample --eta ${withFreshNoise.eta}\`. The same distance of
10,000 training images, the floor, is ${numbers['fid-mnist of training images'].toFixed(2)}.

\`fid-mnist\` is a Fréchet distance of the features of this project's own MNIST classifier; it compares with no published FID.

## Limits

Digits only, of one size and in grey, after a small training: some samples are no digit. A demonstration and a baseline, not a
generator for data sets.
`;
}
