import { expect, test } from 'vitest';
import { renderTerminal } from './render.ts';

test('colours become spans and markup characters are escaped', () => {
  const svg = renderTerminal('\u001b[32m✔ unit\u001b[0m <done> & "said"', 'demo');
  expect(svg).toContain('<tspan fill="#8fd18f">✔ unit</tspan>');
  expect(svg).toContain('&lt;done&gt; &amp; &quot;said&quot;');
});

test('a long line is cut with an ellipsis', () => {
  expect(renderTerminal('x'.repeat(200), 'demo', 20)).toContain(`${'x'.repeat(19)}…`);
});
