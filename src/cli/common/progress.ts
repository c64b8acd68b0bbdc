/** Progress line on a terminal; silent where stderr is no terminal. */

export interface Progress {
  advance(what: string): void;
  /** Clears the line, e.g. before printing something else. */
  clear(): void;
}

const MAX_WIDTH = 24;
const MIN_WIDTH = 8;
/** Least time between two updates. */
const BETWEEN_LINES_MS = 50;
/** Least width of a line. */
const MIN_COLUMNS = 20;
const USUAL_COLUMNS = 80;

/** Progress of counted steps. before: steps done earlier, left out of the speed. */
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
      const columns = Math.max(MIN_COLUMNS, out.columns - 1);
      const perSecond = (1000 * (done - before)) / (performance.now() - started);
      const text = `${done}/${total} ${perSecond.toFixed(1)}/s ${duration((total - done) / perSecond)} left  ${what}`;
      const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns - text.length - 3));
      const filled = Math.round((width * done) / total);
      out.write(`\r\x1b[K${`[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${text}`.slice(0, columns)}`);
      if (done === total) clear();
    },
  };
}

export interface ByteProgress {
  /** Shows the progress. done: bytes of the total so far. */
  show(done: number): void;
  clear(): void;
}

/** Progress of bytes. before: bytes done earlier, left out of the speed. */
export function createByteProgress(what: string, total: number, out: NodeJS.WriteStream = process.stderr, before = 0): ByteProgress {
  const started = performance.now();
  let shown = -Infinity;
  const clear = (): void => {
    if (out.isTTY) out.write('\r\x1b[K');
  };
  return {
    clear,
    show(done) {
      if (!out.isTTY || performance.now() - shown < BETWEEN_LINES_MS) return;
      shown = performance.now();
      const columns = Math.max(MIN_COLUMNS, (out.columns || USUAL_COLUMNS) - 1); // some terminals do not say
      const perSecond = (1000 * (done - before)) / Math.max(1, shown - started);
      const left = perSecond > 0 ? `${duration((total - done) / perSecond)} left` : '';
      const text = `${bytesText(done)} of ${bytesText(total)}  ${bytesText(perSecond)}/s  ${left}  ${what}`;
      const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns - text.length - 3));
      const filled = Math.round((width * done) / Math.max(1, total));
      out.write(`\r\x1b[K${`[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${text}`.slice(0, columns)}`);
    },
  };
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Formats a size: 375042383 -> "375 MB", 2564550879 -> "2.56 GB" */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${UNITS[unit] as string}`;
}

/** Formats a duration: 75 -> "75 s", 600 -> "10 min", 7500 -> "2 h 05 min" */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
