import { nodeModule } from '../platform.ts';

/** The MD5 sum of bytes (Node), by which these data sets were published. */
export function md5(bytes: Uint8Array): string {
  return nodeModule('node:crypto').createHash('md5').update(bytes).digest('hex');
}
