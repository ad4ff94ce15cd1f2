import { expect, test } from 'vitest';
import { parseFlags } from './resource-flags.ts';

test('words, values and switches are read in the forms that kubectl takes', () => {
  expect(
    parseFlags(['configmap', '-l', 'a=b', '--namespace=x', '--ignore-not-found', '--wait=false', '--force']),
  ).toEqual({
    words: ['configmap'],
    selector: 'a=b',
    namespace: 'x',
    all: false,
    ignoreNotFound: true,
    wait: false,
    serverSide: false,
    gracePeriodSeconds: 0,
  });
  expect(parseFlags(['pod one two', '--cascade=orphan', '--validate=false', '-o', 'json'])).toMatchObject({
    words: ['pod', 'one', 'two'],
    propagation: 'Orphan',
  });
});

test.for(['--kubeconfig=/x', '--token=t', '-f', '--as=admin', '--raw'])('the flag %s is refused by name', (flag) => {
  expect(() => parseFlags([flag])).toThrow(`${flag} is not supported`);
});

test('a flag that needs a value says so', () => {
  expect(() => parseFlags(['-n'])).toThrow('-n needs a value');
});
