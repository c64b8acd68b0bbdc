/** Configurations of the service and manifests of models. */
import { readFileSync } from 'node:fs';
import { parseManifest } from '../../../src/core/checkpoint/manifest.ts';
import { isProsamError } from '../../../src/core/common/errors.ts';
import { seededRandom, uniformInt } from '../../../src/core/common/random.ts';
import { serverConfig } from '../../../src/server/config.ts';
import { mutatedJson, type Json } from '../mutate-json.ts';
import { unexpected, type FuzzTarget } from '../target.ts';

const CONFIG: Json = {
  ...{ host: '127.0.0.1', port: 9090, database: 'a.db', model: 'tiny', device: 'cpu', threads: 2, cacheBytes: 2 ** 30 },
  auth: {
    tokens: [{ name: 'team', token: 'a-token-of-some-length', access: 'write', projects: ['cups'] }],
    basic: [{ name: 'studio', password: 'a-long-password' }],
    hmac: [{ name: 'signer', secret: 'a secret of some length' }],
  },
  images: { folder: 'photos', allowHosts: ['nas.internal:8080'], maxPixels: 50_000_000 },
  limits: { bodyBytes: 1_000_000, concurrency: 2, waiting: 10 },
  learner: { minNewMasks: 20, quietHours: { starts: '0 8 * * 1-5', minutes: 600 } },
  http: { basePath: '/tools/prosam', allowOrigins: ['https://labels.internal'] },
  ...{ labelStudio: { url: 'http://127.0.0.1:8080', threshold: 0.4 }, cvat: { port: 18_000, functionPorts: { first: 20_000, count: 5 } } },
};

export const CONFIGURATION: FuzzTarget = {
  name: 'configurations',
  about: 'serverConfig, and manifests of models',
  perProcess: 100_000,
  open() {
    const manifests = ['tiny', 'small'].map((name) => JSON.parse(readFileSync(`models/${name}/manifest.json`, 'utf8')) as Json);
    const read = [
      [CONFIG, (value: Json) => serverConfig(value)],
      ...manifests.map((one) => [one, (value: Json) => parseManifest(JSON.stringify(value), 'fuzz')] as const),
    ] as const;
    return Promise.resolve({
      run: (seed) => {
        const random = seededRandom(seed);
        const [value, parse] = read[uniformInt(random, 0, read.length - 1)] as (typeof read)[number];
        try {
          parse(mutatedJson(value, random));
          return Promise.resolve({ code: 'OK', past: true });
        } catch (error) {
          return Promise.resolve(isProsamError(error) ? { code: error.code, past: false } : unexpected(error));
        }
      },
    });
  },
};
