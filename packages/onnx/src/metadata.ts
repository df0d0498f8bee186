import type { Model } from './model/model.ts';
import type { ExportOptions, Predicts, ResolvedOptions } from './options.ts';

/** Who made a file, and lines of text about what is in it; configs are JSON. */
export function describe(
  denoiser: Predicts,
  { height, width, channels, weights, conditions }: ResolvedOptions,
  { predictionType, scheduler, metadata = {} }: ExportOptions,
): Pick<Model, 'producer' | 'producerVersion' | 'description' | 'metadata'> {
  const { config: ownConfig, preset } = denoiser as {
    config?: Readonly<Record<string, unknown>> | null;
    preset?: unknown;
  };
  const config = ownConfig ?? undefined;
  // A class says its own name where it can: bundlers rename classes.
  const { className, name } = denoiser.constructor as typeof denoiser.constructor & { className?: string };
  const network = denoiser.constructor === Object ? undefined : (className ?? name);
  const prediction = predictionType ?? scheduler?.config['prediction_type'];
  const lines: Record<string, unknown> = {
    package: '@missing-u/onnx',
    network,
    network_config: config === undefined ? undefined : JSON.stringify(config),
    preset: preset ?? config?.['preset'],
    image_size: JSON.stringify([height, width]),
    channels,
    layout: 'NCHW',
    weights,
    conditions: conditions.length === 0 ? undefined : JSON.stringify(conditions.map(({ name }) => name)),
    prediction_type: prediction,
    scheduler_config: scheduler === undefined ? undefined : JSON.stringify(scheduler.config),
    ...metadata,
  };
  const given = Object.entries(lines).filter(([, value]) => value !== undefined);
  return {
    producer: '@missing-u/onnx',
    producerVersion: version,
    description: `A denoiser for diffusion${network === undefined ? '' : ` (${network})`}: noisy images and their times to a prediction.`,
    metadata: Object.fromEntries(given.map(([key, value]) => [key, String(value)])),
  };
}

/** Of the form of the metadata. */
const version = '1';
