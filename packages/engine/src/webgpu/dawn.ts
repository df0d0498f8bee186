/** What the package `webgpu` exports: Dawn, the implementation of Chromium, for Node. */
interface Dawn {
  create(options: string[]): unknown;
  globals: Record<string, unknown>;
}

let provided = false;

/** Gives Node `navigator.gpu` and the constants of WebGPU, where the package is installed and there is none yet. */
export async function provideWebGpu(): Promise<void> {
  if (provided) return;
  provided = true;
  const scope = globalThis as { navigator?: { gpu?: unknown } };
  if (scope.navigator?.gpu !== undefined) return;
  const name: string = 'webgpu';
  const dawn = (await import(name).catch(() => undefined)) as Dawn | undefined;
  if (dawn === undefined) return;
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  if (scope.navigator === undefined) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(scope.navigator, 'gpu', { value: gpu, configurable: true });
}
