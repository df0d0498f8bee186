import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DiffusionError } from '../errors.ts';

/** The package of the models that this project has trained. */
const PRETRAINED = '@missing-u/pretrained';

/** Whether a name is that of a folder in a scoped npm package, as `@missing-u/pretrained/mnist-cunet`. */
export function isPackageFolder(name: string): boolean {
  return /^@[\w.-]+\/[\w.-]+\/[\w./-]+$/.test(name);
}

/**
 * Where a folder of an npm package lies on this disk.
 *
 * @param name `@scope/package/folder`
 * @throws DiffusionError `DIFFUSION_NOT_INSTALLED`, `DIFFUSION_NOT_A_PIPELINE` with the models that the package has
 */
export function packageFolder(name: string): string {
  const [scope, own, ...rest] = name.split('/');
  const root = packageRoot(`${scope}/${own}`);
  if (root === undefined) {
    const message = `\`${name}\` is in the npm package ${scope}/${own}, which is not installed: npm install ${scope}/${own}`;
    throw new DiffusionError('DIFFUSION_NOT_INSTALLED', message);
  }
  const folder = join(root, ...rest);
  if (existsSync(folder)) return folder;
  const message = `The npm package ${scope}/${own} has no model \`${rest.join('/')}\`, but ${modelsIn(root).join(', ')}.`;
  throw new DiffusionError('DIFFUSION_NOT_A_PIPELINE', message);
}

/** The trained models of this project by name, as far as they are installed. */
export function pretrainedModels(): string[] {
  const root = packageRoot(PRETRAINED);
  return root === undefined ? [] : modelsIn(root);
}

/**
 * The folder of a published model by its name in full or short (`@missing-u/pretrained/mnist-cunet`, `mnist-cunet`); any other
 * name, and that of a folder that is there, as it is.
 *
 * @throws DiffusionError as {@link packageFolder}
 */
export function publishedFolder(name: string): string {
  if (existsSync(name)) return name;
  if (isPackageFolder(name)) return packageFolder(name);
  return pretrainedModels().includes(name) ? packageFolder(`${PRETRAINED}/${name}`) : name;
}

/** The folder of a package, seen from the working directory or, where it is not found, from here. */
function packageRoot(name: string): string | undefined {
  for (const from of [join(process.cwd(), 'index.js'), import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch {
      // Not there; asked from the next place.
    }
  }
  return undefined;
}

function modelsIn(root: string): string[] {
  return readdirSync(root).filter((entry) => existsSync(join(root, entry, 'model_index.json')));
}
