import { host } from '#host';

/** The part of WebGPU that is looked at here. */
interface Gpu {
  requestAdapter(options?: { powerPreference?: 'high-performance' }): Promise<Adapter | null>;
}

interface Adapter {
  readonly info?: { vendor?: string; architecture?: string; description?: string; isFallbackAdapter?: boolean };
  readonly isFallbackAdapter?: boolean;
}

/** What WebGPU would compute on. */
export interface Card {
  name: string;
  /** A program that plays a graphics card on the processor: right, but slower than wasm. */
  software: boolean;
}

/** The graphics card that WebGPU offers, or the reason why there is none. */
export async function findCard(): Promise<Card | string> {
  await host?.provideWebGpu();
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: Gpu };
  if (gpu === undefined) {
    return host === undefined ? 'this browser has no WebGPU' : 'the package `webgpu` is not installed';
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (adapter === null) return 'WebGPU finds no graphics card';
  const { vendor = '', architecture = '', description = '', isFallbackAdapter } = adapter.info ?? {};
  const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'graphics card';
  const software = isFallbackAdapter ?? adapter.isFallbackAdapter ?? false;
  return {
    name,
    software: software || /swiftshader|llvmpipe|lavapipe|software/i.test(`${vendor} ${architecture} ${name}`),
  };
}
