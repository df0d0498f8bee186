/**
 * The two commands of a newcomer, `npm run demo` and `npm test`, with only Node and npm on the machine: installs dependencies
 * with the pinned pnpm, builds, then runs. Work that is already done is not done again.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM = 'pnpm@12.21.0';
const LEAST_NODE = [20, 19];
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const stamp = join(root, 'node_modules/.missing-u-installed');

/** Scripts of nx and vitest run quietly, without a background process or a question. */
const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false', TF_CPP_MIN_LOG_LEVEL: '2' };

const [task, ...args] = process.argv.slice(2);
const tasks = { demo, test, build };
if (!Object.hasOwn(tasks, task)) fail(`unknown task '${task}', allowed: ${Object.keys(tasks).join(', ')}`);
checkNode();
installDependencies();
tasks[task]();

function demo() {
  build();
  say('demo');
  run(process.execPath, ['packages/diffusion/bin/missing-u.js', 'demo', ...args]);
}

function test() {
  build();
  say('tests');
  pnpm(['run', 'test:unit', ...args]);
}

function build() {
  say('build (unchanged packages are taken from the cache)');
  pnpm(['run', 'build', '--outputStyle=static-failures-only']);
}

/** Installs when a manifest or the lockfile has changed since the last complete installation. */
function installDependencies() {
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say(`install dependencies with ${PNPM} (first time: about half a minute)`);
  pnpm(['install', '--frozen-lockfile', '--config.confirmModulesPurge=false']);
  writeFileSync(stamp, wanted);
}

function fingerprint() {
  const manifests = ['packages', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name, 'package.json')),
  );
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => join(root, name));
  const hash = createHash('sha256').update(process.version);
  for (const file of [...files, ...manifests.sort()]) if (existsSync(file)) hash.update(readFileSync(file));
  return hash.digest('hex');
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const old = major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1]);
  if (old)
    fail(`Node ${process.versions.node} is too old: ${LEAST_NODE.join('.')} or newer is needed (https://nodejs.org)`);
}

function pnpm(args) {
  run(process.platform === 'win32' ? 'npx.cmd' : 'npx', ['--yes', PNPM, ...args]);
}

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command !== process.execPath,
  });
  if (error) fail(`cannot start ${command}: ${error.message}`);
  if (signal) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}

function say(text) {
  console.log(`\n▸ ${text}`);
}

function fail(message) {
  console.error(`missing-u: ${message}`);
  process.exit(2);
}
