/** The changes that the story makes to the sample repository. */
export const changes = Object.freeze({
  /** Breaks a unit test: nobody is greeted by name any more. */
  broken: {
    'greeting.mjs': `/** The text that the service answers with. */
export function greeting(name) {
  const who = String(name ?? '').trim() || 'world';
  return \`Good morning, \${who}!\`;
}
`,
  },
  /** The new greeting together with the tests that describe it. */
  fixed: {
    'greeting.test.mjs': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greeting } from './greeting.mjs';

test('greets the caller by name', () => {
  assert.equal(greeting('Ada'), 'Good morning, Ada!');
});

test('greets the world when no name is given', () => {
  assert.equal(greeting(undefined), 'Good morning, world!');
  assert.equal(greeting('   '), 'Good morning, world!');
});
`,
  },
  /** Builds, passes its tests, and never becomes ready. */
  neverReady: {
    'health.mjs': `/** Whether this instance may be sent requests. */
export function isReady() {
  return false;
}
`,
  },
});
