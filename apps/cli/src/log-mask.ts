import { type KubeObject, keys, type Repository, resources } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import { createMask, type Mask, referencedSecrets } from '@sluice/trigger';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Run } from './run.ts';

type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/**
 * The mask of what a run may print: the values of the Secrets that its Workflow names and of those of its repository.
 * Throws a CommandError when they may not be read, as then nothing can be masked.
 */
export async function maskOfRun(kube: KubeApi, run: Run): Promise<Mask> {
  const { namespace = '', labels = {} } = run.metadata;
  const values: string[] = [];
  try {
    for (const name of await secretsOf(kube, run, { namespace, name: labels[keys.repository] ?? '' })) {
      const secret = await kube.get<SecretObject>(resources.secrets, { namespace, name });
      const data = Object.entries(secret?.data ?? {}).filter(([key]) => key !== 'appId');
      values.push(...data.map(([, value]) => Buffer.from(value, 'base64').toString('utf8')));
    }
  } catch (error) {
    if (!isKubeError(error, 'Forbidden')) throw error;
    const why = `the secrets that ${run.metadata.name} may print cannot be read, so its log cannot be masked`;
    throw new CommandError(exitCodes.denied, `${why}: ${error.message}; --unmasked shows it as it is`);
  }
  return createMask(values);
}

async function secretsOf(
  kube: KubeApi,
  run: Run,
  repository: { readonly namespace: string; readonly name: string },
): Promise<ReadonlySet<string>> {
  const spec = repository.name ? (await kube.get<Repository>(resources.repositories, repository))?.spec : undefined;
  const own = [spec?.forge.secretRef?.name, spec?.webhook.secretRef.name].filter((name) => name !== undefined);
  return new Set([...own, ...referencedSecrets(run.spec)]);
}
