import { expect, it } from 'vitest';
import { celeba, imageFolder, lsun } from '../src/index.ts';

it.each(Object.entries({ imageFolder, lsun, celeba }))(
  '%s says where its folder is to be named',
  async (name, open) => {
    const call = async (options: unknown) => open(options as { root: string });
    const refused = (message: string) => ({
      code: 'DATASETS_BAD_OPTION',
      message: expect.stringContaining(message) as string,
    });
    await expect(call('pics')).rejects.toMatchObject(refused(`call \`${name}({ root: 'pics' })\``));
    for (const options of [undefined, null, {}, { root: '' }, { root: 5 }]) {
      await expect(call(options), JSON.stringify(options)).rejects.toMatchObject(refused('`root` is '));
    }
  },
);
