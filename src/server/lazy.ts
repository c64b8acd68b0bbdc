/** The service, loaded when somebody wants one: programs that only predict should not wait for a server. */
import type { CreateProsamOptions, Prosam } from './create-server.ts';

/** @throws CONFIG_INVALID, STORAGE_FAILED, STORAGE_TIMEOUT, MIGRATION_NEEDED, MODEL_*, DEVICE_UNAVAILABLE */
export async function createProsam(options: CreateProsamOptions = {}): Promise<Prosam> {
  const module = await import('./create-server.ts');
  return module.createProsam(options);
}
