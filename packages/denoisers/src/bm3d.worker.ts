import { serve } from './bm3d/serve.ts';

serve();
