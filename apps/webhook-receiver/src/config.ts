import { clusterSettings } from '@sluice/kube';
import { redisSettings } from '@sluice/queue';
import { integerSetting, type SettingValues, textSetting } from '@sluice/runtime';
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
};

/** The receiver's own part of the settings. */
export function receiverConfig({ host, port, namespace }: SettingValues<typeof receiverSettings>): ReceiverConfig {
  return Object.freeze({ host: host ?? '0.0.0.0', port, ...(namespace ? { namespace } : {}) });
}
