import { describe, expect, it } from 'vitest';
import { odeint, type VectorEvent, type VectorField } from '../src/float64/index.ts';

const decay: VectorField = (_t, y) => [-y[0]!];

describe('events', () => {
  it('at one time put one row out, and lose no state that follows', () => {
    const half: VectorEvent = { fn: (_t, y) => y[0]! - 0.5 };
    const both = odeint(decay, [1], [0, 2], { events: [{ ...half, terminal: false }, half] });
    expect(both.ts).toBeAllClose([0, Math.LN2], { atol: 1e-8 });
    expect(both.events.map(({ index }) => index)).toEqual([0, 1]);
    // A zero exactly at the end of the last step that was allowed.
    const options = { method: 'euler', stepSize: 0.5, maxNumSteps: 1, throw: false } as const;
    const short = odeint(decay, [1], [0, 2], { ...options, events: [{ ...half, terminal: false }] });
    expect([...short.ts]).toEqual([0, 0.5]);
    expect(short.events).toHaveLength(1);
  });

  it('that are 0 at the beginning are found where they are 0 again within the first step', () => {
    // Thrown up from the ground: back at 2 v / g = 0.2.
    const ball: VectorField = (_t, [, v]) => [v!, -9.81];
    const ground: VectorEvent = { fn: (_t, y) => y[0]! };
    for (const options of [{ method: 'rk4' }, { method: 'rk4', stepSize: 0.1 }, {}] as const) {
      const { events, status } = odeint(ball, [0, 0.981], [0, 1], { ...options, events: [ground] });
      expect(status).toBe('event');
      expect(events[0]!.t).toBeCloseTo(0.2, 6);
    }
    // Neither the start itself nor what leaves it for good is a zero.
    for (const fn of [(_t: number, y: Float64Array) => y[0]! - 1, (t: number) => t, () => 0]) {
      expect(odeint(decay, [1], [0, 1], { events: [{ fn }] }).events).toEqual([]);
    }
  });
});
