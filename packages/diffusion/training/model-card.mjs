import { commandsOf, modelOf } from './commands.mjs';

/** The card of a published model, in the form of the Hugging Face hub's. */
export function modelCard(name, set, config, numbers) {
  const count = (value) => value.toLocaleString('en');
  const { dataset, trainingImages, draws, picture, data, time, course, measured, limits } = set.about(numbers);
  const title = modelOf(name) === 'cunet' ? 'continuous U-Net' : 'U-Net';
  const parts = commandsOf(set, modelOf(name), 'run');
  const commands = parts.map(({ args }) => `npx missing-u ${args.join(' ')}`);
  return `---
license: apache-2.0
datasets: [${dataset}]
tags: [diffusion, unconditional-image-generation, missing-u]
---

# ${name}

A ${title} (${(numbers.parameters / 1e6).toFixed(2)}M parameters, ${(numbers.operations / 1e6).toFixed(0)}M multiply-adds a call) that draws ${draws} at ${config.size} x ${config.size}, grey:
${config.schedule} schedule, ${config.timesteps} steps, trained to predict ${config.prediction}.

\`\`\`ts
import { DDIMPipeline } from '@missing-u/diffusion';

const pipeline = await DDIMPipeline.fromPretrained('@missing-u/pretrained/${name}');
const images = await pipeline.sample({ batchSize: 16, numInferenceSteps: 50, generator: 0 });
\`\`\`

\`\`\`sh
npx missing-u sample --model ${name} --steps 50 --out ${picture}
\`\`\`

![64 samples](samples.png)

## Training

- Data: ${data}
- Budget: ${count(numbers.trainedSteps)} steps, ${count(numbers.trainedImages)} images, ${(numbers.trainedImages / trainingImages).toFixed(1)} epochs: ${time}
- ${course}
- The weights are the exponential average (decay ${[config.emaDecay].flat()[0]})${mixOf(set.recipe, parts)}, stored in float16. The settings of the last run are in
  \`training.json\`. All of it again:

\`\`\`sh
${commands.join('\n')}
\`\`\`

## Measured

${measured}

## Limits

${limits}
`;
}

/** Whose weights were mixed, where the recipe says so. */
function mixOf(recipe, parts) {
  const { share = 1 } = recipe.at(-1);
  if (share === 1) return '';
  const [before, last] = parts.slice(-2).map(({ run }) => run);
  return `: ${share} times those of \`${last}\` plus ${Number((1 - share).toFixed(4))} times those of \`${before}\``;
}
