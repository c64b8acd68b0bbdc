/** Devices of a browser: WebGPU where a real graphics processor is there, WebAssembly elsewhere. */
import { messageOf } from '../../common/errors.ts';
import { web, type GpuAdapter, type WebGlobals } from '../../common/web-globals.ts';

export const WEB_DEVICES = ['webgpu', 'wasm'] as const;
/** 'webgpu': the graphics processor; 'wasm': the processor, through WebAssembly. */
export type WebDevice = (typeof WEB_DEVICES)[number];

/** Processors that play a graphics processor are many times slower than WebAssembly. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;

/** Reason not to use WebGPU here; undefined where it can be used. gpu: the browser's. */
export async function webgpuProblem(gpu: NonNullable<WebGlobals['navigator']>['gpu'] = web.navigator?.gpu): Promise<string | undefined> {
  if (gpu === undefined) return 'this browser does not offer WebGPU to this page';
  let adapter: GpuAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (cause) {
    return `asking for a graphics processor failed: ${messageOf(cause)}`;
  }
  if (adapter === null) return 'there is no graphics processor that WebGPU can use';
  const { vendor = '', architecture = '', description = '' } = adapter.info ?? {};
  const name = [vendor, architecture, description].filter(Boolean).join(' ');
  if (adapter.isFallbackAdapter === true || adapter.info?.isFallbackAdapter === true || SOFTWARE.test(name))
    return `its graphics processor is software (${name || 'fallback adapter'}), slower than WebAssembly`;
  return undefined;
}

/** Threads need memory that threads share, which browsers give to isolated pages only (COOP and COEP headers). */
export function threadsHere(wanted: number | undefined): number {
  if (web.crossOriginIsolated !== true) return 1;
  return wanted ?? Math.max(1, Math.min(MAX_THREADS, web.navigator?.hardwareConcurrency ?? 1));
}

/** More gain little on the small operators of these networks, and phones' slow cores hold the fast ones up. */
const MAX_THREADS = 4;
