/**
 * Wheels, unpacked by the browser's own inflate while the interpreter is still being compiled.
 *
 * Pyodide's own loading of a package also links every shared library in it, needed or not, which for
 * NumPy is thirteen; Python links what it imports, when it imports it.
 */

export type Files = [name: string, data: Uint8Array][];

interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, data: Uint8Array, options: { canOwn: boolean }): void;
}

const END = 0x06054b50; // signatures of the zip format, as little-endian numbers
const ENTRY = 0x02014b50;
const DEFLATED = 8;

/** The files of a zip archive; the caller has verified its hash. */
export async function unzip(archive: ArrayBuffer): Promise<Files> {
  const view = new DataView(archive);
  let end = archive.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error("a package is not a zip archive");
  const files: Promise<[string, Uint8Array]>[] = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left; left--) {
    if (view.getUint32(at, true) !== ENTRY) throw new Error("a package's table of contents is damaged");
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
    const path = new TextDecoder().decode(new Uint8Array(archive, at + 46, name));
    if (!path.endsWith("/")) files.push(read(view, at).then((data) => [path, data]));
    at += 46 + name + extra + comment;
  }
  return Promise.all(files);
}

/** One file's content, by its entry in the table of contents. */
async function read(view: DataView, entry: number): Promise<Uint8Array> {
  const local = view.getUint32(entry + 42, true);
  const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = new Uint8Array(view.buffer as ArrayBuffer, begin, view.getUint32(entry + 20, true));
  if (view.getUint16(entry + 10, true) !== DEFLATED) return packed.slice();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function install(system: FileSystem, folder: string, files: Files): void {
  for (const parent of new Set(files.map(([name]) => name.slice(0, name.lastIndexOf("/") + 1)))) system.mkdirTree(`${folder}/${parent}`);
  for (const [name, data] of files) system.writeFile(`${folder}/${name}`, data, { canOwn: true });
}
