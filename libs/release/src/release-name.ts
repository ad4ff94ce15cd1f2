import type { HelmRelease } from '@sluice/model';
import type { Sha256 } from './digest.ts';

const longest = 53;

/** Name of the Helm release: `releaseName`, else `[targetNamespace-]name`; shortened to 53 characters with a hash. */
export function releaseNameOf(release: HelmRelease, sha256: Sha256): string {
  const { releaseName, targetNamespace } = release.spec ?? {};
  const name = releaseName || [targetNamespace, release.metadata.name].filter(Boolean).join('-');
  return shortenName(name, sha256);
}

/** A name of at most 53 characters: longer ones become their first 40, a dash and 12 digits of their sha256. */
export function shortenName(name: string, sha256: Sha256): string {
  return name.length <= longest ? name : `${name.slice(0, 40)}-${sha256(name).slice(0, 12)}`;
}

/** Namespace that the release is installed into. */
export function releaseNamespaceOf(release: HelmRelease): string {
  return release.spec?.targetNamespace || release.metadata.namespace || 'default';
}

/** Chart version with the first 12 digits of the artifact's digest as build metadata, so that a moved tag is an upgrade. */
export function versionWithDigest(version: string, digest: string): string {
  const hex = digest.replace(/^sha256:/, '').slice(0, 12);
  return version.includes('+') ? `${version}.${hex}` : `${version}+${hex}`;
}
