import { invalidArgument } from '@missing-u/errors';
import { WeightsError } from '../errors.ts';

/** A file of a model repository on the Hugging Face hub. */
export interface HubFile {
  /** `owner/name`. */
  readonly repo: string;
  /** Path in the repository, for example `unet/diffusion_pytorch_model.safetensors`. */
  readonly file: string;
  /** Branch, tag or commit; default `main`. */
  readonly revision?: string;
}

/** The address to fetch. */
export function resolveUrl(what: string | URL | HubFile, endpoint?: string): string {
  const refuse = (): never => {
    const allowed = "an http(s) address, 'hf://owner/name/file' or { repo, file }";
    const value = what instanceof URL ? what.href : what;
    throw new WeightsError('WEIGHTS_BAD_ADDRESS', invalidArgument({ argument: 'address', value, allowed }));
  };
  if (typeof what !== 'string' && !(what instanceof URL)) {
    return typeof what === 'object' && (what as unknown) !== null && 'repo' in what ? hubUrl(what, endpoint) : refuse();
  }
  const text = String(what);
  const hub = /^hf:\/\/([^/]+\/[^/@]+)(?:@([^/]+))?\/(.+)$/.exec(text);
  if (hub !== null) return hubUrl({ repo: hub[1]!, file: hub[3]!, revision: hub[2] ?? 'main' }, endpoint);
  if (/^https?:/.test(text) && URL.canParse(text)) return new URL(text).href;
  return refuse();
}

function hubUrl({ repo, file, revision = 'main' }: HubFile, endpoint = defaultEndpoint()): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo)) {
    const allowed = "'owner/name' of a repository";
    throw new WeightsError('WEIGHTS_BAD_ADDRESS', invalidArgument({ argument: 'repo', value: repo, allowed }));
  }
  if (typeof (file as unknown) !== 'string' || file === '') {
    const allowed = 'the path of a file in the repository';
    throw new WeightsError('WEIGHTS_BAD_ADDRESS', invalidArgument({ argument: 'file', value: file, allowed }));
  }
  const path = file.split('/').map(encodeURIComponent).join('/');
  return new URL(`${repo}/resolve/${encodeURIComponent(revision)}/${path}`, endpoint.replace(/\/?$/, '/')).href;
}

function defaultEndpoint(): string {
  const chosen = typeof process === 'undefined' ? undefined : process.env['HF_ENDPOINT'];
  return chosen ?? 'https://huggingface.co';
}
