/** Globals of a browser that Node's types do not know, as far as they are used. */

/** The pixels of a decoded image, held by the browser. */
export interface BitmapLike {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/** Pixels of a canvas: RGBA, row-major. */
export interface ImageDataLike {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** A worker as `new Worker()` makes it. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  terminate(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { message?: string; preventDefault(): void }) => void): void;
  addEventListener(type: 'messageerror', listener: () => void): void;
}

interface CanvasContext {
  drawImage(image: BitmapLike, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): ImageDataLike;
}

interface CacheLike {
  match(key: string): Promise<Response | undefined>;
  put(key: string, response: Response): Promise<void>;
  delete(key: string): Promise<boolean>;
  keys(): Promise<readonly { url: string }[]>;
}

export interface GpuAdapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: {
    readonly vendor?: string;
    readonly architecture?: string;
    readonly description?: string;
    readonly isFallbackAdapter?: boolean;
  };
}

/** Each is missing in some place where the code may run: a page without https, an old browser, Node. */
export interface WebGlobals {
  createImageBitmap?: (
    image: Blob,
    options: { imageOrientation: 'from-image'; colorSpaceConversion: 'none'; premultiplyAlpha: 'none' },
  ) => Promise<BitmapLike>;
  OffscreenCanvas?: new (
    width: number,
    height: number,
  ) => {
    getContext(kind: '2d', options: { willReadFrequently: boolean }): CanvasContext | null;
  };
  caches?: { open(name: string): Promise<CacheLike> };
  crossOriginIsolated?: boolean;
  location?: { readonly href: string; readonly origin: string };
  navigator?: {
    readonly hardwareConcurrency?: number;
    readonly gpu?: { requestAdapter(options?: { powerPreference: 'high-performance' }): Promise<GpuAdapter | null> };
  };
}

export type ModelCacheStorage = NonNullable<WebGlobals['caches']>;

export const web = globalThis as unknown as WebGlobals;
