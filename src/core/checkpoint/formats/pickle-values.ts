/** The values a pickle can hold here, and what it may reach outside itself. */

export interface PickleList<T> {
  kind: 'list';
  items: PickleValue<T>[];
}
export interface PickleTuple<T> {
  kind: 'tuple';
  items: readonly PickleValue<T>[];
}
export interface PickleDict<T> {
  kind: 'dict';
  entries: Map<string | number | boolean | null, PickleValue<T>>;
  /** An OrderedDict, which may carry attributes; a plain dictionary may not. */
  ordered: boolean;
}
export interface PickleGlobal {
  kind: 'global';
  /** Module and name, joined by a dot. */
  name: string;
}
/** Something the host made. */
export interface PickleMade<T> {
  kind: 'made';
  value: T;
}
type Container<T> = PickleList<T> | PickleTuple<T> | PickleDict<T> | PickleGlobal | PickleMade<T>;
export type PickleValue<T> = null | boolean | number | string | Container<T>;

/** Access a pickle has outside itself. Every function may throw. */
export interface PickleHost<T> {
  /** True where the name may appear at all. */
  allows(name: string): boolean;
  /** Calls an allowed name. */
  call(name: string, args: readonly PickleValue<T>[]): PickleValue<T>;
  /** Resolves a persistent id. */
  load(id: PickleValue<T>): PickleValue<T>;
}

export function isKind<T, K extends Container<T>['kind']>(value: PickleValue<T>, kind: K): value is Extract<Container<T>, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}
