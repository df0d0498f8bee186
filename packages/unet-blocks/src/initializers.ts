import type { Generator } from '@missing-u/random';

/**
 * Draws the first values of a parameter, in PyTorch's order. `shape` is PyTorch's: [out, in] or [out, in, height, width].
 * With a `torchGenerator` and the same order of construction the values are PyTorch's own.
 */
export type Initializer = (shape: readonly number[], generator: Generator) => Float32Array<ArrayBuffer>;

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** All zeros: biases, and the last layer of a branch that shall start as nothing. */
export const zeros: Initializer = (shape) => new Float32Array(size(shape));

/** All ones: scales of norms. */
export const ones: Initializer = (shape) => new Float32Array(size(shape)).fill(1);

/** Uniform in ±1/√fanIn: PyTorch's default for weights (Kaiming uniform with a = √5) and biases of linear and convolution. */
export function fanInUniform(fanIn: number): Initializer {
  return uniform(1 / Math.sqrt(fanIn));
}

/** Normal with mean 0 and this standard deviation. */
export function normal(deviation = 1): Initializer {
  return (shape, generator) => generator.fillNormal(new Float32Array(size(shape))).map((value) => value * deviation);
}

/** Ho et al.'s and TensorFlow's `variance_scaling(scale, 'fan_avg', 'uniform')`: uniform with variance 2·scale/(fanIn + fanOut). */
export function varianceScaling(scale: number): Initializer {
  return (shape, generator) => {
    const [out = 1, into = 1, ...kernel] = shape;
    const fanAverage = (size(kernel) * (into + out)) / 2;
    return uniform(Math.sqrt((3 * Math.max(scale, 1e-10)) / fanAverage))(shape, generator);
  };
}

function uniform(bound: number): Initializer {
  return (shape, generator) => {
    const values = generator.fillUniform(new Float32Array(size(shape)));
    for (let i = 0; i < values.length; i++) values[i] = values[i]! * 2 * bound - bound;
    return values;
  };
}
