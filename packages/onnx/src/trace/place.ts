import type { Place } from './graph.ts';

/** The module that runs now. */
export interface ModulePath {
  current: string;
}

/** What is looked at of a module of `@missing-u/unet-blocks`. */
interface ModuleLike {
  directMembers(): readonly { name: string; member: unknown }[];
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Keeps `path` up to date while modules run, by standing in front of their methods; returns what takes it back. */
export function watchModules(model: object, path: ModulePath): () => void {
  const watched: { module: Record<string, unknown>; name: string }[] = [];
  const seen = new Set<object>();
  const visit = (module: object, prefix: string): void => {
    if (!isModule(module) || seen.has(module)) return;
    seen.add(module);
    for (const name of ['forward', 'apply']) {
      const holder = module as unknown as Record<string, unknown>;
      const method = holder[name];
      if (prefix === '' || typeof method !== 'function' || Object.hasOwn(module, name)) continue;
      holder[name] = function (this: unknown, ...args: unknown[]): unknown {
        const outer = path.current;
        path.current = prefix;
        try {
          return (method as Method).apply(this, args);
        } finally {
          path.current = outer;
        }
      };
      watched.push({ module: holder, name });
    }
    for (const { name, member } of module.directMembers()) {
      if (typeof member !== 'object' || member === null) continue;
      visit(member, [prefix, name].filter((part) => part !== '').join('.'));
    }
  };
  visit(model, '');
  return () => {
    for (const { module, name } of watched) delete module[name];
  };
}

function isModule(module: object): module is ModuleLike {
  return typeof (module as Partial<ModuleLike>).directMembers === 'function';
}

/** Where the program is now. */
export function currentPlace(path: ModulePath): Place {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  // Formatting the stack is what takes time, and waits until somebody asks.
  const error = new Error();
  Error.stackTraceLimit = limit;
  return { module: path.current, line: () => firstForeignFrame(error.stack ?? '') };
}

/** The folder (of sources) or file (of the bundle) that this package's own frames are in. */
const own = import.meta.url.replace(/(trace\/)?[^/]*$/, '');

function firstForeignFrame(stack: string): string {
  for (const frame of stack.split('\n').slice(1)) {
    const place = /\(?((?:file:|https?:|\/|\w:\\)[^()]*:\d+):\d+\)?$/.exec(frame.trim())?.[1];
    if (place === undefined) continue;
    const address = place.startsWith('/') ? `file://${place}` : place;
    if (address.startsWith(own) || /[\\/](@tensorflow[\\/+]|tfjs-(core|layers|node|backend-\w+)[\\/])/.test(place))
      continue;
    return place.replace('file://', '');
  }
  return 'an unknown line';
}
