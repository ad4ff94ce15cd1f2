import type { Log } from '@sluice/runtime';
import type { Change, ForgeState } from './forge-state.ts';
import type { DeliveryRecord, RepoRecord } from './records.ts';

/** One webhook as it is sent. */
export type WebhookDelivery = {
  readonly url: string;
  readonly secret: string;
  readonly event: string;
  /** Stays the same over retries. */
  readonly delivery: string;
  readonly body: string;
};

/** Sends one webhook; throws {@link DeliveryRefused} for an answer that a retry is unlikely to change. */
export type Deliver = (delivery: WebhookDelivery, signal: AbortSignal) => Promise<void>;

/** The receiver answered, but would not have it. */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

/** Durable webhooks: what was committed is sent, in order per repository, until it is taken or given up. */
export type Outbox = {
  /** Send what waits for this repository. Returns at once. */
  wake(repo: RepoRecord): void;
  /** Resolves once nothing waits or is being sent for any repository that was woken. */
  idle(): Promise<void>;
  close(): Promise<void>;
};

export type OutboxPorts = {
  readonly state: ForgeState;
  readonly deliver: Deliver;
  readonly log: Log;
  readonly now: () => number;
};

const batch = 50;
const firstDelayMs = 200;
const longestDelayMs = 30_000;
const refusalsAllowed = 8;
const keptForMs = 3 * 24 * 3_600_000;

/** How long to wait before the next attempt. */
export function retryDelayMs(attempts: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempts - 1, 20));
}

/** Build the outbox. One sender a repository runs while something waits. */
export function createOutbox(ports: OutboxPorts): Outbox {
  const senders = new Map<number, Sender>();
  const stop = new AbortController();
  const wake = (repo: RepoRecord): void => {
    if (stop.signal.aborted || !repo.webhook) return;
    const running = senders.get(repo.id);
    if (running) {
      running.again = true;
      return;
    }
    const sender: Sender = { again: false, done: Promise.resolve() };
    senders.set(repo.id, sender);
    sender.done = runSender(ports, repo.name, sender, stop.signal).finally(() => {
      senders.delete(repo.id);
      if (sender.again) wake(repo);
    });
  };
  const idle = async (): Promise<void> => {
    for (;;) {
      const [sender] = senders.values();
      if (!sender) return;
      await sender.done;
    }
  };
  return {
    wake,
    idle,
    async close() {
      stop.abort();
      await idle();
    },
  };
}

type Sender = { again: boolean; done: Promise<void> };

async function runSender(ports: OutboxPorts, name: string, sender: Sender, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      sender.again = false;
      const repo = ports.state.repo(name);
      const waiting = repo ? ports.state.deliveries(repo.id, batch) : [];
      if (!repo || waiting.length === 0) {
        if (!sender.again) return;
        continue;
      }
      for (const delivery of waiting) if (!(await sendUntilSettled(ports, name, delivery, signal))) return;
    }
  } catch (error) {
    ports.log.error('webhook sender stopped', { repository: name, error });
  }
}

/** True once the delivery is out of the way, false when `signal` fired first. */
async function sendUntilSettled(
  ports: OutboxPorts,
  name: string,
  first: DeliveryRecord,
  signal: AbortSignal,
): Promise<boolean> {
  for (let delivery = first; ;) {
    const { webhook } = ports.state.repo(name) ?? {};
    const outcome = webhook ? await attempt(ports, webhook, delivery, signal) : { error: 'the webhook was removed' };
    if (outcome === 'taken') {
      await ports.state.commit([ports.state.removeDelivery(delivery)]);
      return true;
    }
    if (signal.aborted) return false;
    const attempts = delivery.attempts + 1;
    const hopeless = !webhook || (outcome.refused === true && attempts >= refusalsAllowed);
    const tooOld = ports.now() - Date.parse(delivery.createdAt) > keptForMs;
    const facts = {
      repository: name,
      event: delivery.event,
      delivery: delivery.delivery,
      attempts,
      reason: outcome.error,
    };
    if (hopeless || tooOld) {
      await ports.state.commit(giveUp(ports.state, delivery, attempts, outcome.error));
      ports.log.error('webhook given up', facts);
      return true;
    }
    ports.log[attempts === 3 ? 'warn' : 'debug']('webhook not taken yet', facts);
    delivery = { ...delivery, attempts };
    await sleep(retryDelayMs(attempts), signal);
    if (signal.aborted) return false;
  }
}

function giveUp(state: ForgeState, delivery: DeliveryRecord, attempts: number, reason: string): Change[] {
  return [state.removeDelivery(delivery), state.putDelivery({ ...delivery, attempts, givenUp: reason })];
}

type Outcome = 'taken' | { readonly error: string; readonly refused?: boolean };

async function attempt(
  ports: OutboxPorts,
  { url, secret }: { readonly url: string; readonly secret: string },
  { event, delivery, body }: DeliveryRecord,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    await ports.deliver({ url, secret, event, delivery, body }, signal);
    return 'taken';
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { error: text.slice(0, 500), refused: error instanceof DeliveryRefused };
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
