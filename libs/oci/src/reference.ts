import type { Result } from '@sluice/model';

/** Where something is in a registry: `host[:port]/repository`, with a tag, a digest or both. */
export type Reference = {
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
};

const hostPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Read `host:port/name:tag@sha256:…`, also with `oci://` before it. The host may not be left out. */
export function parseReference(text: string): Result<Reference> {
  let rest = text.trim().replace(/^oci:\/\//, '');
  const at = rest.indexOf('@');
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  if (at >= 0) rest = rest.slice(0, at);
  if (digest !== undefined && !digestPattern.test(digest))
    return refuse(text, 'the digest must be sha256:<64 hex digits>');
  const slash = rest.indexOf('/');
  const host = rest.slice(0, Math.max(0, slash));
  if (slash < 0 || !(/[.:]/.test(host) || host === 'localhost')) {
    return refuse(text, 'the registry is missing', 'write host[:port]/name, for example ghcr.io/acme/app');
  }
  if (!hostPattern.test(host)) return refuse(text, `"${host}" is not a registry host`);
  rest = rest.slice(slash + 1);
  const colon = rest.indexOf(':');
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const repository = colon < 0 ? rest : rest.slice(0, colon);
  if (repository.length > 255 || !repositoryPattern.test(repository)) {
    return refuse(
      text,
      `"${repository}" is not a repository name`,
      'use lower-case letters, digits, ".", "_", "-" and "/"',
    );
  }
  if (tag !== undefined && !tagPattern.test(tag)) return refuse(text, `"${tag}" is not a tag`);
  const value = {
    host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
  return { ok: true, value };
}

/** The inverse of {@link parseReference}, without `oci://`. */
export function formatReference({ host, repository, tag, digest }: Reference): string {
  return `${host}/${repository}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}

/** True when the host is this machine: `localhost`, 127.0.0.0/8 or ::1. Registries there are spoken to without TLS. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

function refuse(text: string, why: string, fix?: string): Result<Reference> {
  const message = `"${text.slice(0, 300)}" is not a reference: ${why}`;
  return { ok: false, problems: [{ code: 'BadReference', message, severity: 'error', ...(fix ? { fix } : {}) }] };
}
