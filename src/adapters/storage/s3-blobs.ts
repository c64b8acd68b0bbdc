/** Bytes in an S3 bucket, named by their hash below a prefix. */
import type { S3Client } from '@aws-sdk/client-s3';
import { ProsamError } from '../../core/errors.ts';
import type { Blobs } from '../../core/storage-ports.ts';
import { damaged, isHash, sha256Of } from './blob-hash.ts';
import { optionalPackage, storageFailed } from './failures.ts';

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
 * @throws CONFIG_INVALID, PACKAGE_MISSING, STORAGE_FAILED where the bucket cannot be used
 */
export async function openS3Blobs(address: string): Promise<Blobs> {
  const place = placeOf(address);
  const { bucket, prefix, endpoint, region } = place;
  const s3 = await optionalPackage('@aws-sdk/client-s3', 'an S3 store', () => import('@aws-sdk/client-s3'));
  const client: S3Client = new s3.S3Client({
    region,
    // Servers other than Amazon's rarely have a name for every bucket, or newer kinds of checksums.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
  });
  const told = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw storageFailed(`the S3 bucket ${bucket}`, error);
    });
  const sizeOf = async (key: string): Promise<number | undefined> => {
    const head = await told(client.send(new s3.HeadObjectCommand({ Bucket: bucket, Key: key })).catch(absent));
    return head && (head.ContentLength ?? 0);
  };
  const close = (): Promise<void> => {
    client.destroy();
    return Promise.resolve();
  };
  try {
    await told(client.send(new s3.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async put(bytes) {
      const sha256 = await sha256Of(bytes);
      const key = prefix + sha256;
      if ((await sizeOf(key)) === bytes.byteLength) return sha256;
      const command = new s3.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.byteLength });
      // Part of the signature, so the server notices other bytes; known already, so it is not computed again.
      command.middlewareStack.add(
        (next) => (args) => {
          (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
          return next(args);
        },
        { step: 'build', name: 'knownHash' },
      );
      await told(client.send(command));
      return sha256;
    },
    async get(sha256) {
      if (!isHash(sha256)) return undefined;
      const key = prefix + sha256;
      const found = await told(client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: key })).catch(absent));
      if (found?.Body === undefined) return undefined;
      const bytes = await told(found.Body.transformToByteArray());
      if ((await sha256Of(bytes)) !== sha256) throw damaged(`s3://${bucket}/${key}`);
      return bytes;
    },
    async has(sha256) {
      return isHash(sha256) && (await sizeOf(prefix + sha256)) !== undefined;
    },
    async *list() {
      let token: string | undefined;
      do {
        const page = await told(
          client.send(
            new s3.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(token !== undefined && { ContinuationToken: token }) }),
          ),
        );
        for (const { Key } of page.Contents ?? []) {
          const name = Key?.slice(prefix.length) ?? '';
          if (isHash(name)) yield name;
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
    },
    close,
  };
}

function placeOf(address: string): Place {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 's3:' || url.hostname === '')
    throw new ProsamError(
      'CONFIG_INVALID',
      `wanted objects as s3://bucket/prefix?endpoint=https://...&region=..., got ${JSON.stringify(address)}.`,
    );
  const unknown = [...url.searchParams.keys()].filter((key) => key !== 'endpoint' && key !== 'region');
  if (unknown.length > 0)
    throw new ProsamError('CONFIG_INVALID', `wanted endpoint and region after the ? of an S3 address, got ${unknown.join(', ')}.`);
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
