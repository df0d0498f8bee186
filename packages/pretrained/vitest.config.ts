import { packageTests } from '../../tools/test-utils/src/vitest.ts';

export default packageTests();
