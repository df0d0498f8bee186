import { SingleBar } from 'cli-progress';

/** Shows how far a long job is: a bar on a terminal, a line now and then where the output is piped. */
export interface Progress {
  update(done: number, details?: string): void;
  stop(): void;
}

const SECONDS_BETWEEN_LINES = 5;

export function startProgress(label: string, total: number, start = 0): Progress {
  return process.stderr.isTTY ? bar(label, total, start) : lines(label, total, start);
}

function bar(label: string, total: number, start: number): Progress {
  const format = `${label} {bar} {value}/{total}  {details}  {eta_formatted} left`;
  const colourless = (process.env['NO_COLOR'] ?? '') !== ''; // https://no-color.org
  const single = new SingleBar({
    format: colourless ? format : `${label} \u001b[36m{bar}\u001b[0m {value}/{total}  {details}  {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    etaBuffer: 20,
    stream: process.stderr,
  });
  single.start(total, start, { details: '' });
  return {
    update: (done, details = '') => single.update(done, { details }),
    stop: () => single.stop(),
  };
}

function lines(label: string, total: number, start: number): Progress {
  const begin = performance.now();
  let last = begin;
  return {
    update(done, details = '') {
      const now = performance.now();
      if (now - last < SECONDS_BETWEEN_LINES * 1000 && done < total && done > start + 1) return;
      last = now;
      const left = ((now - begin) / 1000 / (done - start)) * (total - done);
      process.stderr.write(`${label} ${done}/${total}  ${details}  ${duration(left)} left\n`);
    },
    stop: () => undefined,
  };
}

/** Seconds as people say them: `45s`, `3m20s`, `2h05m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole >= 3 * 86_400) return `${Math.round(whole / 86_400)} days`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** The callbacks that show a training: loss (mean of the last steps), speed and time left. */
export function trainingProgress(total: number) {
  const recent: number[] = [];
  let progress: Progress | undefined;
  let begin = 0;
  let first = 0;
  return {
    onStart({ parameters, firstStep }: { parameters: number; firstStep: number }) {
      process.stderr.write(`network: ${parameters.toLocaleString('en')} parameters\n`);
      first = firstStep;
      begin = performance.now();
      progress = startProgress('training', total, firstStep);
    },
    onStep({ step, loss }: { step: number; loss: number }) {
      recent.push(loss);
      if (recent.length > 20) recent.shift();
      const mean = recent.reduce((sum, value) => sum + value, 0) / recent.length;
      const rate = ((step - first) * 1000) / (performance.now() - begin);
      progress?.update(step, `loss ${mean.toFixed(4)}  ${rate.toFixed(2)} steps/s`);
    },
    stop: () => progress?.stop(),
  };
}
