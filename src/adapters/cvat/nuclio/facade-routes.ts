/** Nuclio's interface as CVAT uses it: the list of functions, one function, and a call, through the dashboard or directly. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { checkInput } from '../../http/check-input.ts';
import { mayUse } from '../../http/guard.ts';
import type { ImageSources } from '../../http/images/image-input.ts';
import { plainText } from '../../http/plain-text.ts';
import { route, type Caller, type Route, type RouteResponse, type RouteContext } from '../../http/route.ts';
import { dialectOf } from './response-dialect.ts';
import { askedImage, type AskedImage } from './request-image.ts';
import { detect, type DetectorParts } from './detector.ts';
import { functionEntry } from './function-entry.ts';
import type { CvatFunction, Functions } from './functions.ts';
import { interact, type InteractorParts } from './interactor.ts';
import { detectorBody, interactorBody, invocationBody, trackerBody } from './invocation-schemas.ts';
import { track, type TrackerParts } from './tracker.ts';
import type { FrameIndex } from '../types.ts';

export interface FacadeParts {
  functions: Functions;
  images: ImageSources;
  frames: FrameIndex;
  detector: DetectorParts;
  interactor: InteractorParts;
  tracker: TrackerParts;
  /** Projects of CVAT here: the one of frames nobody knows, and the beginning of the others' names. */
  own: { project: string; prefix: string };
  /** Its own port, or one that CVAT reads and never uses. */
  portOf: (name: string) => number;
  /** Waits until what is listed can be called. */
  listed: (functions: readonly CvatFunction[]) => Promise<void>;
}

/** Images of up to 48 MiB: base64 takes a third more. */
const MAX_BODY_BYTES = 64 * 2 ** 20;
/** CVAT waits 120 seconds unless told otherwise; an answer that says why is better than silence. */
const DEADLINE_MS = 110_000;

const nameParams = z.object({ name: plainText(200) });
const anyFunction = z.object({ metadata: z.unknown(), spec: z.unknown(), status: z.unknown() });

/** Routes of Nuclio's dashboard. */
export function facadeRoutes(parts: FacadeParts): Route[] {
  const { functions, portOf, listed } = parts;
  return [
    route({
      method: 'get',
      path: '/api/functions',
      summary: "CVAT's AI tools, as Nuclio lists functions",
      access: 'read',
      errorsInStatusLine: true,
      response: z.record(z.string(), anyFunction),
      async handle({ caller }) {
        const visible = (await functions.list()).filter((one) => isAllowed(caller, one, parts.own));
        await listed(visible);
        return { json: Object.fromEntries(visible.map((one) => [one.name, functionEntry(one, portOf(one.name))])) };
      },
    }),
    route({
      method: 'get',
      path: '/api/functions/:name',
      summary: 'One of them; CVAT asks before every call',
      access: 'read',
      errorsInStatusLine: true,
      params: nameParams,
      response: anyFunction,
      async handle({ params, caller }) {
        const found = await functions.get(params.name);
        checkAllowed(caller, found, parts.own);
        return { json: functionEntry(found, portOf(found.name)) };
      },
    }),
    route({
      ...called,
      path: '/api/function_invocations',
      summary: 'Calls the function that the header x-nuclio-function-name names',
      async handle(context) {
        const name = context.headers['x-nuclio-function-name'];
        if (typeof name === 'string') return call(parts, name, context);
        throw new ProsamError(
          'REQUEST_INVALID',
          'Expected the name of a function in the header x-nuclio-function-name, got none. Name one.',
        );
      },
    }),
  ];
}

/** Routes of a port that belongs to one function alone. */
export function directRoutes(parts: FacadeParts, name: string): Route[] {
  return [route({ ...called, path: '/', summary: `Calls ${name}`, handle: (context) => call(parts, name, context) })];
}

const called = {
  method: 'post',
  access: 'write',
  errorsInStatusLine: true,
  maxBodyBytes: MAX_BODY_BYTES,
  deadlineMs: DEADLINE_MS,
  body: invocationBody,
} as const;

async function call(parts: FacadeParts, name: string, context: RouteContext<unknown, unknown, { image: string }>): Promise<RouteResponse> {
  const { body, caller, signal, headers } = context;
  const found = await parts.functions.get(name);
  checkAllowed(caller, found, parts.own);
  const image = () => askedImage(body.image, parts.images, parts.frames, signal);
  // Whoever annotates, it is CVAT that asks.
  const who = { client: `cvat ${caller.name}`, signal };
  switch (found.kind) {
    case 'detector':
      return json(await detect(parts.detector, found, checkInput(detectorBody, body, 'body'), await image(), who));
    case 'interactor': {
      const agent = headers['user-agent'];
      const [asked, dialect] = [await image(), dialectOf(typeof agent === 'string' ? agent : undefined)];
      const project = placeOf(caller, asked, parts.own);
      const call = { ...who, dialect, project, ...(caller.projects && { only: project }) };
      return json(await interact(parts.interactor, checkInput(interactorBody, body, 'body'), asked, call));
    }
    case 'tracker': {
      const asked = await image();
      const call = { ...who, project: placeOf(caller, asked, parts.own) };
      return { json: await track(parts.tracker, checkInput(trackerBody, body, 'body'), asked, call) };
    }
  }
}

function json(bytes: Uint8Array): RouteResponse {
  return { bytes, type: 'application/json; charset=utf-8' };
}

function isAllowed({ projects }: Caller, { project }: CvatFunction, own: FacadeParts['own']): boolean {
  if (projects === undefined) return true;
  return project === undefined ? projects.some((one) => isOwn(one, own)) : projects.includes(project);
}

/** @throws FORBIDDEN */
function checkAllowed(caller: Caller, found: CvatFunction, own: FacadeParts['own']): void {
  if (!isAllowed(caller, found, own)) mayUse(caller, found.project ?? own.project);
}

/** Project in which a tool of all projects works for a caller. @throws FORBIDDEN */
function placeOf(caller: Caller, { known }: AskedImage, own: FacadeParts['own']): string {
  const where = known?.project ?? own.project;
  // A frame nobody knows may be of any project: of the caller's own, where the caller is held to some.
  const other =
    known === undefined && caller.projects?.includes(where) === false ? caller.projects.find((one) => isOwn(one, own)) : undefined;
  if (other === undefined) mayUse(caller, where);
  return other ?? where;
}

function isOwn(project: string, { project: whole, prefix }: FacadeParts['own']): boolean {
  return project === whole || project.startsWith(prefix);
}
