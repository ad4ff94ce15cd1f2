import { expect, test } from 'vitest';
import { projectFiles } from './project-files.ts';
import { parseProjectNames } from './project-names.ts';

test.for([
  ['website', 'Website', 'websites'],
  ['cache-policy', 'CachePolicy', 'cachepolicies'],
  ['class', 'Class', 'classes'],
  ['key', 'Key', 'keys'],
])('%s makes the kind %s and the resource %s', ([name = '', kind, plural]) => {
  expect(parseProjectNames(name, {})).toEqual({ ok: true, value: { name, kind, plural, group: 'apps.example.com' } });
});

test.for<[string, { group?: string; kind?: string }, string]>([
  ['Web Site', {}, 'try "web-site"'],
  ['WebSite', {}, 'try "web-site"'],
  ['-x', {}, 'try "x"'],
  ['', {}, 'try "website"'],
  ['../up', {}, 'try "up"'],
  ['a--b', {}, 'single dashes'],
  ['a'.repeat(31), {}, 'at most 30 characters'],
  ['website-operator', {}, 'leave it out: website'],
  ['pod', {}, 'Pod: is a kind of its own already'],
  ['map', {}, 'Map: means something else in JavaScript'],
  ['null', {}, 'means something else in YAML'],
  ['shop', { group: 'shop' }, '"shop" is not a domain with a dot'],
  ['shop', { group: 'apps.k8s.io' }, 'reserved for Kubernetes itself'],
  ['shop', { kind: 'shop' }, '"shop" does not look like Website'],
])('%s with %o is refused: %s', ([name, options, message]) => {
  const parsed = parseProjectNames(name, options);
  const text = parsed.ok
    ? ''
    : parsed.problems.map((problem) => `${problem.path}: ${problem.message}; ${problem.fix}`).join('\n');
  expect(text).toContain(message);
});

test('every problem is told at once', () => {
  const parsed = parseProjectNames('A B', { group: 'x', kind: 'y' });
  expect(parsed.ok ? 0 : parsed.problems.length).toBe(3);
});

test('nothing of the template keeps its name', () => {
  const names = { name: 'cache-policy', kind: 'CachePolicy', plural: 'cachepolicies', group: 'things.example.org' };
  const packages = { dependencies: {}, devDependencies: {}, fromSource: true, explanation: 'From somewhere.' };
  for (const [path, text] of projectFiles(names, packages)) {
    expect(`${path}\n${text}`, path).not.toMatch(/[Ss]ample|apps\.example\.com|PACKAGES/);
  }
});
