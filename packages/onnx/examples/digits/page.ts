import { OnnxDenoiser, type Images } from '@missing-u/onnx';
import { sample } from './sample.ts';

const form = document.querySelector('form')!;
const canvas = document.querySelector('canvas')!;
const output = document.querySelector('output')!;
const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;

/** Samples with a model: its bytes, or its address. */
async function run(model: ArrayBuffer | string): Promise<void> {
  let unet: OnnxDenoiser | undefined;
  try {
    const threads = Math.min(4, navigator.hardwareConcurrency);
    unet = await OnnxDenoiser.load(model, { providers: [field('provider').value], threads });
    const [count, steps, seed] = ['count', 'steps', 'seed'].map((name) => field(name).valueAsNumber);
    const begin = performance.now();
    const onStep = (t: number) => (output.textContent = `t = ${t}`);
    draw(await sample(unet, { count, steps, seed, onStep }));
    output.textContent = `${steps} steps in ${((performance.now() - begin) / 1000).toFixed(2)} s`;
  } catch (error) {
    const { code = 'Error', message } = error as Error & { code?: string };
    output.textContent = `${code}: ${message}`;
  } finally {
    await unet?.dispose();
  }
}

/** Draws images side by side, four in a row. */
function draw({ data, shape }: Images): void {
  const [count, height, width, channels] = shape as [number, number, number, number];
  const columns = Math.min(count, 4);
  canvas.width = columns * width;
  canvas.height = Math.ceil(count / columns) * height;
  const context = canvas.getContext('2d')!;
  for (let i = 0; i < count; i++) {
    const pixels = context.createImageData(width, height);
    for (let at = 0; at < width * height; at++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = data[(i * height * width + at) * channels + Math.min(channel, channels - 1)]!;
        pixels.data[4 * at + channel] = 127.5 * (value + 1); // the array rounds and clips
      }
      pixels.data[4 * at + 3] = 255;
    }
    context.putImageData(pixels, (i % columns) * width, Math.floor(i / columns) * height);
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const [file] = field('model').files!;
  if (file !== undefined) void file.arrayBuffer().then(run);
});

// ?model=digits.onnx&steps=10 samples at once.
const query = new URLSearchParams(location.search);
for (const name of ['count', 'steps', 'seed', 'provider']) if (query.has(name)) field(name).value = query.get(name)!;
if (query.has('model')) await run(query.get('model')!);
