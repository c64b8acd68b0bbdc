/** Following objects for an agent: the same work as for CVAT's own calls, with tickets as plain text. */
import { z } from 'zod';
import { checkInput } from '../../http/check-input.ts';
import type { AskedImage } from '../nuclio/request-image.ts';
import { trackerBody } from '../nuclio/invocation-schemas.ts';
import { track, type TrackerParts } from '../nuclio/tracker.ts';

export interface AgentTracker extends TrackerParts {
  /** Name under which the engine's work for frames nobody knows is counted. */
  project: string;
}

const ticket = z.object({ id: z.string(), key: z.string() });
const response = z.object({ shapes: z.array(z.unknown()), states: z.array(ticket) });

/** Shapes to begin with, or states to go on from. @throws what the tracker throws */
export async function trackFrame(
  parts: AgentTracker,
  { shapes, states }: { shapes: readonly unknown[]; states: readonly string[] },
  image: AskedImage,
  signal: AbortSignal,
): Promise<{ shapes: unknown[]; states: string[] }> {
  const tickets = states.map((state) => {
    const [id = '', key = ''] = state.split('.');
    return { id, key };
  });
  // The bytes are at hand; the body only needs to say that there are some.
  const body = checkInput(trackerBody, { image: 'at hand', shapes, states: tickets }, 'body');
  const result = response.parse(
    await track(parts, body, image, { client: 'cvat agent', project: image.known?.project ?? parts.project, signal }),
  );
  return { shapes: result.shapes, states: result.states.map(({ id, key }) => `${id}.${key}`) };
}
