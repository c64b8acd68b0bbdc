/** Requests as real CVAT servers sent them, and what they were answered with then. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import sharp from 'sharp';

export const SECRET = 'secret-of-the-webhook';

export interface Recorded {
  request: {
    method: string;
    path: string;
    headers: Record<string, string>;
    body: Record<string, unknown> | null;
    image_facts: { image?: { sha256: string; format: string; size: [number, number] } };
  };
  response: { status: number; reason: string | null; body: unknown };
}

export interface RecordedWebhook {
  headers: Record<string, string>;
  secret: string;
  raw_body: string;
  body: { event: string; before_update?: Record<string, unknown>; job?: { id: number; updated_date: string } };
}

// The caller says what was recorded.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function traffic<T>(name: string): T {
  return JSON.parse(readFileSync(resolve('test/integrations/cvat/functions/traffic', `${name}.json`), 'utf8')) as T;
}

/** Some recordings have their image cut short: a picture of the same kind and size takes its place. */
export async function bodyOf({ request }: Recorded): Promise<Record<string, unknown>> {
  const body = { ...request.body };
  const text = String(body['image']);
  if (!/\.\.\. \d+ characters in all$/.test(text)) return body;
  const { format = 'PNG', size: [width, height] = [320, 240] } = request.image_facts.image ?? {};
  const picture = sharp({ create: { width, height, channels: 3, background: { r: 200, g: 40, b: 40 } } });
  const bytes = await (format === 'JPEG' ? picture.jpeg() : picture.png()).toBuffer();
  return { ...body, image: bytes.toString('base64') };
}
