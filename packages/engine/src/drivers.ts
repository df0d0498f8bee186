import { host } from '#host';
import { cpu } from './cpu/driver.ts';
import type { Driver } from './driver.ts';
import { wasm } from './wasm/driver.ts';
import { webgl } from './webgl/driver.ts';
import { webgpu } from './webgpu/driver.ts';

/** All engines of this place, fastest first: the order in which `auto` tries them. */
export const drivers: readonly Driver[] = [
  ...(host === undefined ? [] : [host.native]),
  webgpu,
  ...(host === undefined ? [webgl] : []),
  wasm,
  cpu,
];
