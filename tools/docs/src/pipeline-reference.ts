import { formatDuration, type Shape, type TextRule } from '@sluice/pipeline';

type Words = Readonly<Record<string, string>>;
type MapShape = Extract<Shape, { type: 'map' }>;
type Section = { readonly path: string; readonly shape: MapShape };

/** The reference of the pipeline format as Markdown, from its table and the words for each field. Throws when these do not fit. */
export function pipelineReference(shape: Shape, words: Words): string {
  const unused = new Set(Object.keys(words));
  const meaning = (path: string): string => {
    const text = words[path];
    if (text === undefined) throw new Error(`tools/docs: the field ${path} has no words in pipeline-words.ts`);
    unused.delete(path);
    return text;
  };
  const forms: string[] = [];
  const sections = (section: Section): string[] => [
    sectionText(section, meaning, forms),
    ...innerSections(section, meaning).flatMap(sections),
  ];
  const texts = shape.type === 'map' ? sections({ path: '', shape }) : [];
  if (unused.size > 0) throw new Error(`tools/docs: there is no field ${[...unused].join(', ')}`);
  const list = forms.map((form, i) => `${i + 1}. ${form.charAt(0).toUpperCase()}${form.slice(1)}.`);
  return [...texts, '## Forms', list.join('\n')].join('\n\n');
}

function sectionText({ path, shape }: Section, meaning: (path: string) => string, forms: string[]): string {
  const rows = Object.entries(shape.fields).map(([name, field]) => {
    const inner = join(path, name);
    const need = field.required ? 'yes' : shape.exactlyOne?.includes(name) ? 'one of these' : '';
    return `| \`${name}\` | ${typeOf(field.shape, forms)} | ${need} | ${meaning(inner)} |`;
  });
  const parts = [
    path === '' ? '## The file' : `## \`${path}\``,
    ...(path.endsWith('[]') || path.endsWith('.*') ? [meaning(path)] : []),
    ['| Field | Type | Required | What it is for |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ];
  if (shape.exactlyOne) parts.push(`Exactly one of ${shape.exactlyOne.map(code).join(' and ')} has to be there.`);
  const later = Object.keys(shape.notYet ?? {});
  if (later.length > 0) parts.push(`Not supported yet, and refused by name: ${later.map(code).join(', ')}.`);
  return parts.join('\n\n');
}

/** The maps inside a map, each of which gets a section of its own; leaves of lists and dictionaries are asked for their words. */
function innerSections({ path, shape }: Section, meaning: (path: string) => string): Section[] {
  return Object.entries(shape.fields).flatMap(([name, { shape: inner }]) => {
    const at = join(path, name);
    if (inner.type === 'map') return [{ path: at, shape: inner }];
    if (inner.type === 'dictionary' && inner.of.type === 'map') return [{ path: `${at}.*`, shape: inner.of }];
    if (inner.type === 'dictionary') meaning(`${at}.*`);
    if (inner.type !== 'list') return [];
    if (inner.of.type === 'map') return [{ path: `${at}[]`, shape: inner.of }];
    if (inner.of.type === 'text' && name !== 'branches' && isNamed(name)) meaning(`${at}[]`);
    return [];
  });
}

/** Lists whose entries are names of steps say so; entries of the others are described by the list. */
function isNamed(name: string): boolean {
  return name === 'needs' || name === 'images';
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function typeOf(shape: Shape, forms: string[]): string {
  switch (shape.type) {
    case 'map':
      return shape.mayBeEmpty ? 'map, may be empty' : 'map';
    case 'list':
      return `list of ${shape.min ? `${shape.min} to ` : 'at most '}${shape.max}: ${typeOf(shape.of, forms)}`;
    case 'dictionary':
      return `map of at most ${shape.max}: ${typeOf(shape.of, forms)}`;
    case 'text':
      return `text, ${limits(shape)}${formOf(shape.rule, forms)}`;
    case 'scalar':
      return `text, number or boolean, ${limits(shape)}${formOf(shape.rule, forms)}`;
    case 'integer':
      return `whole number, ${shape.min} to ${shape.max}`;
    case 'duration':
      return `duration such as \`90s\` or \`5m\`, ${formatDuration(shape.minSeconds)} to ${formatDuration(shape.maxSeconds)}`;
    case 'json':
      return 'anything';
    default:
      return shape satisfies never;
  }
}

/** The longest text that is taken: a rule may set a narrower limit than the shape, which only asking it tells. */
function limits({ maxLength, rule }: { readonly maxLength: number; readonly rule?: TextRule }): string {
  const isTaken = (length: number): boolean => rule?.check('a'.repeat(length)) === undefined;
  let longest = maxLength;
  if (rule && isTaken(1)) while (longest > 1 && !isTaken(longest)) longest--;
  return `at most ${longest} characters`;
}

/** A rule is said once, at the end, and referred to by its number. */
function formOf(rule: TextRule | undefined, forms: string[]): string {
  const text = rule?.code === 'TemplateTag' ? 'hold no "{{"; only the script in `run` may' : rule?.fix;
  if (text === undefined) return '';
  if (!forms.includes(text)) forms.push(text);
  return `, [form ${forms.indexOf(text) + 1}](#forms)`;
}
