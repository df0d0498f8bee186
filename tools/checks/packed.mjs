/**
 * Packs every package, installs the tarballs together in an empty folder with npm, and loads each entry point there, by
 * `import` and by `require` (of ESM): what a user gets, without the workspace around it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'missing-u-packed-'));
const pnpm = (args, cwd) =>
  execFileSync('npx', ['--yes', 'pnpm@12.21.0', ...args], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
const catalog = /'?@tensorflow\/tfjs-core'?: (\S+)/.exec(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))[1];

try {
  const dependencies = {};
  const entries = [];
  for (const name of readdirSync(join(root, 'packages'))) {
    const cwd = join(root, 'packages', name);
    const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
    pnpm(['pack', '--pack-destination', folder], cwd);
    const tarball = readdirSync(folder).find((file) => file.startsWith(`missing-u-${name}-${manifest.version}`));
    dependencies[manifest.name] = `file:${tarball}`;
    for (const [path, target] of Object.entries(manifest.exports)) {
      // A worker's entry is for `new Worker`, not for imports.
      if (typeof target === 'object' && !path.endsWith('.worker')) entries.push(join(manifest.name, path));
    }
    for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
      if (peer.startsWith('@tensorflow/')) dependencies[peer] = catalog;
    }
  }
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies,
      overrides: Object.fromEntries(
        Object.entries(dependencies)
          .filter(([name]) => name.startsWith('@missing-u/'))
          .map(([name]) => [name, `$${name}`]),
      ),
    }),
  );
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  });
  for (const entry of entries) {
    load(entry, `import * as loaded from '${entry}';`, 'module');
    load(entry, `const loaded = require('${entry}');`, 'commonjs');
  }
  console.log(`${entries.length} entry points load from their tarballs, by import and by require`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function load(entry, statement, type) {
  const code = `${statement} if (Object.keys(loaded).length === 0) throw new Error('${entry} exports nothing');`;
  execFileSync(process.execPath, [`--input-type=${type}`, '--disable-warning=ExperimentalWarning', '--eval', code], {
    cwd: folder,
    stdio: 'inherit',
  });
}
