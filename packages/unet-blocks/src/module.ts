import type * as tf from '@tensorflow/tfjs-core';
import { checkpoint } from '@missing-u/autodiff';
import { invalidArgument } from '@missing-u/errors';
import type { Generator } from '@missing-u/random';
import type { StateDict } from '@missing-u/weights';
import type { Initializer } from './initializers.ts';
import { countedDraws, drawsFrom, drawsOf, type DropoutDraws } from './dropout-draws.ts';
import { UNetError } from './errors.ts';
import { Parameter, type ParameterOptions } from './parameter.ts';
import { matchStateDict, type LoadReport } from './state-dict.ts';

/** A weight by its path, for example `down.0.block.conv1.weight`. */
export interface NamedParameter {
  name: string;
  variable: tf.Variable;
}

/** Chooses an initialiser for a weight by its path and shape; undefined keeps the weight's own. */
export type InitializerRule = (name: string, parameter: Parameter) => Initializer | undefined;

/** The direct members of a module, for walks over the tree. */
export interface ModuleMember {
  name: string;
  member: Module | Parameter;
}

/**
 * A tree of named weights with pure forward functions. Subclasses declare their members in the constructor, in the order
 * that files and counts shall have, and add a forward method; names are written out because they are a file format. Parts that are
 * assigned to public properties without being declared have the names of these.
 *
 * A new module only knows shapes. `initialize` gives it weights (networks do it in their constructors), so a constructor
 * that throws has nothing to clean up. `dispose` frees the weights.
 */
export abstract class Module {
  private readonly members: ModuleMember[] = [];
  private recomputes = false;
  /** What dropout draws from, where it is on. */
  protected dropoutDraws: DropoutDraws | undefined;

  /** Declares a weight of this module. */
  protected parameter<R extends tf.Rank>(name: string, shape: tf.ShapeMap[R], options: ParameterOptions): Parameter<R> {
    const parameter = new Parameter<R>(shape, options);
    this.members.push({ name, member: parameter });
    return parameter;
  }

  /** Declares a part; `name` may hold dots (`blocks.0`), and may be empty where the part's names shall be this module's. */
  protected child<M extends Module>(name: string, module: M): M {
    this.members.push({ name, member: module });
    return module;
  }

  /**
   * The weights and parts of this module itself: those declared, in order, and after them those that are only assigned to properties,
   * by the names of these, as in PyTorch; of an array, `blocks.0` and so on.
   */
  directMembers(): readonly ModuleMember[] {
    const assigned = Object.entries(this).flatMap(([name, value]) => assignedMembers(name, value));
    const rest = assigned.filter(({ member }) => !this.members.some((declared) => declared.member === member));
    if (rest.length === 0) return this.members;
    // A property may also be a short cut to a part of a part.
    const below = new Set<Module | Parameter>();
    for (const { member } of this.members) {
      if (member instanceof Module) forEachMember(member, (part) => below.add(part));
    }
    return [...this.members, ...rest.filter(({ member }) => !below.has(member))];
  }

  /** Every weight with its path, in definition order, frozen ones included. */
  parameters(): NamedParameter[] {
    return [...namedParameters(this)].map(([name, { variable }]) => ({ name, variable }));
  }

  /** The number of weights, frozen ones included. */
  get parameterCount(): number {
    return [...namedParameters(this)].reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  }

  /**
   * Draws the first values of all weights that have none, in definition order.
   *
   * @param rule an initialiser for a weight by its path; where it gives none, the weight's own is used (PyTorch's defaults)
   * @throws UNetError `UNET_GENERATOR`
   */
  initialize(generator: Generator, rule?: InitializerRule): this {
    checkGenerator(generator);
    for (const [name, parameter] of namedParameters(this)) parameter.initialize(generator, rule?.(name, parameter));
    return this;
  }

  /**
   * Turns dropout on, with masks drawn from this generator; `eval` turns it off, as it is at first.
   *
   * @throws UNetError `UNET_GENERATOR`
   */
  train(generator: Generator): this {
    checkGenerator(generator);
    const draws = drawsOf(generator);
    forEachModule(this, (module) => (module.dropoutDraws = draws));
    return this;
  }

  eval(): this {
    forEachModule(this, (module) => (module.dropoutDraws = undefined));
    return this;
  }

  /**
   * Runs `work` with dropout on, whose masks are decided by numbers in [0, 1) that were drawn before, [batch, `dropoutSize`]: a compiled
   * graph takes them as an input, where those of a generator would be the same in each of its runs.
   *
   * @throws UNetError `UNET_DROPOUT_DRAWS` where there are not enough of them
   */
  withDropout<T>(draws: tf.Tensor2D, work: () => T): T {
    return this.drawingFrom(drawsFrom(draws), work);
  }

  /** How many numbers dropout draws for each image while `work` runs this module; 0, and nothing is run, where there is none. */
  dropoutSize(work: () => void): number {
    const { draws, size } = countedDraws();
    this.drawingFrom(draws, () => {
      if (this.isRandom()) work();
    });
    return size();
  }

  private drawingFrom<T>(draws: DropoutDraws, work: () => T): T {
    const before = new Map<Module, DropoutDraws | undefined>();
    forEachModule(this, (module) => before.set(module, module.dropoutDraws));
    for (const module of before.keys()) module.dropoutDraws = draws;
    try {
      return work();
    } finally {
      for (const [module, draws] of before) module.dropoutDraws = draws;
    }
  }

  /**
   * Trades time for memory in training: residual blocks and attention keep their inputs alone and run again in the backward
   * pass (Chen et al. 2016, arXiv 1604.06174). Gradients are the same. Blocks whose dropout is on run once, as their draws would differ.
   */
  enableGradientCheckpointing(enabled = true): this {
    forEachModule(this, (module) => (module.recomputes = enabled));
    return this;
  }

  /** Runs a part of a forward function, again in the backward pass if `enableGradientCheckpointing` asked for it. */
  protected recomputed<T extends tf.Tensor>(forward: () => T): T {
    return this.recomputes && !this.isRandom() ? checkpoint(forward) : forward();
  }

  /** Whether a second run would give something else. */
  protected isRandom(): boolean {
    return this.directMembers().some(({ member }) => member instanceof Module && member.isRandom());
  }

  /** The values of all weights by path, as float32 arrays in PyTorch's order and shapes. */
  stateDict(): StateDict {
    return Object.fromEntries([...namedParameters(this)].map(([name, parameter]) => [name, parameter.read()]));
  }

  /**
   * Takes the values of a state dict in PyTorch's order. With `strict` (the default) a missing, unexpected or mis-shaped
   * name throws `UNET_STATE_DICT` and nothing is changed; without, what fits is taken and the report tells the rest.
   */
  loadStateDict(dict: StateDict, { strict = true }: { strict?: boolean } = {}): LoadReport {
    const { report, matched } = matchStateDict(namedParameters(this), dict, strict);
    for (const [parameter, values] of matched) parameter.assign(values);
    return report;
  }

  /**
   * Keeps optimizers away from all weights of this module, or lets them in again with `freeze(false)`; tables that are never
   * trained stay as they are.
   */
  freeze(frozen = true): this {
    for (const [, parameter] of namedParameters(this)) parameter.setFrozen(frozen);
    return this;
  }

  /** A module of the same make with weights of its own. */
  clone(): this {
    return cloneTree(this, new Map());
  }

  /** Frees the weights. The module cannot be used afterwards. */
  dispose(): void {
    for (const [, parameter] of namedParameters(this)) parameter.dispose();
  }
}

function checkGenerator(value: Partial<Generator> | undefined): void {
  if (typeof value?.fillUniform === 'function') return;
  const allowed = 'a generator: `createGenerator(seed)` of @missing-u/random';
  throw new UNetError('UNET_GENERATOR', invalidArgument({ argument: 'generator', value, allowed }));
}

/** The members that the value of a property is or, as an array, holds. */
function assignedMembers(name: string, value: unknown): ModuleMember[] {
  if (value instanceof Module || value instanceof Parameter) return [{ name, member: value }];
  if (!Array.isArray(value)) return [];
  return value.flatMap((item, i) => (item instanceof Module ? [{ name: `${name}.${i}`, member: item }] : []));
}

/** All parts and weights below a module. */
function forEachMember(root: Module, visit: (member: Module | Parameter) => void): void {
  for (const { member } of root.directMembers()) {
    visit(member);
    if (member instanceof Module) forEachMember(member, visit);
  }
}

/** The module itself and all its parts, depth first. */
function forEachModule(root: Module, visit: (module: Module) => void): void {
  visit(root);
  for (const { member } of root.directMembers()) if (member instanceof Module) forEachModule(member, visit);
}

/** All parameters of a tree by path; a module or weight that occurs twice keeps its first path. */
function namedParameters(root: Module): Map<string, Parameter> {
  const found = new Map<string, Parameter>();
  const seen = new Set<Module | Parameter>();
  const walk = (module: Module, prefix: string) => {
    for (const { name, member } of module.directMembers()) {
      if (seen.has(member)) continue;
      seen.add(member);
      const path = prefix + name;
      if (member instanceof Module) walk(member, name === '' ? prefix : `${path}.`);
      else if (found.has(path)) throw new UNetError('UNET_DUPLICATE_NAME', `Two weights have the name '${path}'.`);
      else found.set(path, member);
    }
  };
  walk(root, '');
  return found;
}

/** Copies modules, parameters and the arrays that hold them; everything else (options, functions) is shared. */
function cloneTree<T>(value: T, done: Map<unknown, unknown>): T {
  if (typeof value !== 'object' || value === null) return value;
  if (done.has(value)) return done.get(value) as T;
  if (value instanceof Parameter) {
    const copy = value.clone();
    done.set(value, copy);
    return copy as T;
  }
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    done.set(value, copy);
    for (const item of value) copy.push(cloneTree<unknown>(item, done));
    return copy as T;
  }
  const plain = Object.getPrototypeOf(value) === Object.prototype;
  if (!(value instanceof Module) && !plain) return value;
  const copy = Object.create(Object.getPrototypeOf(value) as object) as Record<string, unknown>;
  done.set(value, copy);
  for (const [key, entry] of Object.entries(value)) copy[key] = cloneTree<unknown>(entry, done);
  return (Object.isFrozen(value) ? Object.freeze(copy) : copy) as T;
}
