/** Address of prosam from this machine, where the containers' name of the host means it. */
export function hereOf(facade: URL): URL {
  const here = new URL(facade);
  if (here.hostname === 'host.docker.internal') here.hostname = '127.0.0.1';
  return here;
}
