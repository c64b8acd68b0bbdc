/** Environment that CVAT's containers need, as a compose file to paste. */

/** Environment of both containers; url: prosam as they see it. */
export function expectedEnvironment(url: URL): Record<string, string> {
  return {
    CVAT_NUCLIO_SCHEME: url.protocol.replace(':', ''),
    CVAT_NUCLIO_HOST: url.hostname,
    CVAT_NUCLIO_PORT: url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port,
    CVAT_NUCLIO_INVOKE_METHOD: 'dashboard',
    CVAT_NUCLIO_DEFAULT_TIMEOUT: '120',
  };
}

/** Containers that call functions: one for people who click, one for whole tasks. */
export const CONTAINERS = ['cvat_server', 'cvat_worker_annotation'] as const;
export const SERVERLESS = 'CVAT_SERVERLESS';

export function composeOverride(url: URL): string {
  const lines = Object.entries(expectedEnvironment(url)).map(([name, value]) => `      ${name}: ${quoted(value)}`);
  const host = url.hostname === 'host.docker.internal' ? "\n    extra_hosts: ['host.docker.internal:host-gateway']" : '';
  return `services:
  cvat_server:
    environment: &prosam
      ${SERVERLESS}: '1'
${lines.join('\n')}${host}
  cvat_worker_annotation:
    environment: *prosam${host}
`;
}

/** Quoted string of YAML. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
