/**
 * A hub on the loopback interface: what @huggingface/hub 2.17.5 asks of one, recorded by running it against this. Large files
 * come from a second origin, as the real one sends them, and transfers can be made to break.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedRepository {
  files: Record<string, Uint8Array>;
  license?: string;
  /** Name of a license that the hub calls "other". */
  licenseName?: string;
  private?: boolean;
  gated?: boolean;
  /** Branches and tags besides main. */
  revisions?: Record<string, string>;
  /** What is sent instead of a file's own bytes. */
  damaged?: Record<string, Uint8Array>;
  /** Sizes the listing gives instead of the real ones. */
  claimed?: Record<string, number>;
}

export interface HubServer {
  endpoint: string;
  repositories: Record<string, ServedRepository>;
  /** Method and path of every request, and what it sent along. */
  requests: { origin: 'hub' | 'cdn'; method: string; path: string; range?: string; authorization?: string }[];
  /** Each entry breaks one transfer after that many bytes of its body. */
  cuts: number[];
  /** Bytes a second of a transfer; 0: as fast as it goes. */
  bytesPerSecond: number;
  /** Answers to requests for large files, in order, before they work. */
  failures: number[];
  ignoreRanges: boolean;
  token: string;
  /** Of that repository's main. */
  commit(repo: string): string;
  close(): Promise<void>;
}

/** As large as it takes to be kept apart from git. */
const LARGE = 1000;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const gitHash = (bytes: Uint8Array): string => createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');

export async function startHub(repositories: Record<string, ServedRepository>, token = 'secret-token'): Promise<HubServer> {
  const hub: HubServer = {
    ...{ endpoint: '', repositories, requests: [], cuts: [], bytesPerSecond: 0, failures: [], ignoreRanges: false, token },
    commit: (repo) =>
      createHash('sha1')
        .update(repo)
        .update(Object.keys(repositories[repo]?.files ?? {}).join())
        .digest('hex'),
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
  let cdnOrigin = '';
  const heard = (origin: 'hub' | 'cdn', request: IncomingMessage): URL => {
    const url = new URL(request.url ?? '/', hub.endpoint);
    const { range, authorization } = request.headers;
    hub.requests.push({
      ...{ origin, method: request.method ?? '', path: url.pathname },
      ...(range !== undefined && { range }),
      ...(authorization !== undefined && { authorization }),
    });
    return url;
  };

  const main = createServer((request, response) => {
    const { pathname } = heard('hub', request);
    const [, repo = '', rest = ''] = /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(.*)$/.exec(pathname) ?? [];
    const given = request.headers.authorization;
    const served = hub.repositories[repo];
    const refuse = (status: number, code?: string): void => {
      response.writeHead(status, { ...(code !== undefined && { 'x-error-code': code }), 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'refused' }));
    };
    if (given !== undefined && given !== `Bearer ${token}`) {
      refuse(401);
      return;
    }
    if (served === undefined || (served.private === true && given === undefined)) {
      refuse(given === undefined ? 401 : 404, 'RepoNotFound');
      return;
    }
    const [what = '', revision = '', ...path] = rest.split('/');
    const commit = hub.commit(repo);
    if (!['main', commit, ...Object.keys(served.revisions ?? {})].includes(decodeURIComponent(revision))) {
      refuse(404, 'RevisionNotFound');
      return;
    }
    if (pathname.startsWith('/api/')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      if (what === 'revision')
        return void response.end(
          JSON.stringify({
            _id: '1',
            id: repo,
            sha: commit,
            gated: served.gated ? 'auto' : false,
            cardData: { license: served.license, license_name: served.licenseName },
          }),
        );
      return void response.end(
        JSON.stringify(Object.entries(served.files).map(([name, bytes]) => treeEntry(name, bytes, served.claimed?.[name]))),
      );
    }
    if (served.gated === true && given === undefined) {
      refuse(401, 'GatedRepo');
      return;
    }
    if (served.gated === true && served.private === true) {
      refuse(403, 'GatedRepo');
      return;
    }
    const name = path.map(decodeURIComponent).join('/');
    const bytes = served.files[name];
    if (bytes === undefined) {
      refuse(404, 'EntryNotFound');
      return;
    }
    const etag = bytes.byteLength >= LARGE ? sha256(bytes) : gitHash(bytes);
    response.setHeader('x-repo-commit', commit);
    if (bytes.byteLength < LARGE) {
      send(hub, request, response, served.damaged?.[name] ?? bytes, etag);
      return;
    }
    response.writeHead(302, {
      'x-linked-etag': `"${etag}"`,
      'x-linked-size': bytes.byteLength,
      location: `${cdnOrigin}/${repo}/${name}?signed=1`,
    });
    response.end();
  });
  const cdn = createServer((request, response) => {
    const { pathname } = heard('cdn', request);
    const [, repo = '', name = ''] = /^\/([^/]+\/[^/]+)\/(.*)$/.exec(pathname) ?? [];
    const served = hub.repositories[repo];
    const bytes = served?.files[name] ?? new Uint8Array();
    const failure = hub.failures.shift();
    if (failure !== undefined) return void response.writeHead(failure).end();
    // The store's own tag is not the hub's.
    send(hub, request, response, served?.damaged?.[name] ?? bytes, 'd41d8cd98f00b204e9800998ecf8427e-2', hub.cuts.shift());
  });
  const servers: Server[] = [main, cdn];
  for (const server of servers) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  hub.endpoint = `http://127.0.0.1:${(main.address() as AddressInfo).port}`;
  // Another host by name, so that nothing meant for the hub may be sent there.
  cdnOrigin = `http://localhost:${(cdn.address() as AddressInfo).port}`;
  return hub;
}

function treeEntry(path: string, bytes: Uint8Array, size = bytes.byteLength): Record<string, unknown> {
  const large = size >= LARGE;
  return { type: 'file', path, size, oid: gitHash(bytes), ...(large && { lfs: { oid: sha256(bytes), size, pointerSize: 130 } }) };
}

function send(hub: HubServer, request: IncomingMessage, response: ServerResponse, bytes: Uint8Array, etag: string, cut = Infinity): void {
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const ranged = from !== '' && !(hub.ignoreRanges && to === '');
  const start = ranged ? Number(from) : 0;
  const end = ranged && to !== '' ? Math.min(Number(to) + 1, bytes.byteLength) : bytes.byteLength;
  response.writeHead(ranged ? 206 : 200, {
    ...{ etag: `"${etag}"`, 'content-length': end - start, 'accept-ranges': 'bytes' },
    ...(ranged && { 'content-range': `bytes ${start}-${end - 1}/${bytes.byteLength}` }),
  });
  const last = Math.min(end, start + cut);
  const finish = (): void => {
    if (last < end)
      response.socket?.end(); // what was written arrives, and no more
    else response.end();
  };
  if (hub.bytesPerSecond === 0) {
    response.write(bytes.subarray(start, last), finish);
    return;
  }
  const step = Math.max(1, Math.round(hub.bytesPerSecond / 50));
  let at = start;
  const timer = setInterval(() => {
    if (response.destroyed || at >= last) {
      clearInterval(timer);
      finish();
      return;
    }
    response.write(bytes.subarray(at, Math.min(at + step, last)));
    at += step;
  }, 20);
}
