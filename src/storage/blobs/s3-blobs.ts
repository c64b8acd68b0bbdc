/** Bytes in an S3 bucket, named by their hash below a prefix. */
import type { S3Client } from '@aws-sdk/client-s3';
import { ProsamError } from '../../core/common/errors.ts';
import type { Blobs } from '../../service/ports/storage.ts';
import { damaged, isHash, md5Of, sha256Of } from './blob-hash.ts';
import { optionalPackage } from '../map-errors.ts';
import { boundedCalls, bytesOf, repeated } from './s3-calls.ts';
import { s3Removal } from './s3-removal.ts';
import { USUAL_TIMEOUTS, type StorageTimeouts } from '../timeouts.ts';

/** Connections nobody has used for so long are closed. */
const IDLE_MS = 4000;

interface Place {
  bucket: string;
  /** Ends with a slash, or is empty. */
  prefix: string;
  endpoint?: string;
  region: string;
}

/**
 * address: s3://bucket/prefix?endpoint=https://...&region=...; credentials come from where AWS's own programs look for them.
 *
 * @throws CONFIG_INVALID, PACKAGE_MISSING, STORAGE_FAILED where the bucket cannot be used, STORAGE_TIMEOUT
 */
export async function openS3Blobs(address: string, timeouts: StorageTimeouts = USUAL_TIMEOUTS): Promise<Blobs> {
  const place = placeOf(address);
  const { bucket, prefix, endpoint, region } = place;
  const s3 = await optionalPackage('@aws-sdk/client-s3', 'an S3 store', () => import('@aws-sdk/client-s3'));
  const client: S3Client = new s3.S3Client({
    region,
    // Servers other than Amazon's rarely have a name for every bucket, or newer kinds of checksums.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
    requestHandler: {
      ...{ connectionTimeout: timeouts.connectMs, socketTimeout: timeouts.silenceMs },
      // One that went silent while nobody used it is not found out by the next request.
      ...{ httpAgent: { keepAlive: true, timeout: IDLE_MS }, httpsAgent: { keepAlive: true, timeout: IDLE_MS } },
    },
  });
  const told = boundedCalls(bucket, timeouts);
  const headOf = (key: string, signal: AbortSignal) =>
    client.send(new s3.HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal }).catch(absent);
  /** Whether an object has these bytes. One whose tag is no hash of its bytes is none: writing it again costs no more than reading it. */
  const holds = async (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> => {
    const head = await headOf(key, signal);
    return head?.ContentLength === bytes.byteLength && head.ETag?.replaceAll('"', '') === (await md5Of(bytes));
  };
  const { back, ...removal } = s3Removal({ s3, client, bucket, prefix, told, absent });
  const check = async (): Promise<void> => {
    const command = new s3.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 });
    await told((abortSignal) => client.send(command, { abortSignal }));
  };
  const close = (): Promise<void> => {
    client.destroy();
    return Promise.resolve();
  };
  try {
    await check();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async put(bytes, options) {
      const sha256 = await sha256Of(bytes);
      const key = prefix + sha256;
      const command = new s3.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.byteLength });
      // Part of the signature, so the server notices other bytes; known already, so it is not computed again.
      command.middlewareStack.add(
        (next) => (args) => {
          (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
          return next(args);
        },
        { step: 'build', name: 'knownHash' },
      );
      await told(async (abortSignal) => {
        if (!(await holds(key, bytes, abortSignal))) await client.send(command, { abortSignal });
      }, options);
      return sha256;
    },
    async get(sha256, options) {
      if (!isHash(sha256)) return undefined;
      const key = prefix + sha256;
      const read = async (abortSignal: AbortSignal): Promise<Uint8Array | undefined> => {
        const found = await client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }).catch(absent);
        // The client repeats requests that fail; an answer that breaks off in the middle it leaves to us.
        return found?.Body && (await bytesOf(found.Body, abortSignal));
      };
      const find = () => told((signal) => repeated(read, signal), options);
      const bytes = (await find()) ?? ((await back(sha256)) ? await find() : undefined);
      if (bytes && (await sha256Of(bytes)) !== sha256) throw damaged(`s3://${bucket}/${key}`);
      return bytes;
    },
    async has(sha256, options) {
      if (!isHash(sha256)) return false;
      return (await told((signal) => headOf(prefix + sha256, signal), options)) !== undefined || back(sha256);
    },
    async remove(sha256, options) {
      if (!isHash(sha256)) return;
      const command = new s3.DeleteObjectCommand({ Bucket: bucket, Key: prefix + sha256 });
      // First what was put aside, so that nothing comes back from there.
      await removal.remove(sha256);
      await told((abortSignal) => client.send(command, { abortSignal }).catch(absent), options);
    },
    async *list() {
      for await (const { sha256, aside } of removal.entries()) if (!aside) yield sha256;
    },
    removal,
    check,
    close,
  };
}

function placeOf(address: string): Place {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 's3:' || url.hostname === '')
    throw new ProsamError(
      'CONFIG_INVALID',
      `expected objects as s3://bucket/prefix?endpoint=https://...&region=..., got ${JSON.stringify(address)}.`,
    );
  const unknown = [...url.searchParams.keys()].filter((key) => key !== 'endpoint' && key !== 'region');
  if (unknown.length > 0)
    throw new ProsamError('CONFIG_INVALID', `expected endpoint and region after the ? of an S3 address, got ${unknown.join(', ')}.`);
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  const endpoint = url.searchParams.get('endpoint');
  const region = url.searchParams.get('region') ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
  return { bucket: url.hostname, prefix: path === '' ? '' : `${path}/`, region, ...(endpoint !== null && { endpoint }) };
}

function absent(error: unknown): undefined {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const { name } = error as Error;
  // A missing bucket is no missing object.
  if (status !== 404 || name === 'NoSuchBucket') throw error;
}
