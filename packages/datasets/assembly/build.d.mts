export function assemble(): Promise<Uint8Array>;
export function sourceOf(binary: Uint8Array): string;
