/** What works in Node only: the native engine's installation and its binding. */
export { installNative, type InstallOptions } from './native/install.ts';
export type { Progress } from './native/progress.ts';
export { findInstallations, removeInstallations, type Installation } from './native/installation.ts';
export { nativeBackend } from './native/driver.ts';
export type { NativeBackend, NativeBinding, OperationAttribute, TensorMetadata } from './native/load.ts';
