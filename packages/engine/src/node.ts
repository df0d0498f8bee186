/** What works in Node only: the native engine's installation and its binding. */
export { installNative, type InstallOptions, type Progress } from './native/install.ts';
export { findInstallations, removeInstallations, type Installation } from './native/installation.ts';
export { nativeBackend } from './native/driver.ts';
export type { NativeBackend, NativeBinding, OperationAttribute, TensorMetadata } from './native/load.ts';
