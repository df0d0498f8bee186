/** Told what happens: a step by its name, and, where it takes long, how much of it is done (0 .. 1). */
export type Progress = (step: string, done?: number) => void;
