import { podMark } from '../container/process-table.ts';
import { parseQuantity } from '../container/quantity.ts';
import type { ContainerInput } from '../container/runtime.ts';
import type { Resources, SecurityContext } from '../pod/pod-spec.ts';

/** What a container keeps of a superuser's rights unless it asks otherwise: the list that container engines share. */
const defaultCapabilities: readonly string[] = (
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW ' +
  'SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'
).split(' ');

const masked = [
  ...['acpi', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list', 'timer_stats'].map(
    (name) => `/proc/${name}`,
  ),
  '/sys/firmware',
];
const readOnlyPaths = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);

const systemMounts = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
] as const;

/** What the specification of a container is made from besides its input. */
export type SpecParts = {
  readonly input: ContainerInput;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly cgroup: string;
  /** The host's resolv.conf, where there is one. */
  readonly resolvConf: string | undefined;
};

/** The specification of a container in the form of the OCI runtime specification. Pure. */
export function buildSpec({ input, user, cgroup, resolvConf }: SpecParts): object {
  const { security = {}, env, rootfs } = input;
  const capabilities = capabilitiesOf(security);
  const kept = user.uid === 0 ? capabilities : [];
  return {
    ociVersion: '1.0.2',
    hostname: input.hostname.slice(0, 63),
    root: { path: rootfs, readonly: security.readOnlyRootFilesystem ?? false },
    process: {
      user: { ...user, additionalGids: [] },
      args: input.command,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd: input.workingDir,
      noNewPrivileges: security.allowPrivilegeEscalation === false,
      capabilities: { bounding: capabilities, effective: kept, permitted: kept, inheritable: [], ambient: [] },
    },
    mounts: [...systemMounts, ...bindsOf(input, resolvConf)],
    annotations: { [podMark]: env[podMark] ?? '' },
    linux: {
      cgroupsPath: cgroup,
      resources: resourcesOf(input.resources),
      // The network is the host's, as in every runtime of this node.
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: masked,
      readonlyPaths: readOnlyPaths,
    },
  };
}

function bindsOf({ volumes, hostsFile }: ContainerInput, resolvConf: string | undefined): readonly object[] {
  const bind = (destination: string, source: string, readOnly: boolean): object => {
    return { destination, source, type: 'bind', options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'] };
  };
  return [
    ...(resolvConf ? [bind('/etc/resolv.conf', resolvConf, true)] : []),
    ...(hostsFile ? [bind('/etc/hosts', hostsFile, true)] : []),
    ...volumes
      .toSorted((a, b) => a.path.length - b.path.length)
      .map(({ path, source, readOnly }) => bind(path, source, readOnly)),
  ];
}

function capabilitiesOf({ capabilities = {} }: SecurityContext): readonly string[] {
  const bare = (name: string): string => name.replace(/^CAP_/, '').toUpperCase();
  const drop = new Set((capabilities.drop ?? []).map(bare));
  const left = drop.has('ALL') ? [] : defaultCapabilities.filter((name) => !drop.has(name));
  return [...new Set([...left, ...(capabilities.add ?? []).map(bare)])].map((name) => `CAP_${name}`);
}

const periodUs = 100_000;

function resourcesOf({ limits = {}, requests = {} }: Resources = {}): object {
  const cpus = parseQuantity(limits['cpu'] ?? '');
  const memory = parseQuantity(limits['memory'] ?? '');
  const share = parseQuantity(requests['cpu'] ?? limits['cpu'] ?? '') ?? 0;
  const quota = cpus === undefined ? {} : { quota: Math.max(1_000, Math.round(cpus * periodUs)), period: periodUs };
  return {
    cpu: { shares: Math.max(2, Math.round(share * 1_024)), ...quota },
    ...(memory === undefined ? {} : { memory: { limit: Math.floor(memory), swap: Math.floor(memory) } }),
    devices: [{ allow: false, access: 'rwm' }],
  };
}
