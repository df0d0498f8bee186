/** `pnpm bench [package...]`: runs the benches of the named packages, or of all that have some, one after the other. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../../packages');
const benched = readdirSync(packages).filter((name) => {
  const path = join(packages, name, 'package.json');
  return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).scripts?.bench !== undefined;
});
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benched.includes(name));
if (unknown.length > 0) {
  console.error(`no benches for ${unknown.join(', ')}; there are some for ${benched.join(', ')}`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : benched) {
  console.log(`\n▸ ${name}`);
  const { status } = spawnSync('pnpm', ['run', 'bench'], { cwd: join(packages, name), stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
