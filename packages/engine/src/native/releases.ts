/** A Python wheel of TensorFlow that was checked with the binding. */
export interface Wheel {
  /** As pip names it. */
  project: string;
  /** pip's tag of the platform that the wheel was built for. */
  platform: string;
  sha256: string;
  /** Bytes to download, and bytes that stay on the disk. */
  download: number;
  unpacked: number;
}

/** The version that is installed when nothing else is asked for. */
export const tensorflowVersion = '2.21.0';

/** The wheels' Python version. It has nothing to do with the Python of the machine: no Python code is used. */
export const wheelPython = { version: '3.11', abi: 'cp311' };

const wheels: Record<string, Wheel> = {
  'linux-x64': {
    project: 'tensorflow-cpu',
    platform: 'manylinux_2_27_x86_64',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    download: 273_829_956,
    unpacked: 856_000_000,
  },
  'linux-x64-gpu': {
    project: 'tensorflow',
    platform: 'manylinux_2_27_x86_64',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    download: 572_000_000,
    unpacked: 1_260_000_000,
  },
  'linux-arm64': {
    project: 'tensorflow',
    platform: 'manylinux_2_27_aarch64',
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    download: 270_000_000,
    unpacked: 900_000_000,
  },
};

/** The wheel for a platform (`linux-x64`), or undefined where there is none. */
export function wheelFor(platform: string, gpu: boolean): Wheel | undefined {
  return wheels[gpu ? `${platform}-gpu` : platform];
}

/** Packages of the npm registry whose files are taken, with their tarballs' hashes. None of them runs a script. */
export const npmPackages = {
  /** The backend's JavaScript and the sources of its binding; the same in `@tensorflow/tfjs-node-gpu`. */
  backend: {
    name: '@tensorflow/tfjs-node',
    version: '4.22.0',
    integrity: 'sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
  },
  /** Required by the backend's JavaScript. */
  protobuf: {
    name: 'google-protobuf',
    version: '3.21.4',
    integrity: 'sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
  },
  /** The headers of Node's stable binary interface. */
  headers: {
    name: 'node-api-headers',
    version: '1.9.0',
    integrity: 'sha512-2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==',
  },
} as const;

export type NpmPackage = (typeof npmPackages)[keyof typeof npmPackages];
