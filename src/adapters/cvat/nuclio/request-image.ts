/** The image of a call: its bytes, its hash, and which frame of which task it is, where that is known. */
import { sha256Hex } from '../../../core/common/sha256.ts';
import type { ImageSources } from '../../http/images/image-input.ts';
import type { FrameIndex, KnownFrame } from '../types.ts';

export interface AskedImage {
  bytes: Uint8Array;
  sha256: string;
  /** Absent for images that were not fetched before, and where somebody cut a region out of a frame. */
  known: KnownFrame | undefined;
}

/** @throws REQUEST_INVALID, IMAGE_UNREADABLE, IMAGE_TOO_LARGE */
export async function askedImage(base64: string, images: ImageSources, frames: FrameIndex, signal: AbortSignal): Promise<AskedImage> {
  // Kept as bytes: CVAT sends whole files.
  const bytes = (await images.read({ base64 }, { signal })) as Uint8Array;
  const sha256 = await sha256Hex(bytes);
  return { bytes, sha256, known: frames.get(sha256) };
}

/** The tool's own name of a frame. */
export function frameName({ server, task, frame }: Omit<KnownFrame, 'project'>): string {
  return `${server}/tasks/${task}/frames/${frame}`;
}
