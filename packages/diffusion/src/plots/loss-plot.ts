import * as Plot from '@observablehq/plot';
import type { LoggedStep } from '../runs/metrics-log.ts';
import { figure, palette, svgToPng } from './figure.ts';

/** The loss over the steps as a PNG: single steps in grey, their running mean in colour, logarithmic. */
export function lossPlot(steps: readonly LoggedStep[], title: string): Buffer {
  const svg = figure({
    x: { label: 'optimiser step' },
    y: { type: 'log', label: 'loss (mean squared error)', grid: true, tickFormat: '.3~f', ticks: 6 },
    marks: [
      Plot.line(steps, { x: 'step', y: 'loss', stroke: '#c8ccd4', strokeWidth: 1 }),
      Plot.line(runningMean(steps), { x: 'step', y: 'loss', stroke: palette[0]!, strokeWidth: 2 }),
      Plot.text([title], { frameAnchor: 'top', dy: -28, fontSize: 14 }),
    ],
  });
  return svgToPng(svg);
}

/** The mean of each step and those before it, over a twentieth of the run. */
function runningMean(steps: readonly LoggedStep[]): LoggedStep[] {
  const width = Math.max(1, Math.round(steps.length / 20));
  let sum = 0;
  return steps.map(({ step, loss }, i) => {
    sum += loss - (i >= width ? steps[i - width]!.loss : 0);
    return { step, loss: sum / Math.min(i + 1, width) };
  });
}
