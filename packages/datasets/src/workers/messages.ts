import type { Recipe } from '../sources/encoded.ts';
import type { Task, TaskResult } from './task.ts';

/** What a worker is told. A recipe comes once, before the first task that uses it. */
export type Request =
  | { readonly kind: 'open'; readonly source: number; readonly recipe: Recipe }
  | { readonly kind: 'task'; readonly source: number; readonly id: number; readonly task: Task };

/** What it answers. Errors are taken apart, because classes do not survive the way. */
export type Reply =
  | { readonly id: number; readonly result: TaskResult }
  | { readonly id: number; readonly code: string; readonly message: string };
