import { unknownName } from '@missing-u/errors';
import { explicitMethod } from '../core/explicit.ts';
import type { Method } from '../core/method.ts';
import type { Tableau } from '../core/tableau.ts';
import { OdeError } from '../errors.ts';
import { adaptiveHeun } from './adaptive-heun.ts';
import { bosh3 } from './bosh3.ts';
import { dopri5 } from './dopri5.ts';
import { dopri8 } from './dopri8.ts';
import { euler } from './euler.ts';
import { fehlberg2 } from './fehlberg2.ts';
import { heun2 } from './heun2.ts';
import { heun3 } from './heun3.ts';
import { kvaerno3 } from './kvaerno3.ts';
import { leapfrog } from './leapfrog.ts';
import { midpoint } from './midpoint.ts';
import { ralston } from './ralston.ts';
import { rk4Classic } from './rk4-classic.ts';
import { rk4 } from './rk4.ts';
import { tsit5 } from './tsit5.ts';

/** The explicit Runge-Kutta methods, as tableaux. */
export const tableaux: readonly Tableau[] = [
  dopri5, tsit5, dopri8, bosh3, fehlberg2, adaptiveHeun, rk4, rk4Classic, heun3, ralston, heun2, midpoint, euler,
]; // prettier-ignore

const methods: Readonly<Record<string, Method>> = Object.fromEntries(
  [...tableaux.map(explicitMethod), kvaerno3, leapfrog].map((method) => [method.name, method]),
);

/** Methods by name: torchdiffeq's where it has them. */
export type MethodName =
  | 'dopri5'
  | 'tsit5'
  | 'dopri8'
  | 'bosh3'
  | 'fehlberg2'
  | 'adaptive_heun'
  | 'rk4'
  | 'rk4_classic'
  | 'heun3'
  | 'ralston'
  | 'heun2'
  | 'midpoint'
  | 'euler'
  | 'kvaerno3'
  | 'leapfrog';

/** All names that `method` may take. */
export const methodNames = Object.keys(methods) as readonly MethodName[];

/** The method of a name, or the method given. */
export function methodOf(method: MethodName | Method): Method {
  if (typeof method === 'object' && method !== null && 'step' in method) return method;
  const found = methods[method];
  if (found === undefined || !Object.hasOwn(methods, method)) {
    throw new OdeError('ODE_UNKNOWN_METHOD', unknownName('method', method, methodNames));
  }
  return found;
}
