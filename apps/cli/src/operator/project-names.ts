import type { Problem, Result } from '@sluice/model';

/** Everything that is named after the operator. */
export type ProjectNames = {
  /** A DNS label: `cache-cluster`. */
  readonly name: string;
  /** `CacheCluster`. */
  readonly kind: string;
  /** `cacheclusters`. */
  readonly plural: string;
  readonly group: string;
};

/** Words that YAML takes for something else than text. */
const yamlWords = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null']);

const defaultGroup = 'apps.example.com';
/** Kinds that every cluster has: kubectl would find these first. */
const builtIn = new Set(
  (
    'Pod Node Namespace Service Endpoints Event Secret ConfigMap ServiceAccount PersistentVolume PersistentVolumeClaim Deployment ' +
    'ReplicaSet StatefulSet DaemonSet Job CronJob Ingress NetworkPolicy Role RoleBinding ClusterRole ClusterRoleBinding Lease ' +
    'CustomResourceDefinition StorageClass Sample'
  ).split(' '),
);

/** Work the names of a project out of what was asked for; every problem at once. */
export function parseProjectNames(
  name: string,
  options: { readonly group?: string; readonly kind?: string },
): Result<ProjectNames> {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string, fix: string): void =>
    void problems.push({ code: 'BadName', severity: 'error', path, message, fix });
  if (!/^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$/.test(name) || name.includes('--')) {
    refuse(
      JSON.stringify(name),
      'a name is lower case letters, digits and single dashes, begins with a letter and has at most 30 characters',
      `try ${JSON.stringify(suggestion(name))}`,
    );
  } else if (yamlWords.has(name)) {
    refuse(name, 'means something else in YAML', 'choose another name');
  } else if (name.endsWith('-operator') || name === 'operator') {
    refuse(name, '"operator" is added by itself', `leave it out: ${name.replace(/-?operator$/, '') || 'website'}`);
  }
  const kind = options.kind ?? pascalCase(name);
  if (problems.length === 0 || options.kind !== undefined) {
    if (!/^[A-Z][A-Za-z0-9]{0,62}$/.test(kind))
      refuse(
        '--kind',
        `${JSON.stringify(kind)} does not look like Website`,
        'letters and digits, the first in upper case',
      );
    else if (builtIn.has(kind)) refuse(kind, 'is a kind of its own already', 'choose another name, or --kind');
    else if (kind in globalThis) refuse(kind, 'means something else in JavaScript', 'choose another name, or --kind');
  }
  const group = options.group ?? defaultGroup;
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/.test(group) || group.length > 200) {
    refuse('--group', `${JSON.stringify(group)} is not a domain with a dot`, `use one of yours, like ${defaultGroup}`);
  } else if (/(^|\.)k8s\.io$|(^|\.)kubernetes\.io$/.test(group)) {
    refuse('--group', `${group} is reserved for Kubernetes itself`, `use a domain of yours, like ${defaultGroup}`);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { name, kind, plural: pluralOf(kind.toLowerCase()), group } };
}

function pascalCase(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function pluralOf(word: string): string {
  if (/(s|x|z|ch|sh)$/.test(word)) return `${word}es`;
  return /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
}

function suggestion(name: string): string {
  const clean = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 30)
    .replace(/-+$/, '');
  return clean || 'website';
}
