import type { SchedulerConfig } from './config.ts';

/** The numbers that JSON has no words for, and Python's `json` writes bare: `lambda_min_clipped` is -Infinity by default. */
const BARE_NUMBERS = new Map([
  ['-Infinity', -Infinity],
  ['Infinity', Infinity],
  ['NaN', NaN],
]);

/** Begins the strings that stand for those numbers on the way through the JSON of the platform. */
const MARK = '\0';
const ESCAPED_MARK = '\\u0000';

/** The strings of a JSON text, which are left alone, and bare numbers between them. */
const STRINGS_AND_BARE_NUMBERS = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/**
 * A config from the text of a `scheduler_config.json`: JSON in which numbers may be -Infinity, Infinity and NaN, as Python's
 * `save_pretrained` writes them and `JSON.parse` does not read them.
 *
 * @throws SyntaxError where the text is not such JSON
 */
export function parseConfig(text: string): SchedulerConfig {
  const marked = text.replace(STRINGS_AND_BARE_NUMBERS, (token) =>
    BARE_NUMBERS.has(token) ? `"${ESCAPED_MARK}${token}"` : token,
  );
  return JSON.parse(marked, (_, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
    return BARE_NUMBERS.get(value.slice(MARK.length)) ?? value;
  }) as SchedulerConfig;
}

/** The text of a config for `scheduler_config.json`, which `JSON.stringify` would give nulls that Python refuses. */
export function stringifyConfig(config: object, space?: number): string {
  const marked = JSON.stringify(
    config,
    (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? `${MARK}${value}` : value),
    space,
  );
  return marked.replaceAll(/"\\u0000(-?Infinity|NaN)"/g, '$1');
}
