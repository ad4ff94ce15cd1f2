import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

async function sample(text: Promise<string>, line: string): Promise<string | undefined> {
  return (await text).split('\n').find((candidate) => candidate.startsWith(line));
}

test('a controller reports under the names of controller-runtime', async () => {
  const metrics = await createMetrics();
  let waiting = 3;
  const reading = { waitingLow: 7, active: 2, unfinishedSeconds: 1.5, longestRunningSeconds: 1 };
  const controller = metrics.controller('web', 4, () => ({ waiting, ...reading }));
  controller.queueAdded();
  controller.queueTaken(0.002);
  controller.queueFinished(0.01);
  controller.queueRetried();
  controller.reconciled('success', 0.01);
  controller.reconciled('terminal', 0.02);
  controller.panicked();
  waiting = 5;
  const want = [
    'controller_runtime_reconcile_total{controller="web",result="success"} 1',
    'controller_runtime_reconcile_total{controller="web",result="error"} 1',
    'controller_runtime_reconcile_total{controller="web",result="requeue_after"} 0',
    'controller_runtime_reconcile_errors_total{controller="web"} 1',
    'controller_runtime_terminal_reconcile_errors_total{controller="web"} 1',
    'controller_runtime_reconcile_panics_total{controller="web"} 1',
    'controller_runtime_reconcile_timeouts_total{controller="web"} 0',
    'controller_runtime_reconcile_time_seconds_count{controller="web"} 2',
    'controller_runtime_max_concurrent_reconciles{controller="web"} 4',
    'controller_runtime_active_workers{controller="web"} 2',
    'workqueue_depth{name="web",controller="web",priority="0"} 5',
    'workqueue_depth{name="web",controller="web",priority="-100"} 7',
    'workqueue_adds_total{name="web",controller="web"} 1',
    'workqueue_retries_total{name="web",controller="web"} 1',
    'workqueue_queue_duration_seconds_count{name="web",controller="web"} 1',
    'workqueue_work_duration_seconds_count{name="web",controller="web"} 1',
    'workqueue_unfinished_work_seconds{name="web",controller="web"} 1.5',
    'workqueue_longest_running_processor_seconds{name="web",controller="web"} 1',
  ];
  const text = metrics.text();
  for (const line of want) expect(await sample(text, line), line).toBe(line);
  metrics.close();
});

test('requests, leadership and the delay of the event loop are there', async () => {
  const metrics = await createMetrics();
  metrics.request({ method: 'GET', host: 'api:443', code: '200', seconds: 0.1 });
  metrics.leader('web', true);
  const text = metrics.text();
  expect(await sample(text, 'rest_client_requests_total{')).toMatch(/method="GET".* 1$/);
  expect(await sample(text, 'rest_client_request_duration_seconds_count')).toMatch(/ 1$/);
  expect(await sample(text, 'leader_election_master_status')).toBe('leader_election_master_status{name="web"} 1');
  expect(await sample(text, 'nodejs_eventloop_lag_seconds')).toBeDefined();
  metrics.close();
});
