import { invalidArgument } from '@missing-u/errors';
import type { Denoiser } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

export type ImageShape = readonly [height: number, width: number, channels: number];

/** What the networks of this project say of their images, in our names or diffusers'. */
interface ImageConfig {
  imageSize?: number;
  inChannels?: number;
  sample_size?: number | readonly [number, number] | null;
  in_channels?: number;
  selfCondition?: boolean;
}

/**
 * The shape of a denoiser's images: what is asked for, or what its configuration says.
 *
 * @throws DiffusionError `DIFFUSION_BAD_IMAGE_SHAPE`
 */
export function imageShapeOf(denoiser: Denoiser, asked?: ImageShape): ImageShape {
  const shape = asked ?? configuredShape(configOf(denoiser)) ?? ownShape(denoiser);
  if (shape?.length === 3 && shape.every((size) => Number.isInteger(size) && size > 0)) return shape;
  const allowed = 'three integers of 1 or more: height, width and channels of an image';
  const remedy = 'give it, because this denoiser does not tell the size of its images';
  const message = invalidArgument({
    argument: 'imageShape',
    value: asked,
    allowed,
    ...(asked === undefined && { remedy }),
  });
  throw new DiffusionError('DIFFUSION_BAD_IMAGE_SHAPE', message);
}

/** Whether a network was made to see its own estimate. */
export function wantsSelfCondition(denoiser: Denoiser): boolean {
  return configOf(denoiser).selfCondition === true;
}

function configOf(denoiser: Denoiser): ImageConfig {
  return (denoiser as { config?: ImageConfig }).config ?? {};
}

/** What a denoiser of another runtime says itself, as `OnnxDenoiser`. */
function ownShape(denoiser: Denoiser): ImageShape | undefined {
  const { imageSize, channels } = denoiser as { imageSize?: unknown; channels?: unknown };
  return Array.isArray(imageSize) && typeof channels === 'number'
    ? ([...(imageSize as [number, number]), channels] as const)
    : undefined;
}

function configuredShape({ imageSize, inChannels, sample_size, in_channels }: ImageConfig): ImageShape | undefined {
  const size = imageSize ?? sample_size;
  const channels = inChannels ?? in_channels;
  if (size === undefined || size === null || channels === undefined) return undefined;
  return typeof size === 'number' ? [size, size, channels] : [...size, channels];
}
