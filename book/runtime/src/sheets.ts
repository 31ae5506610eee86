/**
 * Pictures that come as sheets, large pictures of 2,500 small ones. The browser unpacks them: the service worker,
 * whom Python asks for the pixels of one sheet while it runs, or, where none is at work, Python's worker, before it runs.
 */

export const PIXELS = "pixels"; // `sheet.webp?pixels` is the sheet unpacked
const SHEET_BYTES = 1600 * 1600 * 3;

/** Three bytes a pixel, row by row. */
export async function pixelsOf(sheet: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const bitmap = await createImageBitmap(sheet, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  const paper = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  paper.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = paper.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < pixels.length; from += 4) {
    pixels[to++] = data[from]!;
    pixels[to++] = data[from + 1]!;
    pixels[to++] = data[from + 2]!;
  }
  return pixels;
}

/** Whether a request that Python waits for is answered with the pixels; in some browsers it goes past the service worker. */
export function served(address: string): boolean {
  const request = new XMLHttpRequest();
  request.open("GET", `${address}?${PIXELS}`, false);
  request.responseType = "arraybuffer";
  request.timeout = 12_000;
  try {
    request.send();
  } catch {
    return false;
  }
  return request.status === 200 && (request.response as ArrayBuffer | null)?.byteLength === SHEET_BYTES;
}
