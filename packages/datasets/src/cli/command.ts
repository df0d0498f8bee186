import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { DatasetError } from '../errors.ts';
import { obtain, dataHome } from '../files/obtain.ts';
import { encodePng } from '../formats/png.ts';
import { pack } from '../pack.ts';
import { registered, REGISTRY } from '../sets/registry.ts';
import { check } from './check.ts';
import { labelledGrid } from './grid.ts';

/** `missing-u datasets …`. Text goes to `print`, which is the standard output if left out. */
export function datasetsCommand(print: (text: string) => void = (text) => process.stdout.write(`${text}\n`)): Command {
  const command = new Command('datasets').description('list, fetch, check, show and pack data sets');

  command
    .command('list')
    .description('the data sets that are known')
    .action(() => {
      const width = Math.max(...Object.keys(REGISTRY).map((name) => name.length)) + 2;
      for (const [name, { about }] of Object.entries(REGISTRY)) print(name.padEnd(width) + about);
    });

  command
    .command('info <name>')
    .description('what a data set is, its parts and where it comes from')
    .action((name: string) => {
      const { title, about, parts, obtainable } = registered(name);
      print(`${title}: ${about}`);
      if (parts.length > 0) print(`parts: ${parts.join(', ')}`);
      const places = obtainable?.places().filter((place) => place !== undefined) ?? [];
      if (places.length > 0) print(`found on this machine: ${places.join(', ')}`);
      for (const { urls, md5 } of obtainable?.publications ?? []) print(`${urls[0]}${md5 ? `  md5 ${md5}` : ''}`);
      if (obtainable === undefined && parts.length > 0) print('to be fetched by hand; give its folder with --root');
    });

  command
    .command('download <name>')
    .description('fetch a data set, checked by its published checksums; takes up what was interrupted')
    .option('--root <folder>', 'where to put it (default: the cache folder)')
    .option('--offline', 'take only what the cache has')
    .action(async (name: string, { root = dataHome(), offline = false }: { root?: string; offline?: boolean }) => {
      const { title, obtainable } = registered(name);
      const set = obtainable ?? { name: title, places: () => [], publications: [] };
      let last = 0;
      await obtain(set, root, {
        ...(offline && { offline }),
        onProgress({ url, received, total }) {
          if (Date.now() - last < 1000 && received !== total) return;
          last = Date.now();
          print(`${url}  ${megabytes(received)}${total === undefined ? '' : ` of ${megabytes(total)}`}`);
        },
      });
      print(`${title} is in ${root}`);
    });

  withPlace(command.command('check <name>'))
    .description('open a data set and read every picture of it')
    .action(async (name: string, place: Place) => {
      const dataset = await registered(name).open(place);
      try {
        const { lines, corrupt } = await check(dataset);
        for (const line of lines) print(line);
        if (corrupt === 0) return;
        throw new DatasetError('DATASETS_CORRUPT_IMAGE', `${corrupt} of ${dataset.length} pictures cannot be decoded.`);
      } finally {
        await dataset.close();
      }
    });

  withPlace(command.command('show <name>'))
    .description('write the first pictures with their labels as a PNG file')
    .option('--out <file>', 'the file to write (default: <name>.png)')
    .option('--rows <count>', 'rows of the grid', count, 8)
    .option('--columns <count>', 'columns of the grid', count, 8)
    .action(async (name: string, options: Place & { out?: string; rows: number; columns: number }) => {
      const { out = `${name}.png`, rows, columns, ...place } = options;
      const dataset = await registered(name).open(place);
      try {
        await writeFile(out, encodePng(await labelledGrid(dataset, { rows, columns })));
      } finally {
        await dataset.close();
      }
      print(`${dataset.info.name}: ${dataset.length} pictures, the first of them in ${out}`);
    });

  withPlace(command.command('pack <name>'))
    .description('write a data set, decoded and resized, into one file that is read much faster')
    .requiredOption('--out <file>', 'the file to write')
    .option('--workers <count>', 'threads that decode', count, 2)
    .action(async (name: string, { out, workers, ...place }: Place & { out: string; workers: number }) => {
      const dataset = await registered(name).open(place);
      try {
        await pack(dataset, out, { workers });
      } finally {
        await dataset.close();
      }
      print(`${dataset.info.name}: ${dataset.length} pictures in ${out}`);
    });

  return command;
}

interface Place {
  root?: string;
  split?: string;
  size?: number;
}

function withPlace(command: Command): Command {
  return command
    .option('--root <folder>', 'where it is')
    .option('--split <part>', 'train, test, ...; for lsun a list of classes')
    .option('--size <pixels>', 'height and width to bring pictures to', count);
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
