/** Licenses of what is pulled: shown first, and one that is not open is agreed to before anything is fetched. */
import { isProsamError } from '../../core/common/errors.ts';
import { readLicense } from '../../core/models/hub/client.ts';
import type { HubSettings } from '../../core/models/hub/settings.ts';
import type { CatalogueEntry } from '../../core/models/published-models.ts';
import { UsageError, type Terminal } from '../common/command.ts';

/** Spelling of the hub. */
const OPEN = /^(apache-2\.0|mit|bsd(-[234]-clause)?)$/i;

type Part = Pick<CatalogueEntry, 'name' | 'repo'> & { license?: string; revision?: string | undefined };

/** onCard: license that the repository states. A hub's word for "some other license" says less than the catalogue. */
export function licenseOf(onCard: string | undefined, { license }: { license?: string }): string {
  return (onCard === 'other' ? license : onCard) ?? license ?? onCard ?? 'not stated';
}

/**
 * Function that shows a part's license, and asks about one that is not open unless `accepted`; once for each.
 * It throws UsageError where the license is not agreed to.
 */
export function licenseAgreement({ endpoint }: HubSettings, accepted: boolean, { warn, ask }: Terminal) {
  const agreed = new Set<string>();
  return async (part: Part, onCard: string | undefined): Promise<void> => {
    const { name, repo } = part;
    const license = licenseOf(onCard, part);
    const page = `${endpoint}/${repo}`;
    const about = `${name}: license ${license}, ${page}`;
    if (agreed.has(about)) return;
    warn(about);
    if (!OPEN.test(license) && !accepted) {
      const asked = `${repo} is not under an open license (Apache 2.0, MIT, BSD) but: ${license}.`;
      const answer = await ask?.(`${asked} Its terms: ${page}. Do you accept them? [y/N] `);
      if (answer === undefined)
        throw new UsageError(
          `${asked} Read its terms at ${page}; to accept them, repeat the command with --accept-license. Nothing of it was fetched.`,
        );
      if (!/^y(es)?$/i.test(answer.trim()))
        throw new UsageError(`the license of ${repo} (${license}) was not accepted. Nothing of it was fetched.`);
    }
    agreed.add(about);
  };
}

/** Agrees to all licenses before the first file is fetched. A hub that cannot be reached is left to who fetches from it. */
export async function agreeToAll(
  hub: HubSettings,
  parts: readonly Part[],
  agree: ReturnType<typeof licenseAgreement>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (hub.offline) return;
  for (const part of parts) {
    let onCard: string | undefined;
    try {
      onCard = await readLicense(hub, part.repo, part.revision ?? 'main', signal);
    } catch (error) {
      if (isProsamError(error) && error.code === 'HUB_FAILED') return;
      throw error;
    }
    await agree(part, onCard);
  }
}
