/** A number that may have to be fetched from a device: known already, or read now, or awaited. */
export type Read = number | { now(): number; later(): Promise<number> };

/**
 * The arithmetic of a kind of state: all that a solver does with states. There are two, for lists of tensors and for
 * Float64Array; times and coefficients are JavaScript numbers, so float64, in both.
 */
export interface Space<Y> {
  /**
   * base + scale · Σ weights[i] · terms[i], those of weight 0 may be left out; base 0 where it is undefined. With `picks` the terms
   * are terms[picks[i]]. `into` is a state that may be overwritten with the result; spaces that are `owned` leave it alone.
   */
  combine(
    base: Y | undefined,
    scale: number,
    weights: readonly number[],
    terms: readonly Y[],
    picks?: readonly number[],
    into?: Y,
  ): Y;
  /** ‖y / (atol + rtol · max(|a|, |b|))‖ in the norm that the user chose. */
  scaledNorm(y: Y, a: Y, b: Y): Read;
  /** Σ aᵢ bᵢ over all entries, at once. */
  dot(a: Y, b: Y): number;
  /** 0 where all entries are finite, else NaN. */
  finiteness(y: Y): Read;
  /** Runs `run` and frees the states made in it, bar those in the result. */
  scope<T>(run: () => T): T;
  /** Whether states have to be freed; where not, their memory is used again instead. */
  readonly owned: boolean;
  free(states: readonly Y[]): void;
  /** Marks the running tape, for {@link Space.rewind}; spaces without a tape leave both out. */
  mark?(): number | undefined;
  /** Forgets what was recorded since the mark. */
  rewind?(mark: number | undefined): void;
}

/** An initial value problem's right-hand side in its space. */
export interface System<Y> {
  readonly space: Space<Y>;
  /** dy/dt at t; a fresh state, or `into`, as in {@link Space.combine}. */
  f(t: number, y: Y, into?: Y): Y;
  /** v ↦ (∂f/∂y) v at (t, y), for implicit methods; `ft` is f(t, y). */
  linearise(t: number, y: Y, ft: Y): (v: Y) => Y;
  /**
   * rhs ↦ δ of (1 - γ ∂f/∂y) δ = rhs with the Jacobian at (t, y), to be used again and again, where the space can afford to write it
   * out. Where not, products by `linearise` have to do.
   */
  newton?(t: number, y: Y, gamma: number): ((rhs: Y) => Y) | undefined;
  /** Solves y = base + γ f(t, y) differentiably where the space needs it; see `methods/implicit.ts`. */
  implicitStage?(t: number, base: Y, gamma: number, solve: () => Y | undefined): Y | undefined;
  /** (x, v) ↦ the pieces that `leapfrog` needs; absent where the system is not of second order. */
  readonly secondOrder?: SecondOrderParts<Y>;
}

/** A second-order system's state taken apart. */
export interface SecondOrderParts<Y> {
  acceleration(t: number, y: Y): Y;
  /** (x, v) ↦ (x + dx·v, v). */
  drift(y: Y, h: number): Y;
  /** (x, v) ↦ (x, v + h·a). */
  kick(y: Y, h: number, a: Y): Y;
}
