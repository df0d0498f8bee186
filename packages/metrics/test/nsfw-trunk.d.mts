import type { StateTensor } from '@missing-u/weights';

export function nsfwTrunk(): Record<string, StateTensor>[];
