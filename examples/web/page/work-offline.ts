/** Lets the page open without a network once it was open with one. */

/** Longest wait of the first visit for the service worker, so that files of the engine pass through it, milliseconds. */
const PATIENCE_MS = 4000;

/** Never fails: without a service worker (an insecure page, a private window) the page works online. */
export async function workOffline(): Promise<void> {
  const workers = (navigator as Partial<Navigator>).serviceWorker;
  if (workers === undefined) return;
  try {
    await workers.register('./service-worker.js');
    if (workers.controller) return;
    const inControl = new Promise((resolve) => workers.addEventListener('controllerchange', resolve, { once: true }));
    await Promise.race([inControl, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  } catch {
    // Online only, then.
  }
}
