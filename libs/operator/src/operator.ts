import { type KubeObject, type Resource, resources } from '@sluice/model';
import {
  type InformerSet,
  type KubeApi,
  type OperatorController,
  type OperatorOptions as RunnerOptions,
  startOperator,
  type WatchSource,
} from '@sluice/reconcile';
import type { Log, Metrics, Running } from '@sluice/runtime';
import type { AccessRule } from './access.ts';
import type { ControllerDefinition, ControllerPorts } from './controller.ts';
import type { Kind } from './kind.ts';

type AnyKind = Pick<Kind, keyof Resource | 'definition'>;

export type OperatorDefinition = {
  /** A DNS label: it names the lease, the service account and the roles. */
  readonly name: string;
  readonly kinds: readonly AnyKind[];
  readonly controllers: readonly ControllerDefinition[];
};

/** An operator: the kinds that it serves, and its controllers. A value: nothing runs yet. */
export type Operator = OperatorDefinition & {
  /** Everything that it may do, worked out of what its controllers declare. */
  readonly access: readonly AccessRule[];
};

/** Put an operator together. Throws a TypeError that names everything wrong with it. */
export function defineOperator(definition: OperatorDefinition): Operator {
  const { name, controllers, kinds } = definition;
  const names = controllers.map((controller) => controller.name);
  const twice = names.filter((text, at) => names.indexOf(text) !== at);
  const problems = [
    !/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(name) &&
      `name ${JSON.stringify(name)} must be lower case letters, digits and dashes, at most 40`,
    kinds.length === 0 && controllers.length === 0 && 'it has neither kinds nor controllers',
    ...twice.map((text) => `two controllers are named ${JSON.stringify(text)}`),
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new TypeError(`defineOperator ${name}: ${problems.join('; ')}`);
  const events: AccessRule = { resource: resources.events, verbs: ['create', 'patch'] };
  return { ...definition, access: [...controllers.flatMap(({ access }) => access), events] };
}

export type StartOptions = Pick<RunnerOptions, 'leaderElection' | 'drainMs' | 'now'> & {
  readonly kube: KubeApi;
  readonly log: Log;
  /** Watch this namespace only. */
  readonly namespace?: string;
  readonly metrics?: Metrics;
};

/** Start an operator. Resolves once its caches are filled. `close` ends what is under way and gives the lease back. */
export async function start(operator: Operator, options: StartOptions, signal?: AbortSignal): Promise<Running> {
  const { namespace, ...rest } = options;
  const controllers = operator.controllers.map((controller) => toController(controller, namespace));
  return startOperator({ ...rest, name: operator.name, controllers }, signal);
}

/** A controller as the runtime takes it, for those who start it beside others themselves. */
export function toController(definition: ControllerDefinition, namespace?: string): OperatorController {
  const { name, settings } = definition;
  const watches = definition.watches.map((watch) => scoped(watch, namespace));
  return {
    ...settings,
    name,
    watches,
    reconcile: ({ kube, events, now, informers }) => {
      const cache = cacheOf(name, watches, informers);
      return definition.start({ kube, events, now, cache });
    },
  };
}

function scoped(watch: WatchSource, namespace: string | undefined): WatchSource {
  if (namespace === undefined || !watch.resource.namespaced) return watch;
  return { ...watch, namespace };
}

/** Caches of exactly the scopes that are watched, so that none is held twice. */
function cacheOf(
  controller: string,
  watches: readonly WatchSource[],
  informers: InformerSet,
): ControllerPorts['cache'] {
  return <T extends KubeObject>(resource: Resource) => {
    const watch = watches.find(
      ({ resource: { group, plural } }) => group === resource.group && plural === resource.plural,
    );
    if (!watch) {
      throw new TypeError(`controller ${controller}: ${resource.kind} is not watched; declare it in owns or watches`);
    }
    const { keysOf: _, resource: own, ...scope } = watch;
    return informers.informer<T>(own, scope);
  };
}
