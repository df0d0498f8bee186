import { InvalidArgumentError, type Command } from 'commander';

/** Parsers of option values: commander prints what they refuse, with the option's name. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('It has to be a number.');
  return value;
}

export function share(text: string): number {
  const value = number(text);
  if (value < 0 || value > 1) throw new InvalidArgumentError('It has to be a number from 0 to 1.');
  return value;
}

/** One number, or several with commas. */
export function numbers(text: string): number | number[] {
  const list = text.split(',').map(number);
  return list.length === 1 ? list[0]! : list;
}

export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError(`It has to be JSON, as '{"name":"value"}'.`);
  }
}

export function positiveInteger(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It has to be an integer of 1 or more.');
  return value;
}

export function integer(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It has to be an integer.');
  return value;
}

/** The options of every command that computes. */
export interface EngineFlags {
  engine?: string;
  threads?: number;
}

export function withEngineFlags(command: Command): Command {
  return command
    .option('--engine <name>', 'TensorFlow.js engine: auto, native, webgpu, wasm or cpu (or MISSING_U_ENGINE)')
    .option('--threads <count>', 'threads of the native and wasm engines (default: physical cores)', positiveInteger);
}
