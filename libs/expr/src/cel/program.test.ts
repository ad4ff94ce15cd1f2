import { describe, expect, test } from 'vitest';
import { CelCompileError, CelCostError, CelError, meterOf } from './cel-error.ts';
import { type CelType, listOf, types } from './cel-type.ts';
import { compileCel } from './program.ts';

const variables: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ['n', types.int],
  ['s', types.string],
  ['l', listOf(types.int)],
  ['big', listOf(types.int)],
  ['d', types.dyn],
]);
const values = {
  n: 3n,
  s: 'naïve',
  l: [3n, 1n, 2n],
  big: Array.from({ length: 1_000 }, (_, index) => BigInt(index)),
  d: 'text',
};

function evaluate(text: string, limit = 1_000_000): unknown {
  return compileCel(text, variables).run(values, meterOf(limit));
}

function refusal(text: string): string {
  try {
    compileCel(text, variables);
    return '';
  } catch (error) {
    if (error instanceof CelCompileError) return error.message.split('\n')[0] ?? '';
    throw error;
  }
}

test.for([
  ['n + 2 * 3 == 9', true],
  ['-n - -1', -2n],
  ['7 / 2 * 2 + 7 % 2', 7n],
  ['n > 2.5 && 2.5 < n', true],
  ['true ? s : "x"', 'naïve'],
  ['s.size()', 5n],
  ['s.substring(2, 3)', 'ï'],
  ['s.matches("^na.ve$")', true],
  ['l.sort() == [1, 2, 3]', true],
  ['l.map(x, x * 2).exists(x, x == 6)', true],
  ['l.all(i, x, i + x >= 2)', true],
  ['cel.bind(x, n * n, x + x)', 18n],
  ['has({"a": 1}.a) && !has({"a": 1}.b)', true],
  ['{"a": 1}.?b.orValue(7)', 7n],
  ['[?optional.none(), ?optional.of(2)] == [2]', true],
  ['d == "text" || 1 / 0 == 1', true],
  ['1 / 0 == 1 || d == "text"', true],
  ['type(d) == string', true],
  ['"%05d".size() == 4 && "%x %.2f".format([255, 1.005]) == "ff 1.00"', true],
  ['timestamp("2024-02-29T23:30:00Z").getDate("+01:00")', 1n],
  ['timestamp("2024-07-01T00:00:00Z").getHours("Europe/Berlin")', 2n],
  ['string(duration("1h30m") - duration("30m"))', '3600s'],
  ['r"\\n".size() == 2 && b"\\xff".size() == 1 && "\\u00e9" == "é"', true],
  ['"a,b,c".split(",", 2) == ["a", "b,c"]', true],
  ['"aaa".replace("a", "b", 2)', 'bba'],
  ['quantity("1.5Gi").isGreaterThan(quantity("1G"))', true],
  ['cidr("10.0.0.0/8").containsIP("10.1.2.3") && !isIP("10.1.2")', true],
] as const)('%s', ([text, want]) => {
  expect(evaluate(text)).toEqual(want);
});

test.for([
  ['[1, "a", 2].exists(x, x == "a")', true],
  ['{1u: 1.0, 2: 2.0}[1.0] == 1.0 && !(1.5 in {1: 2, 2u: 3})', true],
  ['math.greatest([1, 2u, 3.5]) == 3.5 && math.bitShiftRight(-1024, 3) == 2305843009213693824', true],
  ['base64.encode(base64.decode("aGVsbG8")) == "aGVsbG8="', true],
  ['"%e %d %.0f".format([1052.0, 1.0 / 0.0, 2.5]) == "1.052000e+03 Infinity 2"', true],
  ['"\\u0085 a\\ufeff".trim() == "a\\ufeff"', true],
  ['cel.block([n + 1, cel.index(0) * 2], cel.index(1)) == 8', true],
  ['type(type) == type && type(1) == int', true],
  ['inner == "found" && top.inner == "found"', true],
] as const)('standard CEL: %s', ([text, want]) => {
  const named = new Map([...variables, ['top.inner', types.string]]);
  const program = compileCel(text, named, { dialect: 'standard', container: 'top' });
  expect(program.run({ ...values, 'top.inner': 'found' }, meterOf(1_000_000))).toEqual(want);
});

test('without types an expression fails only where it runs', () => {
  const run = (text: string): unknown => compileCel(text, variables, { unchecked: true }).run(values, meterOf(1_000));
  expect(run('n > 2 || n == "a"')).toBe(true);
  expect(() => run('n + s')).toThrow(new CelError('no such overload: _+_(int, string)'));
  expect(() => run('missing')).toThrow(new CelError("undeclared reference to 'missing'"));
});

test.for([
  ['n == "a"', "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'"],
  ['s.foo()', "ERROR: <input>:1:6: undeclared reference to 'foo' (in container '')"],
  ['missing', "ERROR: <input>:1:1: undeclared reference to 'missing' (in container '')"],
  ['s.startsWith(1)', "ERROR: <input>:1:13: found no matching overload for 'startsWith' applied to 'string.(int)'"],
  ['[1, "a"]', "ERROR: <input>:1:5: expected type 'int' but found 'string'"],
  ['n +', "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>'"],
  ['1 +\n @', "ERROR: <input>:2:2: Syntax error: token recognition error at: '@'"],
  ['package', 'ERROR: <input>:1:1: reserved identifier: package'],
  ['l.all(1, true)', 'ERROR: <input>:1:7: argument must be a simple name'],
  ['l.filter(x, x)', "ERROR: <input>:1:13: expected type 'bool' but found 'int'"],
])('refuses %s', ([text = '', want]) => {
  expect(refusal(text)).toBe(want);
});

test.for([
  ['9223372036854775807 + n > 0', 'integer overflow'],
  ['1 / (n - 3) == 1', 'division by zero'],
  ['l[7] == 1', 'index out of bounds: 7'],
  ['{"a": 1}["b"] == 1', 'no such key: b'],
  ['d + 1 == 2', 'no such overload: _+_(string, int)'],
  ['s.matches("(")', 'error parsing regexp: missing closing ): `(`'],
])('%s fails when it runs', ([text = '', want = '']) => {
  expect(() => evaluate(text)).toThrow(new CelError(want));
});

describe('expressions made to be expensive end within their budget', () => {
  const bombs: { name: string; text: string }[] = [
    { name: 'loops in loops', text: 'big.all(a, big.all(b, big.all(c, a + b + c >= 0)))' },
    { name: 'a text that doubles', text: `${double('"x"', '(x + x)', 40)}.size() > 0` },
    { name: 'a list that doubles', text: `${double('[1]', '(x + x)', 40)}.size() > 0` },
    {
      name: 'nested lists that double, compared',
      text: `${double('[1]', '[x, x]', 40)} == ${double('[1]', '[x, x]', 40)}`,
    },
    {
      name: 'a replacement that multiplies',
      text: `${double('"x"', '(x + x)', 16)}.replace("x", ${double('"x"', '(x + x)', 16)}) == ""`,
    },
    { name: 'sets of each other', text: 'sets.equivalent(big.map(x, [x]), big.map(x, [x + 1000]))' },
    { name: 'a range without end', text: 'lists.range(9223372036854775807).size() > 0' },
    {
      name: 'a regular expression that backtracks elsewhere',
      text: `${double('"a"', '(x + x)', 16)}.matches("^(a+)+(a|aa)*b$")`,
    },
    {
      name: 'a regular expression for each item',
      text: 'big.all(x, s.matches("a{" + string(x) + "}" + string(x)) || true)',
    },
    { name: 'a joined text', text: `big.map(x, ${double('"x"', '(x + x)', 12)}).join("").size() > 0` },
    { name: 'a sorted list of lists', text: 'big.map(x, big).map(x, x.sort()).size() > 0' },
  ];
  test.for(bombs)('$name', ({ text }) => {
    const program = compileCel(text, variables);
    const before = process.cpuUsage();
    let outcome: unknown;
    try {
      outcome = program.run(values, meterOf(1_000_000));
    } catch (error) {
      outcome = error;
    }
    const { user, system } = process.cpuUsage(before);
    expect(outcome instanceof CelCostError || outcome instanceof CelError || typeof outcome === 'boolean').toBe(true);
    // Seconds of computing; a twentieth of one is usual.
    expect((user + system) / 1e6).toBeLessThan(1);
  });

  test.for([
    { name: 'brackets', text: '('.repeat(5_000) },
    { name: 'lists', text: `${'['.repeat(5_000)}1${']'.repeat(5_000)}` },
    { name: 'negations', text: `${'!'.repeat(9_000)}true` },
    { name: 'a long sum', text: `${'1+'.repeat(5_000)}1` },
    { name: 'a long path', text: `d${'.a'.repeat(5_000)}` },
    { name: 'a long text', text: `"${'x'.repeat(100_000)}"` },
  ])('refuses an expression of too many $name', ({ text }) => {
    expect(() => compileCel(text, variables)).toThrow(CelCompileError);
  });
});

/** An expression that is bound to a name and used twice, again and again. */
function double(seed: string, body: string, times: number): string {
  let text = seed;
  for (let level = 0; level < times; level++) text = `cel.bind(x, ${text}, ${body})`;
  return text;
}
