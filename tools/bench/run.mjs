/** `pnpm bench [package...]`: runs the benches of the named packages, or of all that have some, one after the other. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../../packages');
const scripts = (name) => JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')).scripts;
const benched = readdirSync(packages).filter((name) => scripts(name).bench !== undefined);
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benched.includes(name));
if (unknown.length > 0) {
  console.error(`no benches for ${unknown.join(', ')}; there are some for ${benched.join(', ')}`);
  process.exit(2);
}
const projects = (asked.length > 0 ? asked : benched).map((name) => `@missing-u/${name}`).join(',');
const args = ['run-many', '-t', 'bench', '-p', projects, '--parallel=1', '--output-style=stream', '--skip-nx-cache'];
process.exit(spawnSync('nx', args, { stdio: 'inherit' }).status ?? 1);
