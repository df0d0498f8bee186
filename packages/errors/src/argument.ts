/** A refused argument: its name, what was given, what is allowed, and, where it helps, what to do. */
export interface BadArgument {
  argument: string;
  value: unknown;
  allowed: string;
  remedy?: string;
}

/** One sentence for a refused argument: ``` `steps` is -3, but has to be an integer of 1 or more; … ```. */
export function invalidArgument({ argument, value, allowed, remedy }: BadArgument): string {
  const sentence = `\`${argument}\` is ${show(value)}, but has to be ${allowed}`;
  return remedy === undefined ? `${sentence}.` : `${sentence}; ${remedy}.`;
}

/** One sentence for a name that is not on a list, with the nearest name and the whole list. */
export function unknownName(argument: string, value: unknown, known: readonly string[]): string {
  const nearest = typeof value === 'string' ? didYouMean(value, known) : undefined;
  const hint = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
  return `\`${argument}\` is ${show(value)}, which is not known.${hint} Allowed: ${known.join(', ')}.`;
}

/**
 * The nearest of the known names, or undefined where none is near: more than a third of the letters differ, more than two of
 * 4 to 8, more than one of 3 or less, or all of them. What a name begins with is near to it.
 */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_ ]/g, '');
  let best: string | undefined;
  const { length } = plain(name);
  let bestDistance = Math.min(length, Math.max(length < 4 ? 1 : 2, Math.floor(length / 3)) + 1);
  for (const candidate of known) {
    const begins = length > 1 && plain(candidate).startsWith(plain(name));
    const distance = Math.min(editDistance(plain(name), plain(candidate)), begins ? 1 : Infinity);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levels of arrays and objects that are shown; what holds itself would have no end. */
const MOST_NESTED = 3;

/**
 * A value as short, unambiguous text for a message: strings quoted, tensors and long arrays by shape, objects cut. It never
 * throws, since the error of which it is a part would be lost.
 */
export function show(value: unknown): string {
  return shown(value, 0);
}

function shown(value: unknown, depth: number): string {
  try {
    return described(value, depth);
  } catch {
    // Its getters throw, or it is a proxy that was revoked.
    return `${typeof value === 'function' ? 'a function' : 'an object'} that cannot be read`;
  }
}

function described(value: unknown, depth: number): string {
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 77)}...` : value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('shape' in value && Array.isArray(value.shape)) return `a tensor of shape [${value.shape.join(', ')}]`;
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    if (depth === MOST_NESTED) return '[...]';
    const items = Array.from(value as ArrayLike<unknown>);
    const name = Array.isArray(value) ? '' : `${value.constructor.name} `;
    const text = items
      .slice(0, 6)
      .map((item) => shown(item, depth + 1))
      .join(', ');
    return items.length <= 6 ? `${name}[${text}]` : `${name}[${text}, ... ${items.length} in all]`;
  }
  const proto = Object.getPrototypeOf(value) as object | null;
  const maker =
    proto === Object.prototype ? undefined : (proto as { constructor?: { name?: unknown } } | null)?.constructor;
  if (typeof maker?.name === 'string' && maker.name !== '') return `an instance of ${maker.name}`;
  if (depth === MOST_NESTED) return '{ ... }';
  const body = Object.entries(value)
    .slice(0, 10)
    .map(([key, entry]) => `${key}: ${shown(entry, depth + 1)}`);
  const text = `{ ${body.join(', ')} }`;
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/** Levenshtein distance, with one row of the table kept. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
