import { annotationsOf } from '@sluice/trigger';
import type { Remark } from './remark.ts';

const token =
  /<!\[CDATA\[([\s\S]*?)\]\]>|<!--[\s\S]*?-->|<[?!][^>]*>|<(\/?)([A-Za-z_][\w:.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/g;
const attribute = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

type Attributes = Readonly<Record<string, string>>;
type Failing = { readonly test: Attributes; readonly failure: Attributes; text: string };

/** The failed tests of a JUnit report. Reads what test runners write and nothing more of XML: no DTD, no entities of one's own. */
export function readJunit(xml: string): readonly Remark[] {
  const remarks: Remark[] = [];
  let test: Attributes = {};
  let open: Failing | undefined;
  for (const [, cdata, closing, name, attributes = '', selfClosing, text] of xml.matchAll(token)) {
    if (open && cdata !== undefined) open.text += cdata;
    else if (open && text !== undefined) open.text += decode(text);
    if (name === undefined) continue;
    if (name === 'testcase' && closing === '') test = attributesOf(attributes);
    if (name !== 'failure' && name !== 'error') continue;
    if (closing === '') open = { test, failure: attributesOf(attributes), text: '' };
    if (open && (closing === '/' || selfClosing === '/')) {
      remarks.push(toRemark(open));
      open = undefined;
    }
  }
  return remarks;
}

/** The place that the test names, else the first one that the failure's text does. */
function toRemark({ test, failure, text }: Failing): Remark {
  const [place] = annotationsOf(text.replaceAll(/\s*(?:at\s+)?(?:file:\/\/)?\(?([^\s()]+:\d+:\d+)\)?/g, '\n$1: at'));
  const line = Number(test['line']);
  const title = [test['classname'], test['name']].filter(Boolean).join(' › ');
  const message = (failure['message'] ?? text.trim().split('\n', 1)[0] ?? '').trim() || 'failed';
  const file = test['file'] ?? place?.path;
  const at = Number.isSafeInteger(line) && line > 0 ? line : place?.startLine;
  return {
    level: 'error',
    ...(file ? { file } : {}),
    ...(at ? { line: at } : {}),
    ...(title ? { title } : {}),
    message,
  };
}

function attributesOf(text: string): Attributes {
  const found = [...text.matchAll(attribute)].map(([, name = '', double, single]): [string, string] => {
    return [name, decode(double ?? single ?? '')];
  });
  return Object.fromEntries(found);
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]+));/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities[name] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole;
    },
  );
}
