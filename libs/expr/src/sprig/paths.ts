import { type HostFunction, isMap, type Value } from '../value.ts';
import { textOf } from './arguments.ts';

const base = (value: Value | undefined): string => {
  const path = textOf(value).replace(/\/+$/, '');
  return textOf(value) === '' ? '.' : path === '' ? '/' : path.slice(path.lastIndexOf('/') + 1);
};
const dir = (value: Value | undefined): string => clean(textOf(value).replace(/[^/]*$/, ''));
const extension = (value: Value | undefined): string => /\.[^./]*$/.exec(textOf(value))?.[0] ?? '';
const isAbsolute = (value: Value | undefined): boolean => textOf(value).startsWith('/');
const cleaned = (value: Value | undefined): string => clean(textOf(value));

/** Sprig's functions over paths and URLs. */
export const sprigPaths: Readonly<Record<string, HostFunction>> = {
  base,
  dir,
  clean: cleaned,
  ext: extension,
  isAbs: isAbsolute,
  osBase: base,
  osDir: dir,
  osClean: cleaned,
  osExt: extension,
  osIsAbs: isAbsolute,
  urlParse: (value) => parseUrl(textOf(value)),
  urlJoin: (parts) => joinUrl(parts ?? null),
};

/** The shortest path of the same meaning. */
function clean(path: string): string {
  const rooted = path.startsWith('/');
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!rooted) kept.push('..');
  }
  const joined = kept.join('/');
  return rooted ? `/${joined}` : joined || '.';
}

const urlPattern = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function parseUrl(text: string): Value {
  const match = urlPattern.exec(text);
  if (!match) throw new Error(`unable to parse url: ${text}`);
  const [, scheme = '', slashes, authority = '', path = '', query = '', fragment = ''] = match;
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const opaque = scheme !== '' && slashes === undefined && path !== '' && !path.startsWith('/');
  return new Map<Value, Value>([
    ['scheme', scheme.toLowerCase()],
    ['host', host],
    ['hostname', host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')],
    ['path', opaque ? '' : decode(path)],
    ['query', query],
    ['opaque', opaque ? path : ''],
    ['fragment', decode(fragment)],
    ['userinfo', at < 0 ? '' : authority.slice(0, at)],
  ]);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`unable to parse url: invalid URL escape in ${text}`);
  }
}

function joinUrl(parts: Value): string {
  if (!isMap(parts)) throw new Error('urlJoin takes a map');
  const part = (name: string): string => {
    const value = parts.get(name);
    return value === undefined || value === null ? '' : textOf(value);
  };
  const scheme = part('scheme') === '' ? '' : `${part('scheme')}:`;
  const fragment = part('fragment') === '' ? '' : `#${part('fragment')}`;
  const query = part('query') === '' ? '' : `?${part('query')}`;
  if (part('opaque') !== '') return `${scheme}${part('opaque')}${query}${fragment}`;
  const user = part('userinfo') === '' ? '' : `${part('userinfo')}@`;
  const authority = part('host') === '' && user === '' ? '' : `//${user}${part('host')}`;
  const path = part('path');
  const slash = authority !== '' && path !== '' && !path.startsWith('/') ? '/' : '';
  return `${scheme}${authority}${slash}${encodeURI(path)}${query}${fragment}`;
}
