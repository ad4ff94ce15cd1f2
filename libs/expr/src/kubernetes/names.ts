const dns1123Label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123Subdomain = `${dns1123Label}(\\.${dns1123Label})*`;
const dns1123Underscore = '[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*';
const dns1035Label = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const envVarName = '[-._a-zA-Z][-._a-zA-Z0-9]*';
const configMapKey = '[-._a-zA-Z0-9]+';
const httpHeader = '[-A-Za-z0-9]+';
const percent = '[0-9]+%';
const wildcard = `\\*\\.${dns1123Subdomain}`;
const cIdentifier = '[A-Za-z_][A-Za-z0-9_]*';

const matches = (pattern: string, value: string): boolean => new RegExp(`^(?:${pattern})$`, 'u').test(value);

const tooLong = (limit: number): string => `must be no more than ${limit} bytes`;

const bytesOf = (value: string): number => new TextEncoder().encode(value).length;

/** The message of a name that does not match its pattern, with examples. */
function regexError(message: string, pattern: string, ...examples: readonly string[]): string {
  const regex = `regex used for validation is '${pattern}')`;
  if (examples.length === 0) return `${message} (${regex}`;
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${shown}${regex}`;
}

const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

/** A check of a name: what is wrong with it, empty when nothing is. The texts are those that Kubernetes answers with. */
export type NameCheck = (value: string) => readonly string[];

const checkAll =
  (limit: number, pattern: string, message: string): NameCheck =>
  (value) => [...(bytesOf(value) > limit ? [tooLong(limit)] : []), ...(matches(pattern, value) ? [] : [message])];

/** A DNS label: 63 bytes, lower case. */
export const isDns1123Label: NameCheck = checkAll(
  63,
  dns1123Label,
  regexError(labelMessage, dns1123Label, 'my-name', '123-abc'),
);

/** A DNS name: 253 bytes. */
export const isDns1123Subdomain: NameCheck = checkAll(
  253,
  dns1123Subdomain,
  regexError(subdomainMessage, dns1123Subdomain, 'example.com'),
);

/** A DNS name that may also hold underscores. */
export const isDns1123SubdomainWithUnderscore: NameCheck = checkAll(
  253,
  dns1123Underscore,
  regexError(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character or '_'",
    dns1123Underscore,
    'example.com',
  ),
);

/** A DNS label that begins with a letter. */
export const isDns1035Label: NameCheck = checkAll(
  63,
  dns1035Label,
  regexError(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    dns1035Label,
    'my-name',
    'abc-123',
  ),
);

/** `*.example.com`. */
export const isWildcardDns1123Subdomain: NameCheck = checkAll(
  253,
  wildcard,
  regexError(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    wildcard,
    '*.example.com',
  ),
);

/** A label or annotation key: `name` or `prefix/name`. */
export const isQualifiedName: NameCheck = (value) => {
  const parts = value.split('/');
  const message =
    "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ['MyName', 'my.name', '123-abc'];
  if (parts.length > 2) {
    const text = regexError(`a qualified name must ${message}`, qualifiedName, ...examples);
    return [`${text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const problems: string[] = [];
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') problems.push('prefix part must be non-empty');
    else problems.push(...isDns1123Subdomain(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (bytesOf(name) > 63) problems.push(`name part ${tooLong(63)}`);
  if (!matches(qualifiedName, name)) {
    problems.push(`name part ${regexError(`must ${message}`, qualifiedName, ...examples)}`);
  }
  return problems;
};

const labelValuePattern = `(${qualifiedName})?`;

/** The value of a label. */
export const isLabelValue: NameCheck = checkAll(
  63,
  labelValuePattern,
  regexError(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    labelValuePattern,
    'MyValue',
    'my_value',
    '12345',
  ),
);

function dotted(value: string): readonly string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** A key of a ConfigMap or Secret. */
export const isConfigMapKey: NameCheck = (value) => [
  ...checkAll(
    253,
    configMapKey,
    regexError(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      configMapKey,
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
  )(value),
  ...dotted(value),
];

/** The name of an environment variable. */
export const isEnvVarName: NameCheck = (value) => [
  ...(matches(envVarName, value)
    ? []
    : [
        regexError(
          "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
          envVarName,
          'my.env-name',
          'MY_ENV.NAME',
          'MyEnvName1',
        ),
      ]),
  ...dotted(value),
];

/** The name of an environment variable in newer versions: any printable ASCII but `=`. */
export const isRelaxedEnvVarName: NameCheck = (value) =>
  value !== '' && /^[ -<>-~]+$/u.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

/** The name of an HTTP header. */
export const isHttpHeaderName: NameCheck = (value) =>
  matches(httpHeader, value)
    ? []
    : [regexError("a valid HTTP header must consist of alphanumeric characters or '-'", httpHeader, 'X-Header-Name')];

/** `25%`. */
export const isPercent: NameCheck = (value) =>
  matches(percent, value)
    ? []
    : [regexError("a valid percent string must be a numeric string followed by an ending '%'", percent, '1%', '93%')];

/** An identifier of C. */
export const isCIdentifier: NameCheck = (value) =>
  matches(cIdentifier, value)
    ? []
    : [
        regexError(
          "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
          cIdentifier,
          'my_name',
          'MY_NAME',
          'MyName',
        ),
      ];

/** The name of a container port. */
export const isPortName: NameCheck = (value) => {
  const problems: string[] = [];
  if (value.length > 15) problems.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/u.test(value))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/u.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (value !== '' && (value.startsWith('-') || value.endsWith('-')))
    problems.push('must not begin or end with a hyphen');
  return problems;
};

/** A port from 1 to 65535. */
export function isPortNumber(value: number): readonly string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** A domain of at least three segments. */
export const isFullyQualifiedName: NameCheck = (value) => {
  if (value === '') return ['Required value'];
  const problems = isDns1123Subdomain(value);
  if (problems.length > 0) return problems;
  return value.split('.').length < 3 ? ['should be a domain with at least three segments separated by dots'] : [];
};

/** A domain of at least two segments, a trailing dot allowed. */
export const isFullyQualifiedDomainName: NameCheck = (value) => {
  if (value === '') return ['Required value'];
  const name = value.endsWith('.') ? value.slice(0, -1) : value;
  const problems = isDns1123Subdomain(name);
  if (problems.length > 0) return problems;
  if (name.split('.').length < 2) return ['should be a domain with at least two segments separated by dots'];
  return name.split('.').flatMap(isDns1123Label);
};

/** `acme.io/foo`. */
export const isDomainPrefixedPath: NameCheck = (value) => {
  if (value === '') return ['Required value'];
  const slash = value.indexOf('/');
  const message = 'must be a domain-prefixed path (such as "acme.io/foo")';
  if (slash <= 0 || slash === value.length - 1) return [message];
  const domain = isDns1123Subdomain(value.slice(0, slash));
  if (domain.length > 0) return domain;
  const path = value.slice(slash + 1);
  return /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/u.test(path) ? [] : ['Invalid path'];
};

/** `example.com/foo`: a domain, a slash and one name. */
export const isDomainPrefixedKey: NameCheck = (value) => {
  if (value === '') return ['Required value'];
  const slash = value.indexOf('/');
  if (slash <= 0 || slash === value.length - 1) return ['must be a domain-prefixed key (such as "acme.io/foo")'];
  const domain = isDns1123Subdomain(value.slice(0, slash));
  return domain.length > 0 ? domain : isQualifiedName(value.slice(slash + 1)).length > 0 ? ['Invalid key'] : [];
};

/** A segment of a URL path: a name that is neither `.` nor `..` and has no slash or percent sign. */
export const isPathSegment: NameCheck = (value) => {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return isPathSegmentPrefix(value);
};

/** The beginning of a path segment. */
export const isPathSegmentPrefix: NameCheck = (value) =>
  ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const ipv4 = new RegExp(`^${octet}(\\.${octet}){3}$`, 'u');

/** An IPv4 or IPv6 address without a zone. */
export const isIp: NameCheck = (value) =>
  isIpv4(value) || isIpv6(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];

/** Four decimal octets without leading zeros. */
export function isIpv4(value: string): boolean {
  return ipv4.test(value);
}

/** Eight groups, one run of zeros shortened, the last two possibly as IPv4. */
export function isIpv6(value: string): boolean {
  const halves = value.split('::');
  if (halves.length > 2 || !value.includes(':')) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const dotted4 = last.includes('.');
  if (dotted4 && !isIpv4(last)) return false;
  const plain = dotted4 ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/u.test(group))) return false;
  const count = plain.length + (dotted4 ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/** A check for the beginning of a name, to which random letters are added: a trailing dash does no harm. */
export function asPrefix(check: NameCheck): NameCheck {
  return (value) => check(value.endsWith('-') && value.length > 1 ? `${value.slice(0, -1)}a` : value);
}

/** A number, or a percentage of `total` rounded up or down; undefined for text that is no percentage. */
export function scaledValue(value: unknown, total: number, roundsUp: boolean): number | undefined {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? /^([+-]?\d+)%$/u.exec(value) : null;
  if (!match) return undefined;
  const share = (Number(match[1]) * total) / 100;
  return roundsUp ? Math.ceil(share) : Math.floor(share);
}
