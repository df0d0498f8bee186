import { dtypes } from '../dtypes.ts';
import type { DownloadOptions } from '../download/download.ts';
import { isShardIndex, loadShards } from '../safetensors/shards.ts';
import { unpickleAt, type PickleGlobal } from '../pickle/unpickle.ts';
import { EMPTY, withSource, type ByteSource, type Source } from '../source.ts';
import type { StateDict } from '../state-dict.ts';
import { isZip, openZip } from '../zip/read.ts';
import { StorageClass, torchGlobals } from './globals.ts';
import { broken, fillTensors, Storage, type TorchTensor, TypedStorage } from './storage.ts';
import { selectTensors } from './select.ts';

export interface TorchOptions extends DownloadOptions {
  /** Where in the file the state dict is, for example `'state_dict'` or `'ema.model'`; by default the file is one. */
  at?: string;
  /** More that the pickle may name, as `module.name`; what these functions return takes the place of the Python object. */
  globals?: Readonly<Record<string, PickleGlobal>>;
}

/**
 * The tensors of a file that PyTorch saved (`torch.save`, zip and legacy), read without running any of its code. Dicts in the
 * dict are flattened, their keys joined by dots; entries that are not tensors are left out. A `*.index.json` stands for the
 * shards that it names.
 *
 * @throws WeightsError `WEIGHTS_UNSAFE_PICKLE` naming what a hostile or foreign file wants to call, `WEIGHTS_BAD_TORCH`,
 * `WEIGHTS_BAD_PICKLE` or `WEIGHTS_BAD_ZIP` for a broken file, `WEIGHTS_NO_TENSORS` where there are none at that place.
 */
export async function loadTorch(source: Source, options: TorchOptions = {}): Promise<StateDict> {
  if (isShardIndex(source)) return loadShards(source, loadTorch, options);
  return selectTensors(await readTorch(source, options), options.at);
}

/** As `loadTorch`, but the whole object that was saved: dicts as `Map`s, tensors as `StateTensor`s, numbers and text. */
export async function readTorch(source: Source, options: Omit<TorchOptions, 'at'> = {}): Promise<unknown> {
  return withSource(source, options, async (bytes) => {
    if (bytes.size === 0) throw broken(EMPTY, bytes.name);
    if (await isZip(bytes)) return readZipped(bytes, options);
    return readLegacy(await bytes.read(0, bytes.size), options);
  });
}

/** Since PyTorch 1.6: a zip of the pickle `<folder>/data.pkl` and one file per storage, `<folder>/data/<key>`. */
async function readZipped(source: ByteSource, { globals }: TorchOptions): Promise<unknown> {
  const zip = await openZip(source);
  const pickle = zip.names.find((name) => /^[^/]*\/?data\.pkl$/.test(name));
  if (pickle === undefined) throw broken(`${source.name} is a zip file without data.pkl`);
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (zip.names.includes(`${folder}byteorder`)) {
    const order = new TextDecoder().decode(await zip.read(`${folder}byteorder`));
    if (order !== 'little') throw broken(`its byte order is '${order}', and only little-endian files are read`);
  }
  const reader = new PickleReader(globals);
  const value = reader.read(await zip.read(pickle), 0).value;
  for (const storage of reader.storages.values()) storage.bytes = await zip.read(`${folder}data/${storage.key}`);
  fillTensors(reader.tensors);
  return value;
}

/** The first numbers of a legacy file: `torch.serialization.MAGIC_NUMBER` and `PROTOCOL_VERSION`. */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/**
 * Before PyTorch 1.6: pickles of the magic number, the version, the system, the object and the storages' keys, then
 * the storages in that order, each with its number of elements in 8 bytes before it.
 */
function readLegacy(bytes: Uint8Array<ArrayBuffer>, { globals }: TorchOptions): unknown {
  const reader = new PickleReader(globals);
  const magic = bytes[0] === 0x80 ? reader.read(bytes, 0) : undefined;
  if (magic?.value !== MAGIC_NUMBER)
    throw broken('it begins neither as a zip file nor with the magic number of torch.save');
  const version = reader.read(bytes, magic.end);
  if (version.value !== PROTOCOL_VERSION) throw broken(`its version is not ${PROTOCOL_VERSION}, the one that is read`);
  const system = reader.read(bytes, version.end);
  const object = reader.read(bytes, system.end);
  const keys = reader.read(bytes, object.end);
  if (!Array.isArray(keys.value)) throw broken('the list of its storages is missing');
  let position = keys.end;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys.value as unknown[]) {
    const storage = isKey(key) ? reader.storages.get(String(key)) : undefined;
    if (storage === undefined) throw broken('one of its storages belongs to no tensor');
    if (position + 8 + storage.byteLength > bytes.length)
      throw broken(`it ends within storage '${storage.key}': truncated?`);
    const bytesPerElement = storage.byteLength / Number(view.getBigInt64(position, true));
    if (storage.byteLength > 0 && !Object.values(dtypes).some((dtype) => dtype.bytes === bytesPerElement)) {
      throw broken(`storage '${storage.key}' has another size in its data than in the pickle`);
    }
    storage.bytes = bytes.subarray(position + 8, position + 8 + storage.byteLength);
    position += 8 + storage.byteLength;
  }
  fillTensors(reader.tensors);
  return object.value;
}

/** Keys are text or numbers. A container would be written out as text, which can take for ever. */
function isKey(key: unknown): key is string | number {
  return typeof key === 'string' || typeof key === 'number';
}

/** Reads pickles, and collects the storages and tensors that they name. */
class PickleReader {
  readonly storages = new Map<string, Storage>();
  readonly tensors: TorchTensor[] = [];
  readonly #globals: Readonly<Record<string, PickleGlobal>>;

  constructor(globals: Readonly<Record<string, PickleGlobal>> = {}) {
    this.#globals = { ...torchGlobals((tensor) => this.tensors.push(tensor)), ...globals };
  }

  read(bytes: Uint8Array, offset: number): { value: unknown; end: number } {
    return unpickleAt(bytes, offset, { globals: this.#globals, persistentLoad: (id) => this.#storage(id) });
  }

  /** `('storage', class, key, location, elements)`, in legacy files with `(key, offset, elements)` of a view, or null. */
  #storage(id: unknown): TypedStorage {
    const [kind, type, key, , length, view] = Array.isArray(id) ? (id as unknown[]) : [];
    if (kind !== 'storage' || !(type instanceof StorageClass) || !isKey(key))
      throw broken('it refers to something outside of the pickle that is no storage');
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
      throw broken('a storage without a number of elements');
    const name = String(key);
    const byteLength = length * (type.dtype === undefined ? 1 : dtypes[type.dtype].bytes);
    let storage = this.storages.get(name);
    if (storage === undefined) {
      storage = new Storage(name, byteLength);
      this.storages.set(name, storage);
    } else if (storage.byteLength !== byteLength) {
      throw broken(`storage '${name}' is named with two sizes`);
    }
    const offset = Array.isArray(view) ? Number(view[1]) : 0;
    return new TypedStorage(storage, type.dtype, offset);
  }
}
