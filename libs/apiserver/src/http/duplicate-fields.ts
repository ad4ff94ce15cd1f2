const maxReported = 50;

type Level = { readonly path: string; readonly names: Set<string> | undefined; index: number };

/**
 * Paths of fields that a JSON text, known to be valid, sets more than once (`spec.containers[0].name`), in order; the last value is the
 * one that counts. One pass, without recursion.
 */
export function duplicateFields(text: string): readonly string[] {
  const found = new Set<string>();
  const levels: Level[] = [];
  let place = '';
  let expectsName = false;
  token.lastIndex = 0;
  for (let match = token.exec(text); match && found.size < maxReported; match = token.exec(text)) {
    const [sign] = match;
    const level = levels.at(-1);
    if (sign === '{' || sign === '[') {
      levels.push({ path: place, names: sign === '{' ? new Set() : undefined, index: 0 });
      expectsName = sign === '{';
      if (sign === '[') place = `${place}[0]`;
    } else if (sign === '}' || sign === ']') {
      levels.pop();
      expectsName = false;
    } else if (sign === ',') {
      expectsName = level?.names !== undefined;
      if (level && !level.names) place = `${level.path}[${++level.index}]`;
    } else if (expectsName && level?.names) {
      const name = sign.includes('\\') ? String(JSON.parse(sign)) : sign.slice(1, -1);
      place = level.path === '' ? name : `${level.path}.${name}`;
      if (level.names.has(name)) found.add(place);
      level.names.add(name);
      expectsName = false;
    }
  }
  return [...found];
}

const token = /[{}[\],]|"(?:[^"\\]|\\.)*"/gu;
