import type { Image } from '../image.ts';

/** Decodes a picture by the browser's own means. Other than in Node, pixels may differ by a step between browsers. */
export async function decodeWithCanvas(bytes: Uint8Array): Promise<Image> {
  const bitmap = await createImageBitmap(new Blob([Uint8Array.from(bytes)]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { data: new Uint8Array(data.buffer), shape: [height, width, 4] };
  } finally {
    bitmap.close();
  }
}
