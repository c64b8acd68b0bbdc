/** Where a kill test keeps its data, and what it reports. */
export interface KillPlace {
  name: string;
  /** Working folder of the processes. */
  folder: string;
  environment: Readonly<Record<string, string>>;
}

export interface KillRow {
  where: string;
  what: string;
  kills: number;
  outcome: string;
  ok: boolean;
}
