import { randomBytes } from 'node:crypto';
import { defineController, defineOperator, type KubeObject, parseDurationMs, ready, resources } from '@sluice/operator';
import { type Credential, kind } from './kind.ts';

/** The password database that users are told to and removed from: a port, so that tests have one of their own. */
export type Accounts = {
  readonly set: (user: string, password: string) => Promise<void>;
  readonly remove: (user: string) => Promise<void>;
};

type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> };
type Status = { readonly rotatedAt: string; readonly rotations: number };

/**
 * What a pure function cannot do: make something up, once, and see to something outside of the cluster. The Secret is the truth, not
 * the status: a crash between any two lines is mended by the next pass.
 */
export function credentialOperator(accounts: Accounts) {
  const controller = defineController<Credential, Status>({
    name: 'credentials',
    kind,
    owns: [resources.secrets],
    async reconcile(credential, { kube, apply, now }) {
      const { spec, metadata, status } = credential;
      const { namespace = '', name } = metadata;
      // Asked of the server, not of the cache: a second password must not be made because the cache is a moment behind.
      const secret = await kube.get<Secret>(resources.secrets, { namespace, name });
      const present = secret?.data?.['password'];
      const madeAt = secret?.metadata.annotations?.['examples.sluice.dev/rotated-at'];
      const ageMs = madeAt === undefined ? Infinity : now() - Date.parse(madeAt);
      const everyMs = spec.rotateEvery === undefined ? Infinity : parseDurationMs(spec.rotateEvery);
      const fresh = present === undefined || ageMs >= everyMs;
      const password = fresh ? makePassword(spec.length) : Buffer.from(present, 'base64').toString();
      const rotatedAt = fresh ? new Date(now()).toISOString() : (madeAt ?? '');
      await apply(buildSecret(credential, password, rotatedAt));
      await accounts.set(spec.user, password);
      const rotations = (status?.rotations ?? 0) + (status?.rotatedAt === rotatedAt ? 0 : 1);
      return {
        status: { rotatedAt, rotations },
        ready: ready('Issued', `the password of ${spec.user} is in Secret ${name}`),
        ...(everyMs !== Infinity && { requeueAfterMs: Math.max(1, Date.parse(rotatedAt) + everyMs - now()) }),
      };
    },
    async finalize({ spec }) {
      await accounts.remove(spec.user);
    },
  });
  return defineOperator({ name: 'credential-operator', kinds: [kind], controllers: [controller] });
}

function buildSecret({ metadata, spec }: Credential, password: string, rotatedAt: string): Secret {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: metadata.name, annotations: { 'examples.sluice.dev/rotated-at': rotatedAt } },
    data: { user: encode(spec.user), password: encode(password) },
  };
}

function makePassword(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}
