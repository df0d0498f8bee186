import { invalidArgument } from '@missing-u/errors';
import type { StateDict, StateTensor } from '@missing-u/weights';
import { UNetError } from './errors.ts';
import type { Parameter } from './parameter.ts';

/** What did not fit while a state dict was loaded. */
export interface LoadReport {
  /** Weights of the module that the state dict lacks. */
  missing: string[];
  /** Names of the state dict that the module lacks. */
  unexpected: string[];
  /** Names whose shapes differ. */
  mismatched: { name: string; expected: number[]; found: number[] }[];
}

/**
 * Sorts a state dict into what fits the parameters and what does not; throws if `strict` and anything does not, and for entries
 * that are no tensors in either case, so that what is matched can be taken.
 */
export function matchStateDict(
  parameters: ReadonlyMap<string, Parameter>,
  dict: StateDict,
  strict: boolean,
): { report: LoadReport; matched: Map<Parameter, StateTensor> } {
  checkStateDict(dict);
  const matched = new Map<Parameter, StateTensor>();
  const report: LoadReport = { missing: [], unexpected: [], mismatched: [] };
  for (const [name, parameter] of parameters) {
    const expected = parameter.torchShape;
    const found = Object.hasOwn(dict, name) ? dict[name] : undefined;
    if (found === undefined) report.missing.push(name);
    else if (sameShape(found.shape, expected)) matched.set(parameter, found);
    else report.mismatched.push({ name, expected, found: [...found.shape] });
  }
  report.unexpected = Object.keys(dict).filter((name) => !parameters.has(name));
  if (strict && report.missing.length + report.unexpected.length + report.mismatched.length > 0) {
    throw new UNetError('UNET_STATE_DICT', describe(report));
  }
  return { report, matched };
}

/** Throws `UNET_STATE_DICT` unless `dict` is a record of tensors with as many numbers as their shapes say. */
export function checkStateDict(dict: StateDict): void {
  const refuse = (argument: string, value: unknown, allowed: string): never => {
    throw new UNetError('UNET_STATE_DICT', invalidArgument({ argument, value, allowed }));
  };
  if (typeof dict !== 'object' || (dict as unknown) === null) {
    refuse('dict', dict, 'a record of names to { dtype, shape, data }');
  }
  for (const [name, tensor] of Object.entries(dict)) {
    const { shape, data } = (tensor as Partial<StateTensor> | null) ?? {};
    if (!Array.isArray(shape) || typeof data?.length !== 'number')
      refuse(`dict['${name}']`, tensor, '{ dtype, shape, data }');
    const size = tensor.shape.reduce((product, length) => product * length, 1);
    if (tensor.data.length !== size) {
      refuse(`dict['${name}'].data`, tensor.data, `${size} numbers for the shape [${tensor.shape.join(', ')}]`);
    }
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function describe({ missing, unexpected, mismatched }: LoadReport): string {
  const list = (title: string, names: string[]) => {
    if (names.length === 0) return [];
    const shown = names.slice(0, 5).join(', ');
    return [`${title} ${names.length > 5 ? `${shown}, ... ${names.length} in all` : shown}`];
  };
  const parts = [
    ...list('missing:', missing),
    ...list('unexpected:', unexpected),
    ...list(
      'of another shape:',
      mismatched.map(({ name, expected, found }) => `${name} [${found.join(', ')}] for [${expected.join(', ')}]`),
    ),
  ];
  return `The state dict does not fit the model; ${parts.join('; ')}. Pass \`{ strict: false }\` to load what fits.`;
}
