import { host } from '#host';

/** The part of WebGPU that is looked at here. */
export interface Gpu {
  requestAdapter(options?: { powerPreference?: 'high-performance' }): Promise<Adapter | null>;
}

interface Adapter {
  readonly info?: AdapterInfo;
  readonly isFallbackAdapter?: boolean;
}

/** What an adapter says about itself. */
export interface AdapterInfo {
  vendor?: string;
  architecture?: string;
  description?: string;
  isFallbackAdapter?: boolean;
}

/** What WebGPU would compute on. */
export interface Card {
  name: string;
  /** A program that plays a graphics card on the processor: right, but slower than wasm. */
  software: boolean;
}

/** Why there is no card, with the command that would change that. */
export interface NoCard {
  reason: string;
  remedy?: string;
}

/** The graphics card that WebGPU offers, or the reason why there is none. Loads nothing into this process. */
export async function findCard(): Promise<Card | NoCard> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: Gpu };
  if (gpu === undefined) {
    return host === undefined ? { reason: 'this browser has no WebGPU' } : await host.findWebGpuCard();
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (adapter === null) return noAdapter;
  return describe({ isFallbackAdapter: adapter.isFallbackAdapter ?? false, ...plain(adapter.info ?? {}) });
}

export const noAdapter: NoCard = { reason: 'WebGPU finds no graphics card' };

/** The card of an adapter. */
export function describe({ vendor = '', architecture = '', description = '', isFallbackAdapter }: AdapterInfo): Card {
  const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'graphics card';
  const played = /swiftshader|llvmpipe|lavapipe|software/i.test(`${vendor} ${architecture} ${name}`);
  return { name, software: played || (isFallbackAdapter ?? false) };
}

/** Its fields are getters of a prototype, which spreading leaves out. */
function plain({ vendor, architecture, description, isFallbackAdapter }: AdapterInfo): AdapterInfo {
  return {
    ...(vendor !== undefined && { vendor }),
    ...(architecture !== undefined && { architecture }),
    ...(description !== undefined && { description }),
    ...(isFallbackAdapter !== undefined && { isFallbackAdapter }),
  };
}
