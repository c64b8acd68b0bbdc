/** Pictures as the page holds them: the file that the engine reads, and the bitmap that people see. */
export interface RgbImage {
  name: string;
  /** Input of the engine: the file as it is. */
  source: Blob;
  bitmap: ImageBitmap;
  width: number;
  height: number;
}

const MAX_FILE_BYTES = 64 * 2 ** 20;

/** @throws Error with words for people */
export async function imageFromFile(file: File): Promise<RgbImage> {
  if (file.size > MAX_FILE_BYTES) throw new Error(`${file.name} is larger than 64 MB. Shrink it first.`);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    throw new Error(`${file.name} is no picture this browser can open. Use a JPEG, PNG, WebP, AVIF or GIF.`);
  }
  return { name: file.name, source: file, bitmap, width: bitmap.width, height: bitmap.height };
}

/** A place where files can be dropped, with a button that opens the same choice. */
export function acceptFiles(
  zone: HTMLElement,
  buttons: readonly HTMLElement[],
  input: HTMLInputElement,
  take: (files: File[]) => void,
): void {
  for (const button of buttons) button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    take([...(input.files ?? [])]);
    input.value = ''; // the same file may be chosen again
  });
  zone.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take([...(event.dataTransfer?.files ?? [])]);
  });
}
