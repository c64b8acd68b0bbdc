/**
 * What the process that computes is told through its environment. glibc by itself keeps most of what a network's steps take
 * between them (measured on ViT-B: about twice what is in use); here every large piece goes back to the system when it is
 * free, and huge pages make that nearly free of charge. Other C libraries do not read it.
 */

/** One heap for all threads: few of them take memory, and each heap keeps its own leftovers. */
const GLIBC_TUNABLES = ['malloc.mmap_threshold=1048576', 'malloc.hugetlb=1', 'malloc.arena_max=1']
  .map((tunable) => `glibc.${tunable}`)
  .join(':');

/** Of a worker, as seen from the process that starts it. What a user has set for the allocator stays as it is. */
export function workerEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const chosen = Object.keys(own).some((name) => name === 'GLIBC_TUNABLES' || name.startsWith('MALLOC_'));
  return { ...own, ...(!chosen && { GLIBC_TUNABLES }), ELECTRON_RUN_AS_NODE: '1' };
}
