/** Removal of blobs from a bucket: put aside by a copy under another key, and ended later. */
import type * as S3 from '@aws-sdk/client-s3';
import type { BlobEntry, BlobRemoval } from '../../service/ports/upkeep.ts';
import { isHash } from './blob-hash.ts';
import type { BoundedCall } from './s3-calls.ts';

/** Part of the keys of blobs that were put aside. */
const ASIDE = 'aside/';

export interface S3RemovalParts {
  s3: typeof S3;
  client: S3.S3Client;
  bucket: string;
  prefix: string;
  told: BoundedCall;
  absent: (error: unknown) => undefined;
}

export interface S3Removal extends BlobRemoval {
  /** Puts an object back in its place; false where it was not aside. */
  back: (sha256: string) => Promise<boolean>;
}

export function s3Removal({ s3, client, bucket, prefix, told, absent }: S3RemovalParts): S3Removal {
  const [place, aside] = [(sha256: string) => prefix + sha256, (sha256: string) => prefix + ASIDE + sha256];
  const remove = (key: string) =>
    told((abortSignal) => client.send(new s3.DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }));
  const move = async (from: string, to: string): Promise<boolean> => {
    const source = `${bucket}/${from}`.split('/').map(encodeURIComponent).join('/');
    const command = new s3.CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: source });
    const copied = await told((abortSignal) => client.send(command, { abortSignal }).catch(absent));
    if (copied === undefined) return false;
    await remove(from);
    return true;
  };
  const back = (sha256: string): Promise<boolean> => (isHash(sha256) ? move(aside(sha256), place(sha256)) : Promise.resolve(false));
  return {
    back,
    async *entries() {
      let token: string | undefined;
      do {
        const command = new s3.ListObjectsV2Command({
          ...{ Bucket: bucket, Prefix: prefix },
          ...(token !== undefined && { ContinuationToken: token }),
        });
        const page = await told((abortSignal) => client.send(command, { abortSignal }));
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          const name = Key.slice(prefix.length);
          const isAside = name.startsWith(ASIDE);
          const sha256 = isAside ? name.slice(ASIDE.length) : name;
          const entry: BlobEntry = { sha256, bytes: Size, sinceMs: LastModified?.getTime() ?? Infinity, aside: isAside };
          if (isHash(sha256)) yield entry;
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
    },
    async putAside(sha256) {
      if (isHash(sha256)) await move(place(sha256), aside(sha256));
    },
    bringBack: (sha256) => back(sha256).then(() => undefined),
    async remove(sha256) {
      if (isHash(sha256)) await remove(aside(sha256));
    },
  };
}
