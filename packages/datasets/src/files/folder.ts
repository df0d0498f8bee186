/** A folder to read from: on disk, or on a web server. */
export interface Folder {
  /** For messages. */
  readonly location: string;
  /** All bytes of a file, or undefined where there is none of this name. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}
