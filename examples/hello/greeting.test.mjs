import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greeting } from './greeting.mjs';

test('greets the caller by name', () => {
  assert.equal(greeting('Ada'), 'Hello, Ada!');
});

test('greets the world when no name is given', () => {
  assert.equal(greeting(undefined), 'Hello, world!');
  assert.equal(greeting('   '), 'Hello, world!');
});
