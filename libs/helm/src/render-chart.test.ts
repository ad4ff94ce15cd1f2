import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readManifest } from './manifest.ts';
import { renderChart } from './render-chart.ts';
import { testHelmBinary, writeChart } from './testing.ts';

const binary = await testHelmBinary();
let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'render-test-'));
});

afterEach(() => rm(scratch, { recursive: true, force: true }));

const template = `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }} }
data: { color: {{ required "color is missing" .Values.color }}, upgrade: {{ .Release.IsUpgrade | quote }} }
`;
const hook = 'apiVersion: v1\nkind: Pod\nmetadata: { name: hook, annotations: { helm.sh/hook: test } }\n';

test.skipIf(!binary)('a chart is rendered as an upgrade would apply it, without hooks (needs helm)', async () => {
  const chartDirectory = await writeChart(scratch, { 'templates/a.yaml': template, 'templates/b.yaml': hook });
  const common = { binary: binary ?? '', chartDirectory, name: 'demo', namespace: 'apps', isUpgrade: true };
  const rendered = await renderChart({ ...common, values: '{"color":"red"}' });
  expect(rendered.ok && readManifest(rendered.manifest)).toEqual([
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'demo', namespace: 'apps' },
      data: { color: 'red', upgrade: 'true' },
    },
  ]);
  const failed = await renderChart({ ...common, values: '{}' });
  expect(failed).toMatchObject({ ok: false, failure: { kind: 'RenderFailed' } });
});
