/** One line on a terminal that shows how far long work has come. Nothing where nobody watches. */

export interface Progress {
  advance(what: string): void;
  /** Clears the line, e.g. before printing something else. */
  clear(): void;
}

const MOST_WIDTH = 24;
const LEAST_WIDTH = 8;
/** Nobody reads faster. */
const BETWEEN_LINES_MS = 50;
/** Fewer letters than this are no terminal's line. */
const LEAST_COLUMNS = 20;

/** before: how much of the total was done before, at no cost of time. */
export function createProgress(total: number, out: NodeJS.WriteStream = process.stderr, before = 0): Progress {
  const started = performance.now();
  let done = before;
  let shown = -Infinity;
  const clear = (): void => {
    if (out.isTTY) out.write('\r\x1b[K');
  };
  return {
    clear,
    advance(what) {
      done++;
      if (!out.isTTY || (done < total && performance.now() - shown < BETWEEN_LINES_MS)) return;
      shown = performance.now();
      const columns = Math.max(LEAST_COLUMNS, out.columns - 1);
      const perSecond = (1000 * (done - before)) / (performance.now() - started);
      const text = `${done}/${total} ${perSecond.toFixed(1)}/s ${duration((total - done) / perSecond)} left  ${what}`;
      const width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, columns - text.length - 3));
      const filled = Math.round((width * done) / total);
      out.write(`\r\x1b[K${`[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${text}`.slice(0, columns)}`);
      if (done === total) clear();
    },
  };
}

/** 75 -> "75 s", 600 -> "10 min", 7500 -> "2 h 05 min" */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
