/** One line on a terminal that shows how far long work has come. Nothing where nobody watches. */

export interface Progress {
  advance(what: string): void;
  /** Clears the line, e.g. before printing something else. */
  clear(): void;
}

const WIDTH = 24;

export function createProgress(total: number, out: NodeJS.WriteStream = process.stderr): Progress {
  const started = performance.now();
  let done = 0;
  const clear = (): void => {
    if (out.isTTY) out.write('\r\x1b[K');
  };
  return {
    clear,
    advance(what) {
      done++;
      if (!out.isTTY) return;
      const filled = Math.round((WIDTH * done) / total);
      const perSecond = (1000 * done) / (performance.now() - started);
      const left = Math.ceil((total - done) / perSecond);
      const line = `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total} ${perSecond.toFixed(1)}/s ${left} s left  ${what}`;
      out.write(`\r\x1b[K${line.slice(0, Math.max(20, out.columns - 1))}`);
      if (done === total) clear();
    },
  };
}
