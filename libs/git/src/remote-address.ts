import { TerminalError, TransientError } from '@sluice/model';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** Which remotes may be contacted. */
export type RemotePolicy = {
  readonly protocols: readonly ('http' | 'https' | 'file')[];
  /** Hosts that may be reached although their address is private, loopback or link-local: `127.0.0.1`, `git.corp`. */
  readonly privateHosts: readonly string[];
};

/** A remote that was checked: the URL for git, and the address that its host had when it was checked. */
export type CheckedRemote = {
  readonly url: string;
  /** For `http.curloptResolve`: git connects to the checked address and nowhere else. */
  readonly pin?: string;
};

/** Resolves a host name. The default asks the system. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const privateRanges: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
];

const blocked = new BlockList();
for (const [address, prefix] of privateRanges)
  blocked.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/**
 * Check a URL before git sees it: scheme, host, and the addresses behind the host. Throws TerminalError (reason
 * RemoteRefused) for what policy forbids and TransientError when the name cannot be resolved.
 */
export async function checkRemote(
  text: string,
  policy: RemotePolicy,
  resolve: Resolve = systemResolve,
): Promise<CheckedRemote> {
  const refuse = (why: string): TerminalError =>
    new TerminalError('RemoteRefused', `repository URL ${JSON.stringify(text.slice(0, 200))} ${why}`);
  if (/[\s\p{Cc}]/u.test(text) || !URL.canParse(text)) throw refuse('is not a URL');
  const url = new URL(text);
  const protocol = url.protocol.slice(0, -1);
  const known = policy.protocols.find((allowed) => allowed === protocol);
  if (!known) throw refuse(`has the scheme ${protocol}; allowed are ${policy.protocols.join(', ')}`);
  if (known === 'file') return { url: text };
  if (url.username !== '' || url.password !== '') throw refuse('holds credentials; put them into the secret instead');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '' || host.startsWith('-')) throw refuse('has no host');
  const addresses = isIP(host) ? [host] : await resolveName(host, resolve);
  const [address] = addresses;
  if (address === undefined) throw new TransientError(`host ${host} has no address`);
  const inside = addresses.find((candidate) => isPrivate(candidate));
  if (inside !== undefined && !policy.privateHosts.includes(host)) {
    throw refuse(
      `leads to the private address ${inside}; if that is meant, allow the host ${host} in the configuration`,
    );
  }
  if (isIP(host)) return { url: url.href };
  const port = url.port || (known === 'https' ? '443' : '80');
  return { url: url.href, pin: `${host}:${port}:${addresses.join(',')}` };
}

function isPrivate(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return blocked.check(mapped, 'ipv4');
  return blocked.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

async function resolveName(host: string, resolve: Resolve): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    throw new TransientError(`host ${host} cannot be resolved`, { cause: error });
  }
}

const systemResolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);
