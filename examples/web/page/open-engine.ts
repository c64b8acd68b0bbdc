/** Opens the engine, and says how far it is and what it computes with. */
import { element } from 'prosam/client/page';
import { createWebEngine, type WebEngine } from 'prosam/web';

/** Name of the model that the build puts beside the page. */
declare const MODEL: string;

/** ?model=URL of another model on this origin, ?device=webgpu|wasm to insist on one. */
export async function openEngine(): Promise<WebEngine> {
  const asked = new URL(location.href).searchParams;
  const model = new URL(asked.get('model') ?? `./models/${MODEL}/`, document.baseURI);
  if (model.origin !== location.origin)
    throw new Error(`This page loads models from ${location.origin} alone; ${model.origin} is another place.`);
  const bar = element('loading-bar', HTMLProgressElement);
  const label = element('loading-label');
  const engine = await createWebEngine({
    model,
    device: (asked.get('device') ?? 'auto') as 'auto',
    wasmPaths: './ort/',
    onProgress({ loaded, total }) {
      if (total === undefined) bar.removeAttribute('value');
      else [bar.max, bar.value] = [total, loaded];
      const ready = loaded === total;
      label.textContent = ready
        ? 'Starting the engine'
        : `Loading the model: ${megabytes(loaded)}${total === undefined ? '' : ` of ${megabytes(total)}`} MB`;
      if (ready) bar.removeAttribute('value');
    },
  });
  const {
    device,
    threads: { count },
    devices,
    model: name,
    license,
  } = engine.info;
  const pill = element('device');
  pill.textContent = device === 'webgpu' ? 'WebGPU' : `WebAssembly, ${count} ${count === 1 ? 'thread' : 'threads'}`;
  pill.classList.add('good');
  pill.dataset['device'] = device;
  const others = devices
    .filter(({ used }) => !used)
    .map((tried) => `Not ${tried.device === 'webgpu' ? 'WebGPU' : tried.device}: ${tried.reason}.`);
  element('device-why').textContent = others.join(' ');
  element('model-about').textContent = `Model ${name} (${license}). Another one of this server: add ?model=… to the address.`;
  return engine;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
