/** Packs made-up pictures: `pack-program.ts <file> <length>`; says so once it is under way. */
import { pack, shapes } from '../src/index.ts';

const [, , file = '', length = ''] = process.argv;
await pack(shapes({ length: Number(length), size: 16 }), file, { onProgress: ({ done }) => console.log(done) });
