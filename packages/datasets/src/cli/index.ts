export { datasetsCommand } from './command.ts';
export { labelledGrid } from './grid.ts';
