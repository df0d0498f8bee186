import type { StateDict } from '@missing-u/weights';

const renamed: Readonly<Record<string, string>> = {
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};

/** The names of attention weights as they are now, from what diffusers called them before release 0.12. */
export function renameOldAttention(dict: StateDict): StateDict {
  const rename = (name: string) =>
    name.replace(/^(.*attentions\.\d+)\.(query|key|value|proj_attn)\.(weight|bias)$/, (_, path, part, kind) => {
      return `${path}.${renamed[part as string]}.${kind}`;
    });
  return Object.fromEntries(Object.entries(dict).map(([name, tensor]) => [rename(name), tensor]));
}
