import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Physical cores that this process may use: two threads on one core share its arithmetic units, so more threads than cores
 * make tensors slower. Where the system does not tell (only Linux does, in a file), every logical core counts as one.
 */
export function physicalCores(): number {
  const logical = availableParallelism();
  const siblings = new Set<string>();
  for (let cpu = 0; ; cpu++) {
    try {
      siblings.add(readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, 'utf8').trim());
    } catch {
      break;
    }
  }
  return siblings.size === 0 ? logical : Math.min(logical, siblings.size);
}
