/**
 * Writes down the public surface of every package as `packages/<name>/etc/<entry>.api.md` (`--update`), or fails where the
 * built types are not what is written down: so a change of the surface shows in the diff. Needs a build.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const update = process.argv.includes('--update');
const packages = join(import.meta.dirname, '../../packages');
const temporary = mkdtempSync(join(tmpdir(), 'missing-u-api-'));
/** What the built types need to be read with. */
const typescript = {
  compilerOptions: {
    target: 'ES2022',
    module: 'ESNext',
    moduleResolution: 'bundler',
    lib: ['ES2023', 'DOM', 'DOM.Iterable'],
    types: ['node'],
    skipLibCheck: true,
  },
};
let drifted = 0;

for (const name of readdirSync(packages)) {
  const folder = join(packages, name);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const [path, target] of Object.entries(manifest.exports)) {
    if (typeof target !== 'object' || target.types === undefined) continue;
    const entry = path === '.' ? name : `${name}-${basename(path)}`;
    mkdirSync(join(folder, 'etc'), { recursive: true });
    const config = ExtractorConfig.prepare({
      packageJsonFullPath: join(folder, 'package.json'),
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: folder,
        newlineKind: 'lf',
        mainEntryPointFilePath: join(folder, target.types),
        compiler: { overrideTsconfig: { ...typescript, files: [join(folder, target.types)] } },
        apiReport: {
          enabled: true,
          reportFileName: `${entry}.api.md`,
          reportFolder: join(folder, 'etc'),
          reportTempFolder: temporary,
          includeForgottenExports: false,
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        messages: {
          compilerMessageReporting: { default: { logLevel: 'none' } },
          extractorMessageReporting: { default: { logLevel: 'none' } },
          tsdocMessageReporting: { default: { logLevel: 'none' } },
        },
      },
    });
    const { apiReportChanged } = Extractor.invoke(config, {
      localBuild: update,
      messageCallback: (message) => (message.handled = true),
    });
    if (!apiReportChanged) continue;
    drifted += 1;
    console.log(update ? `updated ${entry}.api.md` : `${entry}: the public surface is not that of etc/${entry}.api.md`);
  }
}
rmSync(temporary, { recursive: true });
if (drifted > 0 && !update) {
  console.error('If the change is meant, run `pnpm api` and commit the reports.');
  process.exit(1);
}
