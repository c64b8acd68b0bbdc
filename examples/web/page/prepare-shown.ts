/** Work ahead of the search: what is shown is encoded while a person still looks at it, so that the answer to them needs only the rest. */
import type { WebEngine, WebReference } from 'prosam/web';

export interface PrepareShownOptions<Picture extends { source: Blob }> {
  /** Undefined until it is open. */
  engine: () => Pick<WebEngine, 'prepare' | 'concept'> | undefined;
  /** Pictures that are shown, the marked one first. */
  pictures: () => readonly Picture[];
  /** The mark, once there is one. */
  asked: () => { reference: WebReference; grow: boolean } | undefined;
  /** Whether a search is under way, which computes what it needs in the order it needs it. */
  searching: () => boolean;
  /** Called with true when all is done, with false when there is something to do again. */
  onDone: (done: boolean) => void;
}

export interface PrepareShown {
  /** To be called when pictures may have come or gone, when the engine is open, and when a search has ended. */
  goOn(): void;
  /** To be called when the mark is another one. */
  marked(): void;
}

/** Pictures that are encoded ahead, at most: of so many the engine surely still has the features when they are searched. */
const MOST = 6;

/** One thing at a time, for a search waits for what has begun. Errors are left to the search, which tells them. */
export function createPrepareShown<Picture extends { source: Blob }>(options: PrepareShownOptions<Picture>): PrepareShown {
  const { engine, pictures, asked, searching, onDone } = options;
  const begun = new WeakSet<Picture>();
  let newMark = false;
  let busy = false;

  /** The next thing, begun; undefined where there is none. */
  const next = (open: Pick<WebEngine, 'prepare' | 'concept'>): Promise<unknown> | undefined => {
    const mark = newMark ? asked() : undefined;
    newMark = false;
    if (mark) return open.concept([mark.reference], { grow: mark.grow });
    const picture = pictures()
      .slice(0, MOST)
      .find((one) => !begun.has(one));
    if (picture === undefined) return undefined;
    begun.add(picture);
    return open.prepare(picture.source);
  };
  const goOn = async (): Promise<void> => {
    const open = engine();
    if (open === undefined || busy || searching()) return;
    busy = true;
    try {
      for (let work = next(open); work !== undefined; work = searching() ? undefined : next(open)) {
        onDone(false);
        await work.catch(() => undefined);
      }
    } finally {
      busy = false;
    }
    if (!searching()) onDone(true);
  };
  return {
    goOn: () => void goOn(),
    marked() {
      newMark = true;
      void goOn();
    },
  };
}
