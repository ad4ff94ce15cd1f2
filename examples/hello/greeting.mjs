/** The text that the service answers with. */
export function greeting(name) {
  const who = String(name ?? '').trim() || 'world';
  return `Hello, ${who}!`;
}
