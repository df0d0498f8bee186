/**
 * An explicit Runge-Kutta method as a Butcher tableau.
 *
 *     k₁ = f(t, y),  kᵢ = f(t + cᵢ h, y + h Σⱼ aᵢⱼ kⱼ),  y⁺ = y + h Σ bᵢ kᵢ,  error = h Σ eᵢ kᵢ
 */
export interface Tableau {
  readonly name: string;
  /** Order of y⁺. */
  readonly order: number;
  /** Nodes, c₁ = 0. */
  readonly c: readonly number[];
  /** Row i: weights of the stages before; the first row is empty. */
  readonly a: readonly (readonly number[])[];
  readonly b: readonly number[];
  /** b - b̂, for pairs. */
  readonly error?: readonly number[];
  /** y(t + h/2) ≈ y + h Σ midᵢ kᵢ, which with the ends and their slopes makes a quartic interpolant; else it is cubic. */
  readonly mid?: readonly number[];
  /**
   * The last stage serves as the first of the next step. Exactly so for "first same as last" pairs; for `adaptive_heun`
   * and `fehlberg2` it is the slope at the predicted end (predict-evaluate-correct), which keeps the order.
   */
  readonly reuseLast?: boolean;
}
