/** Measured from its start: `start-process.ts ROLE URL`. Says what it took as soon as it is there, and ends. */
const [role = '', url = ''] = process.argv.slice(2);

const roles: Readonly<Record<string, () => Promise<void>>> = {
  /** A list, parsed; nothing else. */
  async floor() {
    const response = await fetch(`${url}/api/v1/pods`);
    JSON.parse(await response.text());
  },
  async sluice() {
    const [{ createKubeApi, httpTransport }, { createController }, { resources }, { silentLog }] = await Promise.all([
      import('@sluice/kube'),
      import('@sluice/reconcile'),
      import('@sluice/model'),
      import('@sluice/runtime'),
    ]);
    const first = Promise.withResolvers<void>();
    const controller = createController({
      name: 'first',
      kube: createKubeApi({ transport: httpTransport({ server: url }) }),
      watches: [{ resource: resources.pods }],
      log: silentLog,
      async reconcile() {
        first.resolve();
        return {};
      },
    });
    await controller.start();
    await first.promise;
  },
  async 'import of sluice'() {
    await Promise.all([import('@sluice/kube'), import('@sluice/reconcile')]);
  },
  async 'import of client-node'() {
    await import('@kubernetes/client-node');
  },
};

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const [startedMs, startedCpu] = [performance.now(), cpuMs()];
await roles[role]?.();
process.send?.({ ms: performance.now() - startedMs, cpuMs: cpuMs() - startedCpu, sinceStartMs: performance.now() });
