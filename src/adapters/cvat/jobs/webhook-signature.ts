/** CVAT's signature of its webhooks: HMAC-SHA256 over the body's bytes as they came. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ProsamError } from '../../../core/common/errors.ts';

const HEADER = /^sha256=([0-9a-f]{64})$/;

/** Checks that need the header alone. @throws FORBIDDEN without a secret, UNAUTHORIZED for a missing or malformed one; -> its digest */
export function checkWebhookHeader(secrets: readonly string[], header: unknown): Buffer {
  if (secrets.length === 0)
    throw new ProsamError('FORBIDDEN', 'No secret for webhooks is configured here, so none is believed. Set one on both sides.');
  const given = typeof header === 'string' ? HEADER.exec(header)?.[1] : undefined;
  if (given !== undefined) return Buffer.from(given, 'hex');
  throw new ProsamError(
    'UNAUTHORIZED',
    'Expected the header X-Signature-256: sha256=<64 hex digits>, got none like it. Set a secret in the webhook.',
  );
}

/** All secrets are tried, so that the time taken says nothing. @throws UNAUTHORIZED for a missing, malformed or wrong one */
export function checkWebhookSignature(secrets: readonly string[], header: unknown, body: Uint8Array): void {
  const digest = checkWebhookHeader(secrets, header);
  let known = false;
  for (const secret of secrets) {
    if (timingSafeEqual(createHmac('sha256', secret).update(body).digest(), digest)) known = true;
  }
  if (!known)
    throw new ProsamError(
      'UNAUTHORIZED',
      'The signature does not belong to these bytes and any known secret. Compare the secrets of both sides.',
    );
}
