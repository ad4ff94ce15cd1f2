import { getOwn, isObject, type MutableObject } from '../patch/json-value.ts';
import { derived, each, type Fill, inside, missing, steps, when } from './fill.ts';

const probe = steps(
  missing({ timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
  inside('httpGet', missing({ path: '/', scheme: 'HTTP' })),
  inside('grpc', missing({ service: '' })),
);

const lifecycleAction = inside('httpGet', missing({ path: '/', scheme: 'HTTP' }));

/** `Always` for images that may move: no tag, or `latest`. */
function pullPolicy(container: MutableObject): string {
  const image = getOwn(container, 'image');
  const text = typeof image === 'string' ? image : '';
  if (text.includes('@')) return 'IfNotPresent';
  const last = text.slice(text.lastIndexOf('/') + 1);
  const tag = last.includes(':') ? last.slice(last.indexOf(':') + 1) : 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

/** Requests default to limits. */
function requestsOf(resources: MutableObject): MutableObject {
  const limits = getOwn(resources, 'limits');
  if (!isObject(limits)) return resources;
  const requests = getOwn(resources, 'requests');
  const merged = { ...limits, ...(isObject(requests) ? requests : {}) };
  const unchanged = isObject(requests) && Object.keys(merged).length === Object.keys(requests).length;
  return unchanged ? resources : { ...resources, requests: merged };
}

const container = (isPod: boolean): Fill =>
  steps(
    missing({ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} }),
    derived('imagePullPolicy', pullPolicy),
    each('ports', missing({ protocol: 'TCP' })),
    each('env', inside('valueFrom', inside('fieldRef', missing({ apiVersion: 'v1' })))),
    inside('livenessProbe', probe),
    inside('readinessProbe', probe),
    inside('startupProbe', probe),
    inside('lifecycle', steps(inside('postStart', lifecycleAction), inside('preStop', lifecycleAction))),
    isPod ? inside('resources', requestsOf) : (object) => object,
  );

const downwardItems = each('items', inside('fieldRef', missing({ apiVersion: 'v1' })));

const volumeSources = ['name'];

const volume = steps(
  when((object) => Object.keys(object).every((key) => volumeSources.includes(key)), missing({ emptyDir: {} })),
  inside('secret', missing({ defaultMode: 0o644 })),
  inside('configMap', missing({ defaultMode: 0o644 })),
  inside('downwardAPI', steps(missing({ defaultMode: 0o644 }), downwardItems)),
  inside('hostPath', missing({ type: '' })),
  inside(
    'projected',
    steps(
      missing({ defaultMode: 0o644 }),
      each(
        'sources',
        steps(
          inside('downwardAPI', downwardItems),
          inside('serviceAccountToken', missing({ expirationSeconds: 3600 })),
        ),
      ),
    ),
  ),
  inside('ephemeral', inside('volumeClaimTemplate', inside('spec', missing({ volumeMode: 'Filesystem' })))),
);

/** Defaults of a pod's spec; `isPod` also those that only a pod itself gets, not a template. */
export const podSpec = (isPod: boolean): Fill =>
  steps(
    missing({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    }),
    isPod ? missing({ enableServiceLinks: true }) : (object) => object,
    derived('serviceAccount', (spec) => getOwn(spec, 'serviceAccountName')),
    derived('serviceAccountName', (spec) => getOwn(spec, 'serviceAccount')),
    each('containers', container(isPod)),
    each('initContainers', container(isPod)),
    each('ephemeralContainers', container(isPod)),
    each('volumes', volume),
  );

/** Defaults of a pod template. */
export const podTemplate: Fill = inside('spec', podSpec(false));
