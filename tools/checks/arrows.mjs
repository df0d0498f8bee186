/**
 * Fails on a dependency that points upwards, on a backend outside `engine`, on the tfjs union package in library code, and
 * on an import that the package's manifest does not declare.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../../packages');

/** Who may depend on whom: a package only on packages of the layers above its own line. */
const layers = [
  ['errors'],
  ['random'],
  ['autodiff', 'weights'],
  ['engine', 'ode-solvers', 'unet-blocks'],
  ['schedulers', 'metrics', 'datasets'],
  ['cunet', 'denoisers', 'onnx'],
  ['pretrained'],
  ['diffusion'],
];
const layerOf = (name) => layers.findIndex((layer) => layer.includes(name));

const problems = [];
for (const name of readdirSync(packages)) {
  const manifest = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8'));
  const declared = new Set(
    ['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((kind) => Object.keys(manifest[kind] ?? {})),
  );
  if (layerOf(name) === -1) problems.push(`${name}: give it a layer in tools/checks/arrows.mjs`);
  for (const file of sources(join(packages, name, 'src'))) {
    for (const imported of imports(readFileSync(file, 'utf8'))) {
      const at = `${file.slice(packages.length + 1)}: imports ${imported}`;
      const own = /^@missing-u\/([^/]+)/.exec(imported)?.[1];
      if (own !== undefined && own !== name && layerOf(own) >= layerOf(name))
        problems.push(`${at}, which is not below it`);
      if (imported === '@tensorflow/tfjs') problems.push(`${at}: take @tensorflow/tfjs-core`);
      if (/^@tensorflow\/tfjs-(backend|node)/.test(imported) && name !== 'engine') {
        problems.push(`${at}: only engine names backends`);
      }
      const root = /^(@[^/]+\/[^/]+|[^@.#/][^/]*)/.exec(imported)?.[1];
      const builtin = imported.startsWith('node:');
      if (root !== undefined && !builtin && root !== manifest.name && !declared.has(root)) {
        problems.push(`${at}, which package.json does not declare`);
      }
    }
  }
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

function sources(folder) {
  return readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

/** Specifiers of static and dynamic imports and re-exports; comments are dropped first. */
function imports(text) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const pattern =
    /(?:^|[\s;])(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm;
  const found = [...code.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3]);
  return found.filter((specifier) => !specifier.includes('${'));
}
