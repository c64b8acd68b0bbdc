/** The machine libraries are fetched for. */

export interface Platform {
  system: string;
  processor: string;
  /** Version of the GNU C library; undefined where another one runs. */
  glibc: string | undefined;
}

export function thisPlatform(): Platform {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return { system: process.platform, processor: process.arch, glibc: header.glibcVersionRuntime };
}

/** With glibc 2.`leastMinor` or newer. */
export function isLinuxX64({ system, processor, glibc }: Platform, leastMinor: number): boolean {
  const [major = 0, minor = 0] = (glibc ?? '').split('.').map(Number);
  return system === 'linux' && processor === 'x64' && (major > 2 || (major === 2 && minor >= leastMinor));
}

export function platformInWords({ system, processor, glibc }: Platform): string {
  const library = system === 'linux' ? (glibc === undefined ? ' without glibc' : ` with glibc ${glibc}`) : '';
  return `${system} on ${processor}${library}`;
}
