/** Flags and environment that keep the inference process small: it makes few objects, and arrays that are large and soon over. */

/** For Node: objects are collected after every 2 MiB of them, as each may keep a large array alive. By default it lets 32 MiB and more pile up. */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=2'];

/**
 * glibc by itself keeps most of what a network's steps take between them. Here every large piece goes back to the system when it is
 * free, and huge pages make that nearly free of charge; and few threads take memory, so that one heap with its leftovers is
 * enough. Other C libraries do not read it.
 */
const GLIBC_TUNABLES = ['malloc.mmap_threshold=1048576', 'malloc.hugetlb=1', 'malloc.arena_max=1']
  .map((tunable) => `glibc.${tunable}`)
  .join(':');

/** Environment of a worker, as its parent sets it. Allocator settings of the user are kept. */
export function workerEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const chosen = Object.keys(own).some((name) => name === 'GLIBC_TUNABLES' || name.startsWith('MALLOC_'));
  return { ...own, ...(!chosen && { GLIBC_TUNABLES }), ELECTRON_RUN_AS_NODE: '1' };
}
