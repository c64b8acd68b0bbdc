/** Puts an engine together in a browser, on the thread it is called on. */
import type { LoadProgress } from '../../checkpoint/web/fetch-file.ts';
import { openModelUrl, type ModelByUrl } from '../../checkpoint/web/model-url.ts';
import { createEngineCore } from '../../engine/engine.ts';
import { messageOf, ProsamError } from '../../common/errors.ts';
import { webImageSource } from '../../image/web/source.ts';
import type { Engine, TriedDevice } from '../../engine/types.ts';
import { checkModelWeights, createNetworks, type Networks } from '../../onnx/networks.ts';
import { WEB_DEVICES, webgpuProblem, type WebDevice } from './device.ts';
import type { WebEngineInfo, WebOpenOptions } from './protocol.ts';
import { webRuntime, type WebRuntime } from './ort-web.ts';

/** A page is one of many things a device does. */
const DEFAULT_CACHE_BYTES = 128 * 2 ** 20;

export interface OpenedWebEngine {
  engine: Engine;
  info: WebEngineInfo;
  /** `Networks.ahead` */
  ahead: Networks['ahead'];
}

/** @throws MODEL_*, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, DEVICE_UNAVAILABLE, PACKAGE_MISSING, OPTION_INVALID */
export async function openWebEngine(options: WebOpenOptions, onProgress?: (progress: LoadProgress) => void): Promise<OpenedWebEngine> {
  const { device = 'auto', limits = {} } = options;
  if (device !== 'auto' && !WEB_DEVICES.includes(device))
    throw new ProsamError('OPTION_INVALID', `device: expected one of auto, ${WEB_DEVICES.join(', ')}, got ${JSON.stringify(device)}.`);
  // On its way while the device is found and ONNX Runtime starts.
  const opening = openModelUrl(options.model, {
    ...(onProgress && { onProgress }),
    ...(limits.maxModelFileBytes !== undefined && { maxFileBytes: limits.maxModelFileBytes }),
  }).then((opened) => {
    checkModelWeights(opened.model);
    return opened;
  });
  opening.catch(() => undefined); // told where it is waited for
  const { runtime, networks, devices } = await firstThatRuns(device, opening, options);
  const { model } = await opening;
  const engine = createEngineCore({
    model,
    networks,
    devices,
    threads: { count: runtime.threads, by: typeof options.threads === 'number' ? 'caller' : 'default' },
    source: webImageSource(limits),
    cacheBytes: options.cacheBytes ?? DEFAULT_CACHE_BYTES,
  });
  return { engine, info: { ...engine.info, device: runtime.device, devices }, ahead: networks.ahead };
}

interface Running {
  runtime: WebRuntime;
  networks: Networks;
  devices: TriedDevice[];
}

/** @throws DEVICE_UNAVAILABLE where none does */
async function firstThatRuns(wanted: WebDevice | 'auto', opening: Promise<ModelByUrl>, options: WebOpenOptions): Promise<Running> {
  const use = async (device: WebDevice, reason: string, others: TriedDevice[] = []): Promise<Running> => {
    return { ...(await start(device, opening, options)), devices: [...others, { device, used: true, reason }] };
  };
  if (wanted !== 'auto') return use(wanted, 'it was asked for');
  const problem = (await webgpuProblem()) ?? (await use('webgpu', 'it proved itself').catch(messageOf));
  if (typeof problem !== 'string') return problem;
  return use('wasm', 'it runs everywhere', [{ device: 'webgpu', used: false, reason: problem }]);
}

async function start(
  device: WebDevice,
  opening: Promise<ModelByUrl>,
  { wasmPaths, threads }: WebOpenOptions,
): Promise<Omit<Running, 'devices'>> {
  const files = opening.then((opened) => opened.files);
  files.catch(() => undefined); // `opening` is waited for
  const runtime = await webRuntime({
    device,
    files,
    ...(wasmPaths !== undefined && { wasmPaths }),
    ...(typeof threads === 'number' && { threads }),
  });
  const [{ model }] = await Promise.all([opening, runtime.start()]);
  const networks = createNetworks(model, runtime);
  await networks.warmUp();
  // A session may open on a graphics processor and still fail on it: one run proves it, and compiles its programs.
  if (device === 'webgpu') await prove(networks, model.manifest.sam.config.imageSize);
  return { runtime, networks };
}

async function prove(networks: Networks, side: number): Promise<void> {
  const { embedding } = await networks.encode({ data: new Uint8Array(3 * side * side).fill(128), width: side, height: side, channels: 3 });
  if (embedding.data.every(Number.isFinite) && embedding.data.some((value) => value !== 0)) return;
  throw new ProsamError('DEVICE_UNAVAILABLE', 'WebGPU gives no usable numbers here. Use the device wasm.');
}
