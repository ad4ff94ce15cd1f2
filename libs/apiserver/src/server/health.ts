import type { HttpResponse } from '@sluice/runtime';
import { plain } from '../http/respond.ts';

/** One thing that must hold for the server to be well. Resolves to false, or rejects, when it does not. */
export type HealthCheck = { readonly name: string; readonly holds: () => Promise<boolean> | boolean };

/** `/livez`, `/readyz` and `/healthz`, each with its checks. */
export type Health = Readonly<Record<string, readonly HealthCheck[]>>;

const checkTimeoutMs = 2_000;

/** Answer `/readyz`, `/readyz?verbose&exclude=NAME` and `/readyz/NAME`; undefined for what is no path of a check. */
export async function healthResponse(
  health: Health,
  path: string,
  query: URLSearchParams,
): Promise<HttpResponse | undefined> {
  const [, endpoint = '', ...rest] = path.split('/');
  const checks = Object.hasOwn(health, endpoint) ? health[endpoint] : undefined;
  if (!checks) return undefined;
  const name = rest.join('/');
  if (name !== '') {
    const check = checks.find((one) => one.name === name);
    if (!check) return undefined;
    return (await passes(check)) ? plain(200, 'ok') : plain(500, 'internal server error: reason withheld\n');
  }
  const excluded = new Set(query.getAll('exclude'));
  const lines: string[] = [];
  let isWell = true;
  for (const check of checks) {
    const isExcluded = excluded.delete(check.name);
    const holds = isExcluded || (await passes(check));
    isWell &&= holds;
    const words = isExcluded ? 'excluded: ok' : holds ? 'ok' : 'failed: reason withheld';
    lines.push(`[${holds ? '+' : '-'}]${check.name} ${words}`);
  }
  for (const unknown of excluded)
    lines.push(`warn: some health checks cannot be excluded: no matches for "${unknown}"`);
  if (!isWell) return plain(500, `${lines.join('\n')}\n${endpoint} check failed\n`);
  return plain(200, query.has('verbose') ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok');
}

async function passes({ holds }: HealthCheck): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), checkTimeoutMs).unref();
  try {
    return await Promise.race([holds(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
