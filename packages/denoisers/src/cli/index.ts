export { denoiseCommand, type DenoiseContext } from './denoise-command.ts';
export { denoiseFiles, type DenoisedFile, type DenoiseFilesOptions } from './denoise-files.ts';
