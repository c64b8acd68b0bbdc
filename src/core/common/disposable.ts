/** `await using` for everything with a `close()`. */

/** Adds the method that `await using` calls, where the platform knows it. */
export function disposable<T extends { close(): Promise<void> }>(resource: T): T & AsyncDisposable {
  const { asyncDispose } = Symbol as { asyncDispose?: symbol };
  if (asyncDispose !== undefined) Object.defineProperty(resource, asyncDispose, { value: () => resource.close() });
  return resource as T & AsyncDisposable;
}
