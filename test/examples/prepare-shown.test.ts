/** Work that the page of examples/web does ahead: in which order, how much, and never beside a search. */
import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { createPrepareShown, type PrepareShown } from '../../examples/web/page/prepare-shown.ts';

interface Picture {
  source: Blob;
}

const picture = (): Picture => ({ source: new Blob([]) });

let log: string[];
let end: (() => void)[];
let pictures: Picture[];
let searching: boolean;
let open: boolean;
let done: boolean | undefined;
let ahead: PrepareShown;

function work(name: string): Promise<never> {
  log.push(name);
  return new Promise((_, reject) => end.push(() => reject(new Error('told when a person asks'))));
}

/** Lets what is under way end. */
async function finish(): Promise<void> {
  end.shift()?.();
  await setImmediate();
}

beforeEach(() => {
  [log, end, pictures, searching, open, done] = [[], [], [picture(), picture(), picture()], false, true, undefined];
  const engine = {
    prepare: (image: unknown) => work(`picture ${pictures.findIndex(({ source }) => source === image)}`),
    concept: () => work('mark'),
  };
  ahead = createPrepareShown<Picture>({
    engine: () => (open ? engine : undefined),
    pictures: () => pictures,
    asked: () => ({ reference: { image: pictures[0]?.source as Blob, box: [0, 0, 1, 1] }, grow: true }),
    searching: () => searching,
    onDone: (value) => (done = value),
  });
});

it('waits for the engine, then takes the mark and each picture once, one at a time', async () => {
  open = false;
  ahead.marked();
  expect(log).toEqual([]);
  open = true;
  ahead.goOn();
  ahead.goOn();
  expect(log).toEqual(['mark']);
  for (let i = 0; i < 4; i++) await finish();
  expect(log).toEqual(['mark', 'picture 0', 'picture 1', 'picture 2']);
  expect(done).toBe(true);
  ahead.goOn();
  expect(log.length).toBe(4);
  pictures.push(picture());
  ahead.goOn();
  expect([log.at(-1), done]).toEqual(['picture 3', false]);
});

it('takes the last of many marks that came while it worked', async () => {
  ahead.goOn();
  for (let i = 0; i < 5; i++) ahead.marked();
  await finish();
  await finish();
  expect(log).toEqual(['picture 0', 'mark', 'picture 1']);
});

it('begins nothing during a search, and no more pictures than the engine keeps', async () => {
  pictures = Array.from({ length: 20 }, picture);
  ahead.goOn();
  searching = true;
  await finish();
  expect([log, done]).toEqual([['picture 0'], false]);
  searching = false;
  ahead.goOn();
  for (let i = 0; i < 20; i++) await finish();
  expect(log.length).toBe(6);
});
