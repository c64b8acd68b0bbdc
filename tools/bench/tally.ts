/** Counts answers and how long they took, by kind of request. */

export interface Tally {
  answered(kind: string, status: number, milliseconds: number): void;
  lost(kind: string, error: unknown): void;
  lostCount(): number;
  /** Status -> how often. */
  statuses(): [status: number, times: number][];
  table(): { head: string[]; rows: string[][] };
}

export function createTally(): Tally {
  const times = new Map<string, number[]>();
  const later = new Map<string, number>();
  const statuses = new Map<number, number>();
  let lost = 0;
  return {
    answered(kind, status, milliseconds) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      // Being sent away is quick, and says nothing of how long answers take.
      if (status >= 400) {
        later.set(kind, (later.get(kind) ?? 0) + 1);
        return;
      }
      const list = times.get(kind) ?? [];
      list.push(milliseconds);
      times.set(kind, list);
    },
    lost(kind, error) {
      lost++;
      console.error(`${kind}: ${String(error)}`);
    },
    lostCount: () => lost,
    statuses: () => [...statuses],
    table() {
      const kinds = [...new Set([...times.keys(), ...later.keys()])].sort();
      const rows = kinds.map((kind) => {
        const sorted = [...(times.get(kind) ?? [])].sort((a, b) => a - b);
        const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(0);
        return [kind, String(sorted.length), String(later.get(kind) ?? 0), at(0.5), at(0.95), at(0.99), at(1)];
      });
      return { head: ['request', 'answered', 'come later', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'], rows };
    },
  };
}
