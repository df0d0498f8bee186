/**
 * Type-checks every ```ts block of the READMEs and the docs against the packages' sources, so that no example outlives the
 * interface it shows. A block is a module of its own; a fence of ```ts continued goes on from the block before it in the file.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');
const folder = join(root, '.cache/snippets');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const pages = [
  join(root, 'README.md'),
  ...readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name, 'README.md'))
    .filter(existsSync),
  ...markdown(join(root, 'docs')),
];
let count = 0;
for (const page of pages) {
  const blocks = [];
  for (const [, continued, code] of readFileSync(page, 'utf8').matchAll(/^```ts( continued)?\n([\s\S]*?)^```/gm)) {
    if (continued !== undefined && blocks.length > 0) blocks.push(`${blocks.pop()}\n${code}`);
    else blocks.push(code);
  }
  blocks.forEach((code, i) => {
    const name = `${relative(root, page).replace(/[/\\]/g, '_')}_${i + 1}.ts`;
    writeFileSync(join(folder, name), `${code}\nexport {};\n`);
    count += 1;
  });
}

const sources = {};
for (const name of readdirSync(join(root, 'packages'))) {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  for (const [path, target] of Object.entries(manifest.exports)) {
    const source = typeof target === 'object' ? target['@missing-u/source'] : undefined;
    if (source !== undefined) sources[join(manifest.name, path)] = [join(root, 'packages', name, source)];
  }
}
sources['@tensorflow/tfjs'] = [join(root, 'node_modules/@tensorflow/tfjs-core')];
const config = {
  extends: join(root, 'tools/build/tsconfig.json'),
  compilerOptions: { paths: sources, typeRoots: [join(root, 'node_modules/@types')] },
  include: ['*.ts'],
};
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config, null, 2));
// Readers write plain JavaScript too: an example need not annotate parameters, nor prove that an element is there.
const pardoned = /error TS(7006|7031|2532|18048):/;
const { stdout, error } = spawnSync('tsc', ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
if (error) throw error;
const problems = stdout.split('\n').filter((line) => line.includes('error TS') && !pardoned.test(line));
console.log(problems.length > 0 ? problems.join('\n') : `${count} examples type-check`);
process.exit(problems.length > 0 ? 1 : 0);

function markdown(path) {
  return readdirSync(path).flatMap((name) => {
    const child = join(path, name);
    if (name === 'api') return [];
    return statSync(child).isDirectory() ? markdown(child) : name.endsWith('.md') ? [child] : [];
  });
}
