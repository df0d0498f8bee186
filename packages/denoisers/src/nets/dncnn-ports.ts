import type { StateDict, StateTensor } from '@missing-u/weights';
import { DenoisersError } from '../errors.ts';
import type { DnCNNOptions } from './dncnn.ts';

/**
 * Reads the shape of a DnCNN from a state dict of one of the public PyTorch ports, and gives its weights our names.
 * SaoYan's: `module.dncnn.N.*`, no biases. cszn's training code: `dncnn.N.*`, a bias in the first convolution. KAIR:
 * `model.N.*`, biases everywhere and the normalisation merged.
 */
export function fromPorts(dict: StateDict): { options: DnCNNOptions; weights: StateDict } {
  const entries = Object.entries(dict)
    .filter(([name]) => !name.endsWith('num_batches_tracked'))
    .map(([name, tensor]) => [name.replace(/^module\./, '').replace(/^model\./, 'dncnn.'), tensor] as const);
  const weights: StateDict = Object.fromEntries(entries);
  const numberOf = (name: string) => Number(name.split('.')[1]);
  const convolutions = entries
    .filter(([name, { shape }]) => /^dncnn\.\d+\.weight$/.test(name) && shape.length === 4)
    .sort(([a], [b]) => numberOf(a) - numberOf(b));
  const [first, last] = [convolutions[0], convolutions.at(-1)];
  if (first === undefined || last === undefined || convolutions.length < 3) {
    const names = Object.keys(dict).slice(0, 3).join(', ');
    throw new DenoisersError(
      'DENOISERS_NOT_DNCNN',
      `The state dict is not that of a DnCNN: there are no convolutions called dncnn.N.weight or model.N.weight (but ${names}...).`,
    );
  }
  const hasBias = ([name]: readonly [string, StateTensor]) => Object.hasOwn(weights, name.replace(/weight$/, 'bias'));
  const options: DnCNNOptions = {
    channels: first[1].shape[1]!,
    features: first[1].shape[0]!,
    depth: convolutions.length,
    bias: hasBias(last) ? 'all' : hasBias(first) ? 'first' : 'none',
    batchNorm: entries.some(([name]) => name.endsWith('running_mean')),
  };
  return { options, weights };
}
