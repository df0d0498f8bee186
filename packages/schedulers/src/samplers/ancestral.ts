/** Where an ancestral step goes without noise, and how much it adds: σ_up² + σ_down² = σ'² (k-diffusion's `get_ancestral_step`). */
export function ancestralLevels(from: number, to: number, eta = 1): { down: number; up: number } {
  if (eta === 0) return { down: to, up: 0 };
  const up = Math.min(to, eta * to * Math.sqrt(Math.max(0, 1 - (to / from) ** 2)));
  // For eta = 1 the difference of squares is to⁴/from² exactly.
  return { down: eta === 1 ? to ** 2 / from : Math.sqrt(to ** 2 - up ** 2), up };
}
