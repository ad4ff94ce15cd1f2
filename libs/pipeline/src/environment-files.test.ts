import { keys } from '@sluice/model';
import { expect, test } from 'vitest';
import { readReleaseFiles, writeReleaseFile } from './environment-files.ts';
import { buildRelease } from './release-objects.ts';

const rule = { environment: 'production', namespace: 'default', targetNamespace: 'prod' };
const digest = `sha256:${'c'.repeat(64)}`;
const built = buildRelease(
  { environment: 'production', release: 'app', chart: { url: 'oci://r/app', digestParameter: 'd' }, images: [] },
  {
    repository: 'app',
    namespace: 'default',
    sha: 'b'.repeat(40),
    ref: 'r',
    workflow: 'w',
    order: 5,
    outputs: { d: digest },
  },
  { namespace: 'prod', insecure: false },
);
if (!built.ok) throw new Error(built.reason);
const text = writeReleaseFile(built);
const read = (changed: string, path = 'prod/app.yaml') => readReleaseFiles([{ path, text: changed }], rule);

test('what is written is read back, and a change of values with it', () => {
  expect(read(text)).toEqual({ ok: true, value: [{ source: built.source, release: built.release }] });
  const scaled = read(text.replace('values: {}', 'values: { replicas: 3 }'));
  expect(scaled.ok && scaled.value[0]?.release.spec?.values).toEqual({ replicas: 3 });
  expect(writeReleaseFile(built)).toBe(text);
});

test('what is no YAML file does not count', () => {
  expect(read('hello', 'prod/README.md')).toEqual({ ok: true, value: [] });
});

test.for([
  {
    name: 'another namespace',
    change: (found: string) => found.replaceAll('namespace: default', 'namespace: kube-system'),
    says: 'must be in namespace default',
  },
  {
    name: 'another target',
    change: (found: string) => found.replace('targetNamespace: prod', 'targetNamespace: kube-system'),
    says: 'spec.targetNamespace must be prod',
  },
  {
    name: 'another environment',
    change: (found: string) => found.replaceAll(`${keys.environment}: production`, `${keys.environment}: staging`),
    says: 'labels of environment production',
  },
  {
    name: 'another chart',
    change: (found: string) =>
      found.replace('kind: OCIRepository\n    name: app', 'kind: OCIRepository\n    name: other'),
    says: 'spec.chartRef must name',
  },
  {
    name: 'another kind',
    change: (found: string) => `${found}---\napiVersion: v1\nkind: Secret\nmetadata: { name: x }\n`,
    says: 'must hold one HelmRelease and its OCIRepository',
  },
  { name: 'broken YAML', change: () => 'a: [', says: '' },
])('$name is refused with the file named', ({ change, says }) => {
  const result = read(change(text));
  expect(result.ok ? [] : result.problems).toMatchObject([{ file: 'prod/app.yaml' }]);
  expect(result.ok ? '' : result.problems[0]?.message).toContain(says);
});

test('two files with one release are refused', () => {
  const files = [
    { path: 'prod/a.yaml', text },
    { path: 'prod/b.yaml', text },
  ];
  expect(readReleaseFiles(files, rule).ok).toBe(false);
});
