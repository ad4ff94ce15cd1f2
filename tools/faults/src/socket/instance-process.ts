/** An operator in a process of its own, started by the scenario over sockets: `instance-process.ts NAME URL`. */
import { createKubeApi, httpTransport } from '@sluice/kube';
import { startOperator } from '@sluice/reconcile';
import { silentLog } from '@sluice/runtime';
import { cardController, fleetController } from '../fleet.ts';

const [name = '', server = ''] = process.argv.slice(2);
const transport = httpTransport({ server });
const kube = createKubeApi({ transport, fieldManager: name, timeoutMs: 1_500 });
const stop = new AbortController();
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => stop.abort(new Error('stopping')));

const running = await startOperator(
  {
    name: 'operator',
    kube,
    log: silentLog,
    controllers: [fleetController(5_000), cardController],
    informers: { pageSize: 5, maxBackoffMs: 1_000 },
    leaderElection: {
      lease: { namespace: 'default', name: 'operator' },
      identity: name,
      leaseDurationMs: 4_000,
      renewDeadlineMs: 2_500,
      retryPeriodMs: 500,
    },
  },
  stop.signal,
);
process.once('message', () => {
  void running
    .close()
    .then(() => transport.close())
    .then(() => process.exit(0));
});
