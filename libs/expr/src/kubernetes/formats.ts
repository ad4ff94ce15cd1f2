import { isDns1123Label, isDns1123Subdomain, isIpv4, isIpv6 } from './names.ts';

const uuid =
  /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?(?<version>[0-9a-fA-F])[0-9a-fA-F]{3}-?(?<variant>[0-9a-fA-F])[0-9a-fA-F]{3}-?[0-9a-fA-F]{12}$/u;
const hostLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const hostname = new RegExp(`^(?:${hostLabel}|(?:${hostLabel}\\.)+[a-zA-Z]{2,63})$`, 'u');
const dateTime = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/u;
const duration = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/u;
const longDuration =
  /^\d+\s*(ns|nanoseconds?|us|µs|μs|microseconds?|ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hr|hours?|d|days?|w|wk|weeks?)$/u;

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/u.exec(text);
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number);
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day));
  return date.getUTCMonth() === (month ?? 0) - 1 && date.getUTCDate() === day;
}

function isDateTime(text: string): boolean {
  const match = dateTime.exec(text);
  if (!match) return false;
  const [hour = 0, minute = 0, second = 0] = match.slice(4, 7).map(Number);
  return isDate(text.slice(0, 10)) && hour < 24 && minute < 60 && second < 60;
}

function isUri(text: string): boolean {
  if (/[\s\p{Cc}]/u.test(text)) return false;
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:/u.test(text)
    ? URL.canParse(text) || /^[^/]+:[^/]/u.test(text)
    : text.startsWith('/');
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/u.test(bits)) return false;
  return (isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128);
}

const ofVersion = (version: string) => (text: string) => {
  const groups = uuid.exec(text)?.groups;
  return groups?.['version'] === version && (version === '3' || /[89abAB]/u.test(groups['variant'] ?? ''));
};

const digitsOnly = (text: string): string => text.replaceAll(/[\s-]/gu, '');

function isIsbn10(text: string): boolean {
  const digits = digitsOnly(text);
  if (!/^\d{9}[\dX]$/u.test(digits)) return false;
  const sum = Array.from(digits).reduce(
    (total, digit, index) => total + (10 - index) * (digit === 'X' ? 10 : Number(digit)),
    0,
  );
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = digitsOnly(text);
  if (!/^\d{13}$/u.test(digits)) return false;
  return (
    Array.from(digits).reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0
  );
}

function isCreditCard(text: string): boolean {
  const digits = text.replaceAll(/\D/gu, '');
  if (
    !/^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}|6[27]\d{14})$/u.test(
      digits,
    )
  )
    return false;
  const sum = Array.from(digits)
    .toReversed()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}

const channel = '([01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])';

/** The formats of CustomResourceDefinition schemas; a text is checked only when its format is here. */
export const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'k8s-short-name': (text) => isDns1123Label(text).length === 0,
  'k8s-long-name': (text) => isDns1123Subdomain(text).length === 0,
  bsonobjectid: (text) => /^[0-9a-fA-F]{24}$/u.test(text),
  uri: isUri,
  email: (text) => /^[^\s@<>()[\],;:\\"]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/u.test(text),
  hostname: (text) => text.length <= 255 && hostname.test(text) && !text.endsWith('.'),
  ipv4: isIpv4,
  ipv6: isIpv6,
  cidr: isCidr,
  mac: (text) =>
    /^([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){7}|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2,3})$/u.test(
      text,
    ),
  uuid: (text) => uuid.test(text),
  uuid3: ofVersion('3'),
  uuid4: ofVersion('4'),
  uuid5: ofVersion('5'),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/u.test(text),
  hexcolor: (text) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/u.test(text),
  rgbcolor: (text) => new RegExp(`^rgb\\(\\s*${channel}\\s*,\\s*${channel}\\s*,\\s*${channel}\\s*\\)$`, 'u').test(text),
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/u.test(text),
  password: () => true,
  date: isDate,
  duration: (text) => text === '0' || duration.test(text) || longDuration.test(text),
  datetime: isDateTime,
  'date-time': isDateTime,
};
