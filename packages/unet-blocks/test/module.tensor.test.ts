import { compile } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';
import { createGenerator, torchGenerator } from '@missing-u/random';
import { describe, expect, it } from 'vitest';
import {
  AttentionBlock,
  Conv2d,
  Dropout,
  FourierProjection,
  Linear,
  Module,
  sinusoidalEmbedding,
  UNet,
  UNet2DModel,
  UpsampleTransposed,
  type UNet2DOptions,
} from '@missing-u/unet-blocks';
import type { StateTensor } from '@missing-u/weights';
import { random } from './random.ts';

class Pair extends Module {
  readonly parts = [0, 1].map((i) => this.child(`parts.${i}`, new Linear({ inFeatures: 2, outFeatures: 2 })));
  readonly conv = this.child('conv', new Conv2d({ inChannels: 1, outChannels: 2 }));
}

const smallest = {
  blockOutChannels: [4],
  downBlockTypes: ['DownBlock2D'],
  upBlockTypes: ['UpBlock2D'],
  normNumGroups: 2,
  layersPerBlock: 1,
  attentionHeadDim: 4,
};

const pair = (seed = 0) => new Pair().initialize(createGenerator(seed));

/** Written as in PyTorch: parts are properties. */
class Assigned extends Module {
  readonly first = new Linear({ inFeatures: 2, outFeatures: 3 });
  readonly blocks = [0, 1].map(() => new Linear({ inFeatures: 3, outFeatures: 3 }));
  readonly declared = this.child('last', new Pair());
  readonly shortCut = this.declared.conv;
}

describe('Module', () => {
  it('finds parts that are properties, by the names of these, each once', async () => {
    const module = new Assigned().initialize(createGenerator(1));
    const names = module.parameters().map(({ name }) => name);
    const below = ['parts.0', 'parts.1', 'conv'].map((name) => `last.${name}`);
    const paths = [...below, 'first', 'blocks.0', 'blocks.1'].flatMap((path) => [`${path}.weight`, `${path}.bias`]);
    expect(names).toEqual(paths);
    const copy = module.clone();
    copy.loadStateDict(module.stateDict());
    expect(copy.first.parameters()).toHaveLength(2);
    module.dispose();
    copy.dispose();
    await expect(() => new Assigned().initialize(createGenerator(1)).dispose()).toLeakNoTensors();
  });

  it('refuses to be initialised or trained by nothing: without a generator dropout would stay off', () => {
    const bad = { code: 'UNET_GENERATOR', message: expect.stringContaining('createGenerator') as string };
    expect(() => new Pair().initialize(undefined as never)).toThrow(expect.objectContaining(bad) as Error);
    expect(() => new Pair().train(undefined as never)).toThrow(expect.objectContaining(bad) as Error);
  });

  it('names its weights by path, in definition order', () => {
    const names = pair()
      .parameters()
      .map(({ name }) => name);
    expect(names).toEqual([
      'parts.0.weight',
      'parts.0.bias',
      'parts.1.weight',
      'parts.1.bias',
      'conv.weight',
      'conv.bias',
    ]);
    expect(pair().parameterCount).toBe(2 * 6 + 20);
  });

  it('draws the same weights from the same seed', () => {
    expect(pair(0).stateDict()).toEqual(pair(0).stateDict());
    expect(pair(0).stateDict()).not.toEqual(pair(1).stateDict());
  });

  it("draws PyTorch's weights from PyTorch's generator", () => {
    // torch.manual_seed(0); torch.nn.Linear(3, 2): weight, then bias
    const linear = new Linear({ inFeatures: 3, outFeatures: 2 }).initialize(torchGenerator(0));
    const { weight, bias } = linear.stateDict();
    expect(weight!.shape).toEqual([2, 3]);
    expect(Array.from(weight!.data as Float32Array)).toBeAllClose(
      [-0.0043, 0.3097, -0.4752, -0.4249, -0.2224, 0.1548],
      {
        atol: 1e-4,
      },
    );
    expect(Array.from(bias!.data as Float32Array)).toBeAllClose([-0.0114, 0.4578], { atol: 1e-4 });
  });

  it("hands its weights out and takes them in PyTorch's order", () => {
    const [a, b] = [pair(0), pair(1)];
    expect(b.loadStateDict(a.stateDict())).toEqual({ missing: [], unexpected: [], mismatched: [] });
    expect(b.stateDict()).toEqual(a.stateDict());
    expect(a.stateDict()['conv.weight']!.shape).toEqual([2, 1, 3, 3]);
    const { variable } = b.parameters()[4]!;
    expect(variable.shape).toEqual([3, 3, 1, 2]);
  });

  it('tells what does not fit, and changes nothing', () => {
    const model = pair();
    const before = model.stateDict();
    const { 'conv.bias': bias, ...rest } = pair(1).stateDict();
    const wrong = { ...rest, other: bias!, 'parts.0.bias': { ...bias!, shape: [1, 2] } };
    expect(() => model.loadStateDict(wrong)).toThrow(
      'missing: conv.bias; unexpected: other; of another shape: parts.0.bias [1, 2] for [2]',
    );
    expect(model.stateDict()).toEqual(before);
    expect(model.loadStateDict(wrong, { strict: false })).toEqual({
      missing: ['conv.bias'],
      unexpected: ['other'],
      mismatched: [{ name: 'parts.0.bias', expected: [2], found: [1, 2] }],
    });
    expect(model.stateDict()['conv.weight']).toEqual(pair(1).stateDict()['conv.weight']);
    expect(model.stateDict()['conv.bias']).toEqual(before['conv.bias']);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'too few numbers',
      { dtype: 'float32', shape: [2], data: new Float32Array(1) },
      /`dict\['conv.bias'\].data`.*2 numbers/,
    ],
    ['nothing', null, /`dict\['conv.bias'\]` is null/],
    ['a plain array', Float32Array.of(1, 2), /`dict\['conv.bias'\]`/],
  ])('takes nothing of a state dict with an entry of %s', (_, entry, message) => {
    const model = pair();
    const before = model.stateDict();
    const dict = { ...pair(1).stateDict(), 'conv.bias': entry as StateTensor };
    for (const strict of [true, false]) {
      expect(() => model.loadStateDict(dict, { strict })).toThrow(message);
      expect(() => model.loadStateDict(dict, { strict })).toThrow(expect.objectContaining({ code: 'UNET_STATE_DICT' }));
    }
    expect(model.stateDict()).toEqual(before);
  });

  it('is frozen and thawed', () => {
    const model = pair().freeze();
    expect(model.parameters().every(({ variable }) => !variable.trainable)).toBe(true);
    expect(
      model
        .freeze(false)
        .parameters()
        .every(({ variable }) => variable.trainable),
    ).toBe(true);
  });

  it('keeps tables out of training whatever is thawed', () => {
    const model = new FourierProjection({ size: 4, scale: 16 }).initialize(createGenerator(0));
    const trainable = (module: Module) => module.parameters().map(({ variable }) => variable.trainable);
    expect(trainable(model)).toEqual([false]);
    expect(trainable(model.freeze().freeze(false))).toEqual([false]);
    const frozen = pair().freeze().clone();
    expect(trainable(frozen)).not.toContain(true);
    expect(trainable(frozen.freeze(false))).not.toContain(false);
  });

  it('is cloned with weights of its own', () => {
    const model = pair();
    const copy = model.clone();
    expect(copy).toBeInstanceOf(Pair);
    copy.parts[0]!.parameters()[0]!.variable.assign(tf.zeros([2, 2]));
    expect(copy.stateDict()['parts.0.weight']!.data).toEqual(new Float32Array(4));
    expect(model.stateDict()).toEqual(pair().stateDict());
  });

  it('frees its weights, and says so afterwards', async () => {
    await expect(() => pair().dispose()).toLeakNoTensors();
    const model = pair();
    model.dispose();
    expect(() => model.parameters()).toThrow(/disposed/);
    expect(() => new Pair().parameters()).toThrow(/initialize/);
  });

  it('turns dropout on for training only', () => {
    const dropout = new Dropout(0.5);
    const x = tf.ones<tf.Rank.R4>([1, 16, 16, 4]);
    expect(dropout.forward(x)).toBe(x);
    dropout.train(createGenerator(0));
    const values = Array.from(dropout.forward(x).dataSync());
    expect(new Set(values)).toEqual(new Set([0, 2]));
    expect(values.reduce((a, b) => a + b, 0) / values.length).toBeCloseTo(1, 0);
    expect(dropout.eval().forward(x)).toBe(x);
  });

  it('drops out by draws that are given, an image by its row, and leaves dropout as it was', async () => {
    const layer = new Dropout(0.25);
    const x = tf.reshape<tf.Rank.R4>(tf.range(1, 9), [2, 1, 2, 2]);
    const draws = tf.tensor2d([0, 0.24, 0.25, 0.9, 0.3, 0.1, 0.99, 0.2, 0.5, 0.5], [2, 5]);
    expect(layer.dropoutSize(() => layer.forward(x))).toBe(4);
    expect(layer.dropoutSize(() => [x, x].map((image) => layer.forward(image)))).toBe(8);
    const never = () => expect.fail('nothing is dropped');
    expect(new Dropout(0).dropoutSize(never)).toBe(0);
    await expect(() => {
      const y = layer.withDropout(draws, () => layer.forward(x));
      expect(y).toBeAllClose([0, 0, 4, 16 / 3, 0, 8, 0, 32 / 3], { rtol: 1e-6 });
      y.dispose();
    }).toLeakNoTensors();
    const short = { code: 'UNET_DROPOUT_DRAWS', message: expect.stringContaining('8 numbers or more') as string };
    await expect(() => {
      const twice = () => tf.tidy(() => layer.forward(layer.forward(x)));
      expect(() => layer.withDropout(draws, twice)).toThrow(expect.objectContaining(short) as Error);
    }).toLeakNoTensors();
    expect(layer.forward(x)).toBe(x);
    tf.dispose([x, draws]);
  });

  it('takes draws as the input of a graph, which drops out anew in each run', () => {
    const size = { sampleSize: 8, inChannels: 1, outChannels: 1, blockOutChannels: [8, 8], normNumGroups: 4 };
    const types = { downBlockTypes: ['DownBlock2D', 'DownBlock2D'], upBlockTypes: ['UpBlock2D', 'UpBlock2D'] };
    const model = new UNet2DModel({ ...size, ...types, layersPerBlock: 1, addAttention: false, dropout: 0.5 });
    const x: tf.Tensor4D = tf.ones([2, 8, 8, 1]);
    const predict = () => model.predict(x, 7);
    // One number for each that a second convolution of a residual block takes: 1 + 2 blocks of 8 x 8 x 8, and 1 + 2 + 2 of half the side.
    const count = model.dropoutSize(() => tf.tidy(() => void predict()));
    expect(count).toBe(3 * 512 + 5 * 128);
    const compiled = compile((draws: tf.Tensor2D) => model.withDropout(draws, predict));
    const outputs = [1, 2].map((seed) => {
      const draws = tf.randomUniform<tf.Rank.R2>([2, count], 0, 1, 'float32', seed);
      const [eager, graph] = [model.withDropout(draws, predict), compiled(draws)];
      expect(graph).toBeAllClose(eager, { rtol: 1e-4, atol: 1e-4 });
      tf.dispose([draws, eager]);
      return graph;
    });
    expect(outputs[0]!.dataSync()).not.toEqual(outputs[1]!.dataSync());
    compiled.dispose();
    model.dispose();
    tf.dispose([x, outputs]);
  });
});

describe('layers', () => {
  it('convolve and transpose as PyTorch', () => {
    // conv_transpose2d of one pixel is the filter, cut by the padding of 1.
    const layer = new UpsampleTransposed({ inChannels: 1 }).initialize(createGenerator(0));
    const { data } = layer.stateDict()['weight']!;
    const bias = layer.stateDict()['bias']!.data[0] as number;
    const centre = [5, 6, 9, 10].map((i) => (data[i] as number) + bias);
    expect(layer.forward(tf.ones([1, 1, 1, 1]))).toBeAllClose(centre);
  });

  it('embed times as diffusers does', () => {
    // tests/models/test_layers_utils.py of diffusers: rows 23 to 25, columns 47 to 49, rtol 1e-3
    const times = tf.range(0, 128, 1, 'float32');
    const corner = (options: object) => tf.slice(sinusoidalEmbedding(times, 64, options), [23, 47], [3, 3]);
    const close = { rtol: 1e-3, atol: 1e-4 };
    expect(corner({})).toBeAllClose([0.9646, 0.9804, 0.9892, 0.9615, 0.9787, 0.9882, 0.9582, 0.9769, 0.9872], close);
    expect(corner({ downscaleFreqShift: 0, flipSinToCos: true })).toBeAllClose(
      [0.3019, 0.228, 0.1716, 0.3146, 0.2377, 0.179, 0.3272, 0.2474, 0.1864],
      close,
    );
    expect(corner({ scale: 1000 })).toBeAllClose(
      [-0.9801, -0.9464, -0.9349, -0.3952, 0.8887, -0.9709, 0.5299, -0.2853, -0.9927],
      { atol: 5e-3 },
    );
  });
});

describe('bad input is refused by name', () => {
  const net = new UNet({ dim: 8, dimMults: [1, 2], weights: 'none' });
  const x = () => random<tf.Rank.R4>([2, 8, 8, 3]);
  it.each<[RegExp, () => unknown]>([
    [/sample.*rank 4/, () => net.predict(tf.zeros([8, 8, 3]) as unknown as tf.Tensor4D, 1)],
    [/sample.*3 channels.*NHWC/, () => net.predict(tf.zeros([2, 3, 8, 8]), 1)],
    [/sample.*float32/, () => net.predict(tf.zeros([2, 8, 8, 3], 'int32'), 1)],
    [/sample.*2 divides/, () => net.predict(tf.zeros([2, 7, 8, 3]), 1)],
    [/timesteps.*2 in all/, () => net.predict(x(), [1, 2, 3])],
    [/timesteps.*2 in all/, () => net.predict(x(), tf.tensor1d([1]))],
    [/timesteps.*finite|timesteps.*0 to 999/, () => net.predict(x(), NaN)],
    [/timesteps.*0 to 999/, () => net.predict(x(), 1000)],
    [/timesteps.*0 to 999.*-1/, () => net.predict(x(), [-1, 5])],
    [/timesteps.*0 to 999.*4000/, () => net.predict(x(), tf.tensor1d([3, 4000]))],
    [/timesteps.*rank|timesteps.*per image/, () => net.predict(x(), tf.zeros([2, 1]) as unknown as tf.Tensor1D)],
    [/timesteps.*int32/, () => net.predict(x(), tf.tensor1d([true, false], 'bool'))],
    [/timesteps.*a number, an array/, () => net.predict(x(), undefined as unknown as number)],
    [/selfCondition.*left out/, () => net.predict(x(), 1, { selfCondition: x() })],
    [/initialize/, () => net.predict(x(), 1)],
    [/Did you mean 'lucidrains'/, () => new UNet({ preset: 'lucidrain' as never })],
    [/Did you mean 'dimMults'/, () => new UNet({ dimMult: [1] } as never)],
    [/`groups` is 3/, () => new UNet({ dim: 8, groups: 3 })],
    [/`dim` is 1.5/, () => new UNet({ dim: 1.5 })],
    [/`options` is null/, () => new UNet(null as never)],
    [/`options` is null/, () => new UNet2DModel(null as never)],
    [/`selfCondition` is 'yes'/, () => new UNet({ selfCondition: 'yes' as never })],
    [/`blockOutChannels` is 8.*a list/, () => new UNet2DModel({ blockOutChannels: 8 as never })],
    [/`dict` is null/, () => new UNet({ weights: 'none' }).loadStateDict(null as never)],
    [/`dict` is null/, () => new UNet2DModel(smallest, { weights: 'none' }).loadStateDict(null as never)],
    [/fullAttention.*2 levels/, () => new UNet({ dim: 8, dimMults: [1, 2], fullAttention: [true] })],
    [/Did you mean 'learned'/, () => new UNet({ dim: 8, sinusoids: 'learn' as 'learned' })],
    [/headSize.*4 or less/, () => new AttentionBlock({ channels: 4, headSize: 8 })],
    [
      /outChannels.*3 with skip/,
      () =>
        new UNet2DModel({
          downBlockTypes: ['SkipDownBlock2D'],
          upBlockTypes: ['SkipUpBlock2D'],
          blockOutChannels: [16],
          outChannels: 1,
        }),
    ],
    [/`imageSize` is 'abc'/, () => new UNet({ imageSize: 'abc' as never })],
    [/`imageSize` is -5/, () => new UNet({ preset: 'ho', imageSize: -5 })],
    [/`fullAttention` is null/, () => new UNet({ dim: 8, dimMults: [1, 2], fullAttention: null as never })],
    [/`fullAttention` is 'ab'/, () => new UNet({ dim: 8, dimMults: [1, 2], fullAttention: 'ab' as never })],
    [/`generator` is .*createGenerator/, () => new UNet({ dim: 8, generator: {} as never })],
    [/sample.*one image or more/, () => net.predict(tf.zeros([0, 8, 8, 3]), 1)],
    [/sample.*2 pixels or more/, () => net.predict(tf.zeros([1, 0, 8, 3]), 1)],
    ...(
      [
        { timeEmbeddingDim: -1 },
        { timeEmbeddingDim: 'x' },
        { timeEmbeddingDim: 1.5 },
        { normEps: null },
        { normEps: 'x' },
        { normEps: -1 },
        { midBlockScaleFactor: 0 },
        { midBlockScaleFactor: null },
        { downsamplePadding: 2 },
        { downsamplePadding: 'x' },
        { freqShift: 'x' },
        { sampleSize: 'x' },
        { sampleSize: -1 },
        { sampleSize: [8] },
        { dropout: null },
        { attnNormNumGroups: 'x' },
        { downBlockTypes: [5] },
      ] as Record<string, unknown>[]
    ).map((options): [RegExp, () => unknown] => [
      new RegExp(`\`${Object.keys(options)[0]}\``),
      () => new UNet2DModel({ ...smallest, ...options }),
    ]),
    [/`weights` is 'x'/, () => new UNet2DModel(smallest, { weights: 'x' as never })],
    [/`weights` is null/, () => new UNet2DModel(smallest, null as never)],
    [/`generator` is 5/, () => new UNet2DModel(smallest, { generator: 5 as never })],
  ])('%s', (message, run) => {
    const before = tf.memory().numTensors;
    const refused = expect.objectContaining({ code: expect.stringMatching(/^UNET_/) as string });
    expect(() => tf.tidy(() => void run())).toThrow(message);
    expect(() => tf.tidy(() => void run())).toThrow(refused);
    expect(tf.memory().numTensors).toBe(before);
  });
});

it.each<[string, Partial<UNet2DOptions>, () => unknown, RegExp]>([
  ['beyond the count', { numClassEmbeds: 4 }, () => [4], /0 to 3/],
  ['too many', { numClassEmbeds: 4 }, () => [1, 2], /1 in all/],
  ['too short embeddings', { classEmbedType: 'identity' }, () => tf.zeros([1, 5]), /\[1, 16\]/],
])('refuses class labels that are %s by their name', (_, options, classLabels, message) => {
  const model = new UNet2DModel({ ...smallest, ...options });
  const run = () => model.predict(tf.zeros([1, 4, 4, 3]), 1, { classLabels: classLabels() as number[] });
  expect(run).toThrow(expect.objectContaining({ code: 'UNET_CLASS_LABELS' }));
  expect(run).toThrow(/`classLabels`/);
  expect(run).toThrow(message);
});

it('refuses images that a decoder cannot reflect at the edges', () => {
  const levels = { downBlockTypes: ['KDownBlock2D', 'KDownBlock2D'], upBlockTypes: ['KUpBlock2D', 'KUpBlock2D'] };
  const model = new UNet2DModel({ ...levels, blockOutChannels: [32, 32], layersPerBlock: 1 }, { weights: 'none' });
  expect(() => model.predict(tf.zeros([1, 2, 4, 3]), 1)).toThrow(/sides of 4 pixels or more/);
});

it('keeps the config of a copy frozen', () => {
  const model = new UNet2DModel(smallest, { weights: 'none' });
  const { config } = model.clone();
  expect(config).toEqual(model.config);
  expect(Object.isFrozen(config)).toBe(true);
});

it('takes times beyond the steps of training, and negative ones, where it is told to', async () => {
  const net = new UNet({ dim: 8, dimMults: [1, 2], trainTimesteps: null });
  const x = tf.zeros<tf.Rank.R4>([1, 8, 8, 3]);
  await expect(() => net.predict(x, -3.5).dispose()).toLeakNoTensors();
  expect(net.forward(x, tf.scalar(2000)).sample.shape).toEqual([1, 8, 8, 3]);
  net.dispose();
});
