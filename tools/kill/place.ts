/** Data folder of a kill test, and its reports. */
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
