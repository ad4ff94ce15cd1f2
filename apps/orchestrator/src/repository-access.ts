import { keyText, resources, TerminalError, type KubeObject, type ObjectKey, type Repository } from '@sluice/model';
import { Secret } from '@sluice/runtime';
import type { Forge, ForgeCredentials, Mirror, OrchestratorPorts } from './ports.ts';

/** A repository with the forge and the mirror that serve it. */
export type OpenRepository = {
  readonly key: ObjectKey & { readonly namespace: string };
  readonly repository: Repository;
  readonly uid: string;
  readonly forge: Forge;
  readonly mirror: Mirror;
};

/** Opens repositories; keeps what it made while neither spec nor token change. */
export type RepositoryAccess = {
  /** undefined when there is no such Repository. Throws TerminalError when its secret cannot be used. */
  open(key: ObjectKey, signal: AbortSignal): Promise<OpenRepository | undefined>;
};

type Entry = {
  readonly version: string;
  readonly readAtMs: number;
  readonly secret: ReadSecret;
  readonly forge: Forge;
  readonly mirror: Mirror;
};
/** `version` differs when the Secret was changed. */
type ReadSecret = { readonly version: string; readonly credentials: ForgeCredentials };

/** How long credentials are trusted to be those in the Secret. */
const secretLifeMs = 30_000;

export function createRepositoryAccess(ports: OrchestratorPorts): RepositoryAccess {
  const entries = new Map<string, Entry>();

  async function open(key: ObjectKey, signal: AbortSignal): Promise<OpenRepository | undefined> {
    const repository = await ports.kube.get<Repository>(resources.repositories, key, signal);
    const { uid, namespace, generation, name } = repository?.metadata ?? {};
    if (!repository?.spec || !uid || !namespace || !name) {
      entries.delete(keyText(key));
      return undefined;
    }
    const version = `${uid}/${generation ?? 0}`;
    const known = entries.get(keyText(key));
    const current = known?.version === version ? known : undefined;
    const entry =
      (current && (await renewed(current, repository, namespace, signal))) ??
      (await connect(repository, namespace, version, signal));
    entries.set(keyText(key), entry);
    return { key: { namespace, name }, repository, uid, forge: entry.forge, mirror: entry.mirror };
  }

  /** The entry as it is while its Secret has not changed, which is looked at now and then. */
  async function renewed(
    entry: Entry,
    repository: Repository,
    namespace: string,
    signal: AbortSignal,
  ): Promise<Entry | undefined> {
    const now = ports.now();
    if (now - entry.readAtMs < secretLifeMs) return entry;
    const secret = await readSecret(ports, repository, namespace, signal);
    return secret.version === entry.secret.version ? { ...entry, readAtMs: now } : undefined;
  }

  async function connect(
    repository: Repository,
    namespace: string,
    version: string,
    signal: AbortSignal,
  ): Promise<Entry> {
    const secret = await readSecret(ports, repository, namespace, signal);
    const forge = ports.forges(repository, secret.credentials);
    const mirror = ports.mirrors(repository, secret.credentials);
    return { version, readAtMs: ports.now(), secret, forge, mirror };
  }

  return { open };
}

async function readSecret(
  { kube }: OrchestratorPorts,
  { spec }: Repository,
  namespace: string,
  signal: AbortSignal,
): Promise<ReadSecret> {
  const name = spec?.forge.secretRef?.name;
  if (!name) return { version: '', credentials: {} };
  type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };
  const secret = await kube.get<SecretObject>(resources.secrets, { namespace, name }, signal);
  if (!secret)
    throw new TerminalError(
      'SecretNotFound',
      `there is no Secret "${name}" in namespace ${namespace}; create it with the key "token"`,
    );
  const text = (key: string): string =>
    Buffer.from(secret.data?.[key] ?? '', 'base64')
      .toString('utf8')
      .trim();
  const [token, privateKey, appId] = [text('token'), text('privateKey'), Number(text('appId'))];
  const credentials: ForgeCredentials = {
    ...(token ? { token: new Secret(token) } : {}),
    ...(privateKey && Number.isSafeInteger(appId) && appId > 0
      ? { app: { appId, privateKey: new Secret(privateKey) } }
      : {}),
  };
  return { version: `${secret.metadata.uid}/${secret.metadata.resourceVersion}`, credentials };
}
