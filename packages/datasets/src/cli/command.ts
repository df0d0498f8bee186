import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { DatasetError } from '../errors.ts';
import { obtain, dataHome } from '../files/obtain.ts';
import { encodePng } from '../formats/png.ts';
import { pack } from '../pack.ts';
import { openRegistered, registered, REGISTRY, type OpenOptions } from '../sets/registry.ts';
import { check, checkedLines } from './check.ts';
import { labelledGrid } from './grid.ts';

/** `missing-u datasets …`. Text goes to `print`, which is the standard output if left out. */
export function datasetsCommand(print: (text: string) => void = (text) => process.stdout.write(`${text}\n`)): Command {
  const command = new Command('datasets').description('list, fetch, check, show and pack data sets');
  /** Says what was found or done: as one JSON value with `--json`, otherwise in lines. */
  const report = ({ json = false }: Report, value: unknown, lines: readonly string[]) => {
    if (json) print(JSON.stringify(value, null, 2));
    else for (const line of lines) print(line);
  };

  withReport(command.command('list'))
    .description('the data sets that are known')
    .action((options: Report) => {
      const width = Math.max(...Object.keys(REGISTRY).map((name) => name.length)) + 2;
      const sets = Object.entries(REGISTRY).map(([name, { title, about, parts }]) => ({ name, title, about, parts }));
      report(
        options,
        sets,
        sets.map(({ name, about }) => name.padEnd(width) + about),
      );
    });

  withReport(command.command('info <name>'))
    .description('what a data set is, its parts and where it comes from')
    .action((name: string, options: Report) => {
      const { title, about, parts, obtainable } = registered(name);
      const found = (obtainable?.places() ?? []).filter((place) => place !== undefined && existsSync(place));
      const files = (obtainable?.publications ?? []).map(({ urls, md5 }) => ({ url: urls[0], md5: md5 ?? null }));
      report(options, { name, title, about, parts, found, files }, [
        `${title}: ${about}`,
        ...(parts.length > 0 ? [`parts: ${parts.join(', ')}`] : []),
        ...(found.length > 0 ? [`found on this machine: ${found.join(', ')}`] : []),
        ...files.map(({ url, md5 }) => `${url}${md5 ? `  md5 ${md5}` : ''}`),
        ...(obtainable === undefined && parts.length > 0 ? ['to be fetched by hand; give its folder with --root'] : []),
      ]);
    });

  withReport(command.command('download <name>'))
    .description('fetch a data set, checked by its published checksums; takes up what was interrupted')
    .option('--root <folder>', 'where to put it (default: the cache folder)')
    .option('--offline', 'take only what the cache has')
    .action(async (name: string, options: Report & { root?: string; offline?: boolean }) => {
      const { root = dataHome(), offline = false, json = false } = options;
      const { title, obtainable } = registered(name);
      const set = obtainable ?? { name: title, places: () => [], publications: [] };
      let last = 0;
      await obtain(set, root, {
        ...(offline && { offline }),
        onProgress({ url, received, total }) {
          if (json || (Date.now() - last < 1000 && received !== total)) return;
          last = Date.now();
          print(`${url}  ${megabytes(received)}${total === undefined ? '' : ` of ${megabytes(total)}`}`);
        },
      });
      report(options, { name, root }, [`${title} is in ${root}`]);
    });

  withReport(withPlace(command.command('check <name>')))
    .description('open a data set and read every picture of it')
    .action(async (name: string, { json = false, ...place }: Report & Place) => {
      const dataset = await openRegistered(name, place);
      try {
        const checked = await check(dataset);
        report({ json }, checked, checkedLines(checked));
        const corrupt = checked.corrupt.length;
        if (corrupt === 0) return;
        throw new DatasetError('DATASETS_CORRUPT_IMAGE', `${corrupt} of ${dataset.length} pictures cannot be decoded.`);
      } finally {
        await dataset.close();
      }
    });

  withReport(withPlace(command.command('show <name>')))
    .description('write the first pictures with their labels as a PNG file')
    .option('--out <file>', 'the file to write (default: <name>.png)')
    .option('--rows <count>', 'rows of the grid', count, 8)
    .option('--columns <count>', 'columns of the grid', count, 8)
    .action(async (name: string, options: Report & Place & { out?: string; rows: number; columns: number }) => {
      const { out = `${name}.png`, rows, columns, json = false, ...place } = options;
      const dataset = await openRegistered(name, place);
      try {
        const grid = await ofOneSize(name, () => labelledGrid(dataset, { rows, columns }));
        await writeFile(out, encodePng(grid));
      } finally {
        await dataset.close();
      }
      const { info, length } = dataset;
      report({ json }, { name: info.name, pictures: length, file: out }, [
        `${info.name}: ${length} pictures, the first of them in ${out}`,
      ]);
    });

  withReport(withPlace(command.command('pack <name>')))
    .description('write a data set, decoded and resized, into one file that is read much faster')
    .requiredOption('--out <file>', 'the file to write')
    .option('--workers <count>', 'threads that decode', count, 2)
    .action(async (name: string, options: Report & Place & { out: string; workers: number }) => {
      const { out, workers, json = false, ...place } = options;
      const dataset = await openRegistered(name, place);
      try {
        await ofOneSize(name, () => pack(dataset, out, { workers }));
      } finally {
        await dataset.close();
      }
      const { info, length } = dataset;
      report({ json }, { name: info.name, pictures: length, file: out }, [
        `${info.name}: ${length} pictures in ${out}`,
      ]);
    });

  return command;
}

interface Report {
  json?: boolean;
}

function withReport(command: Command): Command {
  return command.option('--json', 'print the result as JSON');
}

type Place = OpenOptions;

function withPlace(command: Command): Command {
  return command
    .option('--root <folder>', 'where it is')
    .option('--split <part>', 'train, test, ...; for lsun a list of classes')
    .option('--size <pixels>', 'height and width to bring pictures to', count)
    .option('--crop <name>', 'celeba: squash, ddim, score_sde, center or none')
    .option('--target-type <names>', 'celeba: attr, identity, bbox, landmarks, or several with commas between', names)
    .option('--variant <name>', 'emnist: balanced, byclass, bymerge, letters, digits or mnist');
}

/** Says what to do on the command line where pictures have to be of one size and are not. */
async function ofOneSize<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (!(cause instanceof DatasetError && cause.code === 'DATASETS_SHAPES_DIFFER')) throw cause;
    const message = `The pictures of ${name} differ in size; bring them to one with --size, for example --size 64.`;
    throw new DatasetError(cause.code, message, { cause });
  }
}

function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It has to be an integer of 0 or more.');
  return value;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
