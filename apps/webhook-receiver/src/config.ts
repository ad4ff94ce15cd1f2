import { TerminalError } from '@sluice/model';
import { clusterSettings } from '@sluice/kube';
import { redisSettings } from '@sluice/queue';
import { integerSetting, Secret, type SettingValues, textSetting } from '@sluice/runtime';
import type { ReceiverConfig } from './receiver.ts';

/** What the program can be told. */
export const receiverSettings = {
  ...clusterSettings,
  ...redisSettings,
  host: textSetting({ env: 'SLUICE_HOST', placeholder: 'ADDRESS', help: 'address to listen on (default 0.0.0.0)' }),
  port: integerSetting({
    env: 'SLUICE_PORT',
    help: 'port to listen on, 0 for any',
    fallback: 8080,
    least: 0,
    most: 65_535,
  }),
  logToken: textSetting({
    env: 'SLUICE_LOG_TOKEN',
    placeholder: 'TOKEN',
    help: 'opens the delivery log to whoever has it, 16 characters at least (default: no log)',
  }),
};

/** The receiver's own part of the settings. */
export function receiverConfig({
  host,
  port,
  namespace,
  logToken,
}: SettingValues<typeof receiverSettings>): ReceiverConfig {
  return Object.freeze({
    host: host ?? '0.0.0.0',
    port,
    ...(namespace ? { namespace } : {}),
    ...(logToken ? { logToken: logSecret(logToken) } : {}),
  });
}

const shortestToken = 16;

/** A token that can be guessed is worse than none: the log shows what private repositories sent. */
function logSecret(text: string): Secret {
  if (text.length >= shortestToken) return new Secret(text);
  throw new TerminalError(
    'BadConfig',
    `SLUICE_LOG_TOKEN has fewer than ${shortestToken} characters; make a longer one`,
  );
}
