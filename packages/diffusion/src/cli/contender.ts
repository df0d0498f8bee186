import { summary, type SummarizedModel } from '@missing-u/unet-blocks';
import type { ComparisonResult, Contender, ModelFacts } from '../evaluation/compare.ts';
import type { Network } from '../networks.ts';
import type { ImageShape } from '../pipelines/image-shape.ts';

/** A network that takes part in a comparison, with what can be counted before it is measured. */
export function contenderOf(name: string, network: Network, imageShape: ImageShape): Contender {
  const { parameters, operations, checkpointBytes } = summary(network as unknown as SummarizedModel, imageShape);
  return { name, unet: network, parameters, operations, checkpointBytes };
}

/** What a report says of a contender: all but the network and how it is sampled. */
export function factsOf({ unet: _unet, samplers: _samplers, classLabels: _labels, ...facts }: Contender): ModelFacts {
  return facts;
}

/** What a report says of a measurement: all but the pictures. */
export function measurementOf({ samples: _samples, ...measured }: ComparisonResult): Omit<ComparisonResult, 'samples'> {
  return measured;
}
