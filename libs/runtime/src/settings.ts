import { parseArgs } from 'node:util';

/** The text of a setting, or what is wrong with it and how to mend it. */
type Reading<T> = { readonly value: T } | { readonly wrong: string };

/** One setting of a program: a flag and an environment variable of the same meaning. */
export type Setting<T> = {
  readonly env: string;
  /** What stands for the value in the usage; absent for a switch. */
  readonly placeholder?: string;
  readonly help: string;
  /** `undefined`: neither flag nor variable is set. */
  readonly read: (text: string | undefined) => Reading<T>;
};

/** A program's settings by name; the name `logLevel` is the flag `--log-level`. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** What the settings of a table come to. */
export type SettingValues<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer T> ? T : never;
};

type Named = { readonly env: string; readonly help: string };

/** A text; undefined where it is not set. */
export function textSetting(named: Named & { readonly placeholder: string }): Setting<string | undefined> {
  return { ...named, read: (text) => ({ value: text }) };
}

/** A text that must be set, and be as `pattern` says. `wanted` says it for people: "a URL like redis://host:6379". */
export function requiredSetting(
  named: Named & { readonly placeholder: string; readonly pattern?: RegExp; readonly wanted: string },
): Setting<string> {
  const { pattern = /./s, wanted, ...rest } = named;
  return {
    ...rest,
    read: (text) => {
      if (text === undefined) return { wrong: `is not set; give ${wanted}` };
      return pattern.test(text) ? { value: text } : { wrong: `"${text}" is not ${wanted}` };
    },
  };
}

/** A whole number within bounds. */
export function integerSetting(
  named: Named & { readonly fallback: number; readonly least: number; readonly most: number },
): Setting<number> {
  const { fallback, least, most, ...rest } = named;
  return {
    ...rest,
    placeholder: 'N',
    help: `${rest.help} (default ${fallback})`,
    read: (text) => {
      const value = text === undefined ? fallback : Number(text);
      if (Number.isSafeInteger(value) && value >= least && value <= most) return { value };
      return { wrong: `"${text}" is not a whole number from ${least} to ${most}` };
    },
  };
}

/** One of some words. */
export function choiceSetting<T extends string>(
  named: Named & { readonly choices: readonly T[]; readonly fallback: NoInfer<T> },
): Setting<T> {
  const { choices, fallback, ...rest } = named;
  return {
    ...rest,
    placeholder: choices.join('|'),
    help: `${rest.help} (default ${fallback})`,
    read: (text) => {
      const value = text === undefined ? fallback : choices.find((choice) => choice === text);
      return value === undefined ? { wrong: `"${text}" is none of ${choices.join(', ')}` } : { value };
    },
  };
}

/** A switch, off unless it is given. */
export function switchSetting(named: Named): Setting<boolean> {
  return {
    ...named,
    read: (text) => {
      if (text === undefined || text === 'false') return { value: false };
      return text === 'true' ? { value: true } : { wrong: `"${text}" is neither true nor false` };
    },
  };
}

/** An address to listen on; undefined where it is not set. */
export function addressSetting(
  named: Named & { readonly placeholder?: string },
): Setting<{ readonly host: string; readonly port: number } | undefined> {
  return {
    placeholder: 'HOST:PORT',
    ...named,
    read: (text) => {
      if (text === undefined) return { value: undefined };
      const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
      const host = bracketed ?? plain;
      if (host !== undefined && Number(port) < 65_536) return { value: { host, port: Number(port) } };
      return { wrong: `"${text}" is not an address like 127.0.0.1:9090` };
    },
  };
}

/** Words separated by commas. */
export function listSetting(named: Named & { readonly placeholder: string }): Setting<readonly string[]> {
  return {
    ...named,
    read: (text = '') => ({
      value: text
        .split(',')
        .map((word) => word.trim())
        .filter(Boolean),
    }),
  };
}

/**
 * Read flags and environment; a flag wins, an empty variable counts as not set. Answers every problem at once, a line
 * each. Pure.
 */
export function readSettings<S extends Settings>(
  settings: S,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
):
  | { readonly ok: true; readonly value: SettingValues<S> }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const flags = readFlags(settings, args, problems);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const reading = setting.read(flags[flagOf(name)] ?? (env[setting.env] || undefined));
    if ('wrong' in reading) problems.push(`--${flagOf(name)} (${setting.env}): ${reading.wrong}`);
    else values[name] = reading.value;
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: values as SettingValues<S> };
}

/** What a program understands, for `--help`. */
export function settingsUsage(settings: Settings): string {
  const rows = Object.entries(settings).map(([name, { env, placeholder, help }]) => ({
    flag: `--${flagOf(name)}${placeholder ? ` ${placeholder}` : ''}`,
    text: `${help} [${env}]`,
  }));
  const width = Math.max(...rows.map(({ flag }) => flag.length));
  return rows.map(({ flag, text }) => `  ${flag.padEnd(width)}  ${text}\n`).join('');
}

function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function readFlags(
  settings: Settings,
  args: readonly string[],
  problems: string[],
): Readonly<Record<string, string | undefined>> {
  const options = Object.entries(settings).map(([name, { placeholder }]) => {
    return [flagOf(name), { type: placeholder ? ('string' as const) : ('boolean' as const) }] as const;
  });
  try {
    const { values } = parseArgs({ args: [...args], options: Object.fromEntries(options) });
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [flag, String(value)]));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return {};
  }
}
