import { DiffusionError } from '../errors.ts';
import type { loadPipeline as load, savePipeline as save } from './pretrained.ts';

/** What stands in for `pretrained.ts` in a page, which has no folders. */
export const loadPipeline: typeof load = () => Promise.reject(needsNode('fromPretrained'));

export const savePipeline: typeof save = () => Promise.reject(needsNode('savePretrained'));

function needsNode(method: string): DiffusionError {
  const message =
    `\`${method}\` works on folders, which only Node has. In a page, make the network with its constructor, give it the weights ` +
    '(`loadWeights` of @missing-u/weights takes a URL), and the pipeline both: `new DiffusionPipeline({ unet, scheduler })`.';
  return new DiffusionError('DIFFUSION_NODE_ONLY', message);
}
