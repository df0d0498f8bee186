import { SchedulerError, checkName, refuse } from './errors.ts';
import { unknownName } from '@missing-u/errors';

type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A scheduler's settings as diffusers keeps them in `scheduler_config.json`: snake_case keys and `_class_name`. */
export type SchedulerConfig = Readonly<Record<string, JsonValue>>;

/** What a scheduler class tells about its options. */
export interface Definition<O extends object> {
  /** diffusers' class name. */
  readonly name: string;
  readonly defaults: O;
  /** The allowed values of options that are names. */
  readonly choices: { readonly [K in keyof O]?: readonly string[] };
  /** Options of the shared machinery that this class does not have: they keep their defaults, and no config names them. */
  readonly hidden?: readonly (keyof O)[];
  /** Names that a config of another class may hold, and what they mean here. */
  readonly aliases?: { readonly [K in keyof O]?: Readonly<Record<string, string>> };
}

/** The release of diffusers whose numbers this package reproduces. */
const DIFFUSERS_VERSION = '0.42.1';

/** Options that diffusers does not have; they enter a config only when they are set. */
const OWN_OPTIONS = ['precision', 'matchDiffusers'];

/** diffusers' list, in configs that were not read from a file, of the keys that nobody set. */
const USED_DEFAULTS = '_use_default_values';

/** Keys about a config, which are written anew. */
const ABOUT = ['_class_name', '_diffusers_version', USED_DEFAULTS];

/** The keys of our configs that nobody set: another class has its own defaults, as in diffusers. */
const usedDefaults = new WeakMap<SchedulerConfig, ReadonlySet<string>>();

/** Keys of unknown meaning that were warned about. */
const warned = new Set<string>();

/**
 * Settles a constructor's argument: camelCase options, or a diffusers config. Unknown camelCase options are refused; unknown
 * keys of a config are kept, so that a config survives a change of class and back, and warned about once. What a config holds
 * only because its class has it for a default gives way to this class's default; a config read from a file does not tell.
 */
export function settle<O extends object>(
  definition: Definition<O>,
  given: Partial<O> | SchedulerConfig,
): { options: Readonly<O>; config: SchedulerConfig } {
  const { name, defaults } = definition;
  const hidden = (definition.hidden ?? []).map(String);
  const known = Object.keys(defaults).filter((option) => !hidden.includes(option));
  const optionOf = new Map(known.map((option) => [snakeCase(option), option]));
  const isConfig = Object.keys(given).some((key) => key.includes('_'));
  const unset = isConfig ? unsetKeys(given as SchedulerConfig) : new Set<string>();
  const set = new Set<string>();
  const options = { ...defaults } as Record<string, unknown>;
  const kept: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || ABOUT.includes(key) || unset.has(key)) continue;
    const option = isConfig ? optionOf.get(key) : known.find((name) => name === key);
    if (option !== undefined) {
      set.add(option);
      const usual = defaults[option as keyof O];
      options[option] = definition.aliases?.[option as keyof O]?.[String(value)] ?? numberOf(value, usual);
    } else if (isConfig) kept[key] = jsonOf(value);
    else throw new SchedulerError('SCHEDULER_UNKNOWN_NAME', unknownName(`option of ${name}`, key, known));
  }
  for (const [option, value] of Object.entries(options)) checkOption(definition, option as keyof O & string, value);
  warnOnce(name, Object.keys(kept));

  const written: Record<string, JsonValue> = { ...kept };
  for (const [option, value] of Object.entries(options)) {
    if (hidden.includes(option)) continue;
    if (OWN_OPTIONS.includes(option) && value === defaults[option as keyof O]) continue;
    written[snakeCase(option)] = jsonOf(value);
  }
  const sorted = Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1));
  const config = { _class_name: name, _diffusers_version: DIFFUSERS_VERSION, ...Object.fromEntries(sorted) };
  usedDefaults.set(config, new Set(known.filter((option) => !set.has(option)).map(snakeCase)));
  return { options: Object.freeze(options as O), config: deepFreeze(config) };
}

function unsetKeys(config: SchedulerConfig): ReadonlySet<string> {
  const listed = config[USED_DEFAULTS];
  return Array.isArray(listed) ? new Set(listed.map(String)) : (usedDefaults.get(config) ?? new Set());
}

function jsonOf(value: unknown): JsonValue {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  // A copy: what is given stays the caller's, and the config is frozen.
  return typeof value === 'function' ? null : structuredClone(value as JsonValue);
}

/** JSON has no infinities: Python writes them bare, which parsers turn into a string or null. */
function numberOf(value: unknown, usual: unknown): unknown {
  if (typeof usual !== 'number') return value;
  if (value === null) return usual;
  return value === '-Infinity' || value === 'Infinity' ? Number(value) : value;
}

export function snakeCase(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function checkOption<O extends object>({ defaults, choices }: Definition<O>, option: keyof O & string, value: unknown) {
  const names = choices[option];
  const usual = defaults[option];
  if (names !== undefined) checkName(option, value, names);
  else if (typeof usual === 'number' && value !== usual && !Number.isFinite(value))
    refuse({ argument: option, value, allowed: 'a number' });
  else if (typeof usual === 'boolean' && typeof value !== 'boolean') {
    refuse({ argument: option, value, allowed: 'true or false' });
  }
  if (option === 'numTrainTimesteps' && !(Number.isInteger(value) && (value as number) >= 1)) {
    refuse({ argument: option, value, allowed: 'an integer of 1 or more' });
  }
}

/** Keys that some scheduler of diffusers reads: they come along when a config changes class, and need no warning. */
const FOREIGN_KEYS = new Set(
  (
    'num_train_timesteps beta_start beta_end beta_schedule trained_betas variance_type clip_sample clip_sample_range ' +
    'prediction_type thresholding dynamic_thresholding_ratio sample_max_value timestep_spacing steps_offset ' +
    'rescale_betas_zero_snr set_alpha_to_one skip_prk_steps solver_order solver_type algorithm_type lower_order_final ' +
    'euler_at_final use_karras_sigmas use_exponential_sigmas use_beta_sigmas use_lu_lambdas use_flow_sigmas flow_shift ' +
    'final_sigmas_type lambda_min_clipped interpolation_type sigma_min sigma_max timestep_type sigma_data sigma_schedule ' +
    'rho predict_x0 disable_corrector solver_p use_dynamic_shifting time_shift_type original_inference_steps ' +
    'timestep_scaling predictor_order corrector_order s_noise eta snr sampling_eps correct_steps beta_min beta_max shift ' +
    'base_shift max_shift base_image_seq_len max_image_seq_len invert_sigmas shift_terminal stochastic_sampling ' +
    'skip_timesteps noise_sampler_seed sample_min_value tau_func base_image_seq_length'
  ).split(' '),
);

function warnOnce(name: string, keys: readonly string[]): void {
  const news = keys.filter((key) => !key.startsWith('_') && !FOREIGN_KEYS.has(key) && !warned.has(key));
  if (news.length === 0) return;
  for (const key of news) warned.add(key);
  console.warn(`${name} knows no config key ${news.join(', ')}: kept in the config, but without effect.`);
}

function deepFreeze<T>(value: T): Readonly<T> {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
