import { existsSync, readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { DiffusionError } from '../errors.ts';

/**
 * The configuration in a file of a user: JSON, or a module (`.ts`, `.js`, `.mjs`) whose default export it is.
 *
 * @throws DiffusionError `DIFFUSION_BAD_CONFIG_FILE`
 */
export async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const refuse = (reason: string, cause?: unknown): never => {
    const message = `The configuration \`${path}\` cannot be read: ${reason}.`;
    throw new DiffusionError('DIFFUSION_BAD_CONFIG_FILE', message, { cause });
  };
  if (!existsSync(path)) return refuse('there is no such file');
  let content: unknown;
  try {
    content =
      extname(path) === '.json'
        ? JSON.parse(readFileSync(path, 'utf8'))
        : await createJiti(import.meta.url).import(resolve(path), { default: true });
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  return refuse(`it holds ${JSON.stringify(content) ?? String(content)}, not an object of settings`);
}
