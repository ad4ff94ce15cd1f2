import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, createServerCertificate, isUsable, type KeyPair } from './certificates.ts';
import { createTokenKey } from './service-account-tokens.ts';

/** What the server identifies itself and its clients with; kept in the data directory, readable by its owner only. */
export type Credentials = {
  readonly authority: KeyPair;
  readonly server: KeyPair;
  readonly adminToken: string;
  /** Private key of service account tokens, PEM. */
  readonly tokenKey: string;
};

/** Read the credentials of a directory, making what is missing or about to expire. The certificate is for `addresses`. */
export async function ensureCredentials(
  directory: string,
  addresses: readonly string[],
  now: number,
): Promise<Credentials> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await ensurePair(directory, 'ca', () => createAuthority(now));
  const hosts = [
    ...new Set(['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', ...addresses]),
  ].filter((name) => name !== '0.0.0.0' && name !== '::');
  const make = (): KeyPair => createServerCertificate(authority, hosts, now);
  let server = await ensurePair(directory, 'server', make);
  if (!isUsable(server, authority, hosts, now)) server = await writePair(directory, 'server', make());
  const adminToken = await ensureFile(join(directory, 'admin.token'), () => randomBytes(32).toString('base64url'));
  const tokenKey = await ensureFile(join(directory, 'service-account.key'), createTokenKey);
  return { authority, server, adminToken: adminToken.trim(), tokenKey };
}

async function ensurePair(directory: string, name: string, make: () => KeyPair): Promise<KeyPair> {
  const cert = await readIfThere(join(directory, `${name}.crt`));
  const key = await readIfThere(join(directory, `${name}.key`));
  return cert !== undefined && key !== undefined ? { cert, key } : writePair(directory, name, make());
}

async function writePair(directory: string, name: string, pair: KeyPair): Promise<KeyPair> {
  await writePrivate(join(directory, `${name}.key`), pair.key);
  await writePrivate(join(directory, `${name}.crt`), pair.cert);
  return pair;
}

async function ensureFile(path: string, make: () => string): Promise<string> {
  const found = await readIfThere(path);
  if (found !== undefined) return found;
  const made = make();
  await writePrivate(path, made);
  return made;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all, and never readable by others. */
async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
