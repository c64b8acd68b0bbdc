/** Checks of a connection: each finding has a state and, where something is wrong, a fix. */
import { note, ok as right, problem as wrong, type Finding } from '../../../core/common/finding.ts';
import { isIP } from 'node:net';
import type { LabelStudioContext } from '../context.ts';
import type { ApiBackend, ApiProject } from '../../../adapters/label-studio/api/responses.ts';
import { comparableUrl, sameService } from '../../../adapters/label-studio/connection/webhook.ts';
import { OUTPUTS, parseLabelConfig } from '../../../adapters/label-studio/protocol/label-config.ts';
import { messageOf } from '../../../core/common/errors.ts';

export { note, right, wrong };
export type { Finding };

const TESTED = /^1\.2[0-9]\./;

export const SSRF_FIX =
  'start Label Studio with ML_BLOCK_LOCAL_IP=false (models) and SSRF_PROTECTION_ENABLED=false (webhooks), or give this service an address that is not private';

/** Fix of a service that may not read a Label Studio. */
export function serveFix(url: string): string {
  return `start "prosam serve" with PROSAM_LABEL_STUDIO_URL=${url} and PROSAM_LABEL_STUDIO_TOKEN=(a personal access token)`;
}

/** Checks whether the token that Label Studio hands to models opens anything: it is always a legacy token, and those are off by default. */
export async function legacyFindings({ client, settings }: Pick<LabelStudioContext, 'client' | 'settings'>): Promise<Finding[]> {
  const allowed = await client.tokenSettings().catch(() => undefined);
  const legacy = allowed?.legacy_api_tokens_enabled;
  if (legacy === undefined) return [];
  if (!legacy && settings.labelStudio.token === undefined) {
    return [
      wrong(
        'legacy',
        'legacy tokens are switched off, so that the token Label Studio hands to models opens nothing',
        `${serveFix(client.url)}, and set both for this command, too`,
      ),
    ];
  }
  return [right('legacy', legacy ? 'the token Label Studio hands to models counts' : 'off, but this service has a token of its own')];
}

export function versionFinding(release: string): Finding {
  if (TESTED.test(release)) return right('version', `Label Studio ${release}`);
  return note('version', `Label Studio ${release}; made for and tested with 1.23`, 'if something does not work, use Label Studio 1.23');
}

/** Checks the controls of the labeling interface, and whether they can show predictions. */
export function labelConfigFindings({ label_config }: Pick<ApiProject, 'label_config'>): Finding[] {
  const what = 'labels';
  const example =
    'Settings > Labeling Interface: an <Image> and <BrushLabels>, <BitmaskLabels>, <PolygonLabels>, <EllipseLabels> or <RectangleLabels> on it';
  try {
    const { controls, images } = parseLabelConfig(label_config);
    const names = new Set(images.map(({ name }) => name));
    const usable = controls.filter(({ kind, toName, smartOnly }) => OUTPUTS.includes(kind) && names.has(toName) && !smartOnly);
    const labels = new Set(usable.flatMap((control) => control.labels));
    if (images.length === 0)
      return [wrong(what, 'no <Image> with value="$field" or valueList="$field" in the labeling interface', example)];
    if (usable.length === 0) return [wrong(what, 'no control that could hold a mask', example)];
    const ofTasks = [...new Set(usable.flatMap(({ labelsField }) => (labelsField === undefined ? [] : [`$${labelsField} of each task`])))];
    if (labels.size + ofTasks.length === 0)
      return [wrong(what, 'the controls have no labels', `${example}, with <Label value="..."/> in it`)];
    const findings = [
      right(
        what,
        `${[...[...labels].slice(0, 10), ...ofTasks].join(', ')} on ${usable.map(({ kind, name }) => `${kind} "${name}"`).join(', ')}`,
      ),
    ];
    const smart = controls.filter((control) => control.smart);
    const prompts = smart.filter(({ kind }) => kind === 'keypointlabels' || kind === 'rectanglelabels');
    if (prompts.length === 0) {
      findings.push(
        note(
          'clicks',
          'no smart keypoints or rectangles: masks by click are not offered',
          'add <KeyPointLabels smart="true" ...> with the same labels',
        ),
      );
    } else {
      const foreign = prompts.flatMap((control) => control.labels).filter((label) => !labels.has(label));
      // Labels of tasks are known when somebody clicks.
      if (foreign.length > 0 && ofTasks.length === 0) {
        const list = [...new Set(foreign)].join(', ');
        findings.push(wrong('clicks', `smart labels without a mask of that name: ${list}`, 'use the same labels for prompts and masks'));
      } else findings.push(right('clicks', prompts.map(({ name }) => `"${name}"`).join(', ')));
    }
    const idle = smart.filter(({ kind }) => kind === 'brushlabels' || kind === 'polygonlabels');
    if (idle.length > 0) {
      findings.push(
        note(
          'clicks',
          `${idle.map(({ name }) => `"${name}"`).join(', ')}: Label Studio 1.23 sends nothing for smart brushes and polygons`,
          'use smart keypoints or rectangles',
        ),
      );
    }
    return findings;
  } catch (error) {
    return [wrong(what, messageOf(error), example)];
  }
}

/** Checks the connection as Label Studio sees it. */
export function backendFindings(backends: readonly ApiBackend[], backend: string, connectFix: string): Finding[] {
  const what = 'connection';
  const mine = backends.filter(({ url }) => sameService(url, backend));
  const [first, second] = mine;
  if (first === undefined) {
    const others = backends.map(({ url }) => comparableUrl(url)).join(', ');
    return [wrong(what, `the project has no model at ${backend}${others === '' ? '' : ` (but ${others})`}`, connectFix)];
  }
  const findings: Finding[] = [];
  if (second !== undefined)
    findings.push(
      wrong(what, `${mine.length} connections to the same address: everything is asked twice`, 'delete all but one in Settings > Model'),
    );
  // "Training" and "Predicting" are states of a model that answers.
  if (first.state === 'DI' || first.state === 'ER') {
    const detail = (first.error_message ?? '').replace(/\s+/g, ' ').slice(0, 300);
    findings.push(wrong(what, `Label Studio cannot reach it: ${detail || first.state}`, reachFix(backend, detail)));
  } else findings.push(right(what, `${backend}, version ${first.model_version ?? 'unknown'}`));
  if (!first.is_interactive) findings.push(note('clicks', 'the connection is not interactive: clicks are not sent', connectFix));
  if (isPrivate(backend))
    findings.push(
      note(
        'network',
        `${new URL(backend).hostname} is a private address: webhooks reach it only with SSRF_PROTECTION_ENABLED=false`,
        SSRF_FIX,
      ),
    );
  return findings;
}

function reachFix(backend: string, detail: string): string {
  if (/reserved network|blocked|SSRF/i.test(detail)) return SSRF_FIX;
  if (/authenticat/i.test(detail))
    return 'give Label Studio the user and password of auth.basic (PROSAM_LABEL_STUDIO_LOGIN=user:password for both sides), then connect again';
  return `check from the machine of Label Studio: curl ${backend}/health (in containers localhost is the container itself: use host.docker.internal or the service's name)`;
}

export function isPrivate(address: string): boolean {
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)\./.test(host);
}
