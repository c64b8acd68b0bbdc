/** Hosts and addresses that may be called: public ones, and private ones the operator allowed. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { ProsamError } from '../../core/common/errors.ts';

export interface AddressPolicy {
  /** Whether this name (or literal address) may be asked at this port, wherever it leads. */
  trusts(hostname: string, port: number): boolean;
  /** Whether an address may be connected to. */
  permits(address: string): boolean;
  /** Ports of hosts that are not trusted. */
  ports: ReadonlySet<number>;
}

/**
 * allowed: 'name', 'name:port', an address, '[v6 address]:port' or a range such as '10.1.0.0/16'.
 * @throws CONFIG_INVALID
 */
export function createAddressPolicy(allowed: readonly string[], ports: readonly number[]): AddressPolicy {
  const hosts = new Set<string>();
  const ranges: [ipaddr.IPv4 | ipaddr.IPv6, number][] = [];
  for (const entry of allowed) {
    if (ipaddr.isValidCIDR(entry)) ranges.push(ipaddr.parseCIDR(entry));
    else hosts.add(hostEntry(entry));
  }
  const inRanges = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
    ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
  return {
    trusts: (hostname, port) => hosts.has(bare(hostname)) || hosts.has(`${bare(hostname)}:${port}`),
    permits: (address) => {
      const plain = bare(address);
      if (!ipaddr.isValid(plain)) return false;
      // An IPv4 address written as IPv6 is judged as what it is.
      const parsed = ipaddr.process(plain);
      return isPublic(parsed) || inRanges(parsed);
    },
    ports: new Set(ports),
  };
}

/**
 * The address itself, before anything is looked up.
 * @throws URL_REFUSED
 */
export function checkAddress(url: URL, policy: AddressPolicy): void {
  const where = shownAddress(url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(`${url.protocol} addresses are not fetched`, 'Use http or https');
  if (url.username !== '' || url.password !== '') throw refused(`${where} has credentials in it`, 'Leave them out');
  const port = portOf(url);
  if (policy.trusts(url.hostname, port)) return;
  if (!policy.ports.has(port))
    throw refused(`port ${port} of ${where} is not fetched from`, 'Allow the host in the configuration if you trust it');
  const literal = bare(url.hostname);
  if (isIP(literal) !== 0 && !policy.permits(literal)) throw leadsInside(where);
  // The parser has turned 0x7f.1 and 2130706433 into dotted numbers; should one ever slip through, it is no name either.
  if (isIP(literal) === 0 && /^(0x[0-9a-f]*|\d+)$/i.test(literal.split('.').at(-1) ?? '')) throw leadsInside(where);
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

/** 'name:port' as lists of allowed hosts take it: without a port they allow every one. address: whole. */
export function hostAndPort(address: string): string {
  const url = new URL(address);
  return `${url.hostname}:${portOf(url)}`;
}

const THIS_MACHINE = new Set(['localhost', '127.0.0.1', '[::1]', '[::ffff:7f00:1]']);

/**
 * Whether two addresses lead to one server: the same scheme, port and name, where all names of this machine are one. Another path does
 * not matter; what is no address, or has credentials in it, is the same as nothing.
 */
export function sameServer(one: string, other: string): boolean {
  const [first, second] = [serverOf(one), serverOf(other)];
  return first !== undefined && first === second;
}

function serverOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  const name = url.hostname.replace(/\.$/, '');
  return `${url.protocol}//${THIS_MACHINE.has(name) ? 'localhost' : name}:${portOf(url)}`;
}

/** For messages and logs: an address without what may be signed or secret. */
export function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname}`.slice(0, 200);
}

export function leadsInside(where: string): ProsamError {
  return refused(
    `${where} leads to a private or reserved network`,
    'Allow the host in the configuration if you trust it, or send the bytes',
  );
}

export function refused(why: string, advice: string): ProsamError {
  return new ProsamError('URL_REFUSED', `The address is refused: ${why}. ${advice}.`);
}

/** IPv6 is handed out below 2000::/3 only; elsewhere there are old ways to write IPv4 addresses that no list of ranges has whole. */
const HANDED_OUT = ipaddr.IPv6.parseCIDR('2000::/3');

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address.range() === 'unicast' && (address.kind() === 'ipv4' || address.match(HANDED_OUT));
}

/** Without brackets, without the dot of the root, lower case. */
function bare(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** Form in which trusts() compares hosts. */
function hostEntry(entry: string): string {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:/\s@]+|[0-9a-f:.]+)(?::(\d{1,5}))?$/i.exec(entry) ?? [];
  if (host !== undefined && URL.canParse(`http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}/`)) {
    const named = new URL(`http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}/`).hostname;
    return port === undefined ? bare(named) : `${bare(named)}:${port}`;
  }
  throw new ProsamError(
    'CONFIG_INVALID',
    `An allowed host: expected name, name:port, address or range, got ${JSON.stringify(entry.slice(0, 100))}.`,
  );
}
