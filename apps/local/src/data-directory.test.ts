import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultDirectory, formatVersion, openDataDirectory, processUsing } from './data-directory.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'sluice-data-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

test('a second process is refused and told which process holds the directory', () => {
  const first = openDataDirectory(path);
  expect(() => openDataDirectory(path)).toThrow(new RegExp(`in use by process ${process.pid}`));
  first.release();
  expect(openDataDirectory(path).path).toBe(path);
});

test('the lock of a process that is gone is taken over', () => {
  writeFileSync(join(path, 'lock'), '4194303 12345\n');
  expect(openDataDirectory(path).path).toBe(path);
});

test('the lock of a pid that now belongs to another process is taken over', () => {
  writeFileSync(join(path, 'lock'), `${process.pid} 1\n`);
  expect(openDataDirectory(path).path).toBe(path);
});

test('the process that uses a directory is the one that holds its lock, never one that merely has its pid now', () => {
  expect(processUsing(path)).toBeUndefined();
  writeFileSync(join(path, 'lock'), `${process.pid} 1\n`);
  expect(processUsing(path)).toBeUndefined();
  const data = openDataDirectory(path);
  expect(processUsing(path)).toBe(process.pid);
  data.release();
  expect(processUsing(path)).toBeUndefined();
});

test('a directory of a newer format is refused, kept as it is and left unlocked', () => {
  writeFileSync(join(path, 'version'), `${formatVersion + 1}\n`);
  expect(() => openDataDirectory(path)).toThrow(/upgrade Sluice/);
  expect(() => openDataDirectory(path)).toThrow(/upgrade Sluice/);
  expect(readFileSync(join(path, 'version'), 'utf8')).toBe(`${formatVersion + 1}\n`);
});

test('a directory of something else is refused', () => {
  writeFileSync(join(path, 'version'), 'hello\n');
  expect(() => openDataDirectory(path)).toThrow(/not a Sluice data directory/);
});

test('private files can be read by their owner only', () => {
  const data = openDataDirectory(path);
  data.writePrivate('kubeconfig', 'secret');
  expect(statSync(data.file('kubeconfig')).mode & 0o777).toBe(0o600);
  data.release();
});

test('the place follows SLUICE_HOME, then XDG_DATA_HOME', () => {
  expect(defaultDirectory({ SLUICE_HOME: '/a', XDG_DATA_HOME: '/b' })).toBe('/a');
  expect(defaultDirectory({ XDG_DATA_HOME: '/b' })).toBe('/b/sluice');
});
