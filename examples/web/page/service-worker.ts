/**
 * Keeps the page's own files. They change only with the whole page, so each version has a cache of its own; the model is kept by
 * prosam itself, by its hash.
 */

interface ServiceWorkerScope {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  registration: { scope: string };
  addEventListener(type: 'install' | 'activate', listener: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(type: 'fetch', listener: (event: { request: Request; respondWith(response: Promise<Response>): void }) => void): void;
}

/** Filled in by the build: what the page is made of, and a hash of it all. */
declare const PAGE_FILES: readonly string[];
declare const PAGE_VERSION: string;

const scope = globalThis as unknown as ServiceWorkerScope;
const PREFIX = 'prosam-page-';
const NAME = `${PREFIX}${PAGE_VERSION}`;

async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll(PAGE_FILES.map((file) => new Request(new URL(file, scope.registration.scope), { cache: 'no-cache' })));
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  await scope.clients.claim();
}

/** ONNX Runtime's files are large and only one set of them is used: kept when first asked for. */
async function response(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok && new URL(request.url).pathname.includes('/ort/')) await cache.put(request, fresh.clone());
  return fresh;
}

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const own = event.request.method === 'GET' && origin === new URL(scope.registration.scope).origin;
  if (own && !pathname.includes('/models/')) event.respondWith(response(event.request));
});
