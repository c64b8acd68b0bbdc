/** Everything that a system outside has to answer, as checks that can be asked of any: in a test suite, and by `prosam doctor --external`. */
import { isProsamError, messageOf, ProsamError } from '../core/common/errors.ts';
import { note, ok, problem, type Finding } from '../core/common/finding.ts';
import { externalImage } from '../core/engine/methods/external/messages.ts';
import type {
  ExternalDescription,
  ExternalImage,
  ExternalMask,
  ExternalReference,
  ExternalSystem,
  ExternalTransport,
} from '../core/engine/methods/external/port.ts';
import { createExternalSegmenter } from '../core/engine/methods/external/segmenter.ts';
import { iou } from '../core/mask/metrics.ts';
import { runsFromMask } from '../core/mask/rle.ts';

export interface ExternalCheck {
  name: string;
  /** @throws an error that names what was expected */
  run: (transport: ExternalTransport) => Promise<Finding>;
}

const LABEL = 'disc';
/** IoU below which a system is said to miss an object in the very image it was shown in. */
const MIN_OWN_IOU = 0.5;

/** A red disc on a blue-green ground; no side is as long as the other, so that one taken for the other shows. */
async function discImage(width: number, height: number): Promise<{ image: ExternalImage; disc: Uint8Array }> {
  const data = new Uint8Array(3 * width * height);
  const disc = new Uint8Array(width * height);
  const radius = 0.3 * Math.min(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const inside = Math.hypot(x + 0.5 - 0.4 * width, y + 0.5 - 0.55 * height) < radius;
      disc[at] = inside ? 1 : 0;
      data.set(inside ? [210, 40, 30] : [20, 90 + Math.round((60 * x) / width), 150], 3 * at);
    }
  }
  return { image: await externalImage(`disc-${width}x${height}`, { data, width, height }), disc };
}

async function discReference(width: number, height: number): Promise<ExternalReference> {
  const { image, disc } = await discImage(width, height);
  return { image, counts: runsFromMask({ data: disc, width, height }) };
}

async function ask(transport: ExternalTransport, references: readonly ExternalReference[], targets: readonly ExternalImage[]) {
  const results = await createExternalSegmenter(transport).segment({ label: LABEL, references, targets });
  return results.map((result): ExternalMask => {
    if (result instanceof Error) throw result;
    return result;
  });
}

function describe(transport: ExternalTransport): Promise<ExternalDescription> {
  return createExternalSegmenter(transport).describe();
}

/** A message that has to be refused, and after which the next one is answered. */
async function refused(transport: ExternalTransport, message: object): Promise<void> {
  const answer = await transport.exchange(new TextEncoder().encode(JSON.stringify(message))).catch((error: unknown) => {
    if (isProsamError(error) && error.code === 'EXTERNAL_FAILED') return undefined;
    throw error;
  });
  const said = answer && (JSON.parse(new TextDecoder().decode(answer)) as { error?: unknown } | null);
  if (said !== undefined && typeof said?.error !== 'string')
    throw new ProsamError('EXTERNAL_FAILED', `expected an answer with an error in words, got ${JSON.stringify(said).slice(0, 200)}.`);
  await describe(transport);
}

export const EXTERNAL_CHECKS: readonly ExternalCheck[] = [
  {
    name: 'description',
    async run(transport) {
      const { name, version, maxBatch } = await describe(transport);
      return ok('description', `${name} ${version}, ${maxBatch} target${maxBatch === 1 ? '' : 's'} in a message`);
    },
  },
  {
    name: 'one target',
    async run(transport) {
      const [[found], { disc }] = await Promise.all([
        ask(transport, [await discReference(64, 48)], [(await discImage(64, 48)).image]),
        discImage(64, 48),
      ]);
      const { mask, score } = found as ExternalMask;
      const own = iou(mask, disc);
      const said = `a mask of the target's size with score ${score.toFixed(2)}`;
      if (own >= MIN_OWN_IOU) return ok('one target', said);
      return note(
        'one target',
        `${said}, but its IoU with the object in the very image that was shown is ${own.toFixed(2)}`,
        'check the order of the pixels (RGB, row by row) and of the run lengths (down the columns)',
      );
    },
  },
  {
    name: 'several references',
    async run(transport) {
      await ask(transport, [await discReference(64, 48), await discReference(40, 72)], [(await discImage(56, 80)).image]);
      return ok('several references', 'a mask for two references of different sizes');
    },
  },
  {
    name: 'batch',
    async run(transport) {
      const { maxBatch } = await describe(transport);
      const sizes = ([[64, 48], [48, 64], [80, 33]] as const).slice(0, maxBatch); // prettier-ignore
      const targets = await Promise.all(sizes.map(async ([width, height]) => (await discImage(width, height)).image));
      await ask(transport, [await discReference(64, 48)], targets);
      return ok('batch', `${targets.length === 1 ? 'one target' : `${targets.length} targets of different sizes`} in one message`);
    },
  },
  {
    name: 'several messages at once',
    async run(transport) {
      const reference = await discReference(64, 48);
      await Promise.all([50, 60, 70].map(async (width) => ask(transport, [reference], [(await discImage(width, 40)).image])));
      return ok('several messages at once', 'each with the answer to its own');
    },
  },
  {
    name: 'unknown message',
    async run(transport) {
      await refused(transport, { protocol: 1, type: 'no-such-message', id: 'x1' });
      return ok('unknown message', 'refused, and the next one answered');
    },
  },
  {
    name: 'other protocol',
    async run(transport) {
      await refused(transport, { protocol: 999, type: 'describe', id: 'x2' });
      return ok('other protocol', 'refused, and the next one answered');
    },
  },
];

/** One finding a check; after a system that does not even describe itself nothing else is asked. */
export async function checkExternal(system: ExternalSystem, signal?: AbortSignal): Promise<Finding[]> {
  const transport = system.open();
  const findings: Finding[] = [];
  try {
    for (const { name, run } of EXTERNAL_CHECKS) {
      signal?.throwIfAborted();
      const finding = await run(transport).catch((error: unknown) =>
        problem(name, `${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}`),
      );
      findings.push({ ...finding, what: `external, ${name}` });
      if (name === 'description' && finding.state === 'problem') break;
    }
  } finally {
    await transport.close();
  }
  return findings;
}
