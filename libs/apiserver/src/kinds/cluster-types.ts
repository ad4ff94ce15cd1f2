import type { TypeText } from './type-language.ts';

/** networking, rbac, storage, coordination, discovery, events, scheduling. */
export const clusterTypes: readonly TypeText[] = [
  {
    prefix: 'io.k8s.api.networking.v1',
    text: `
kind Ingress = metadata:1:ObjectMeta spec:2:IngressSpec status:3:IngressStatus
IngressSpec = defaultBackend?:1:IngressBackend tls:2:[IngressTLS] rules:3:[IngressRule] ingressClassName?:4
IngressBackend = resource?:3:TypedLocalObjectReference service?:4:IngressServiceBackend
IngressServiceBackend = name!:1 port:2:ServiceBackendPort
atomic ServiceBackendPort = name:1 number:2:i32
IngressTLS = hosts:1:[s] secretName:2
IngressRule = host:1 *IngressRuleValue:2
IngressRuleValue = http?:1:HTTPIngressRuleValue
HTTPIngressRuleValue = paths!:1:[HTTPIngressPath]
HTTPIngressPath = path:1 backend!:2:IngressBackend pathType?!:3
IngressStatus = loadBalancer:1:IngressLoadBalancerStatus
IngressLoadBalancerStatus = ingress:1:[IngressLoadBalancerIngress]
IngressLoadBalancerIngress = ip:1 hostname:2 ports:4:[IngressPortStatus]
IngressPortStatus = port!:1:i32 protocol!:2 error?:3
kind IngressClass = metadata:1:ObjectMeta spec:2:IngressClassSpec
IngressClassSpec = controller:1 parameters?:2:IngressClassParametersReference
IngressClassParametersReference = apiGroup?:1 kind!:2 name!:3 scope?:4 namespace?:5
kind NetworkPolicy = metadata:1:ObjectMeta spec:2:NetworkPolicySpec
NetworkPolicySpec = podSelector:1:LabelSelector ingress:2:[NetworkPolicyIngressRule] egress:3:[NetworkPolicyEgressRule] policyTypes:4:[s]
NetworkPolicyIngressRule = ports:1:[NetworkPolicyPort] from:2:[NetworkPolicyPeer]
NetworkPolicyEgressRule = ports:1:[NetworkPolicyPort] to:2:[NetworkPolicyPeer]
NetworkPolicyPort = protocol?:1 port?:2:ios endPort?:3:i32
NetworkPolicyPeer = podSelector?:1:LabelSelector namespaceSelector?:2:LabelSelector ipBlock?:3:IPBlock
IPBlock = cidr!:1 except:2:[s]
kind IPAddress = metadata:1:ObjectMeta spec:2:IPAddressSpec
IPAddressSpec = parentRef?!:1:ParentReference
ParentReference = group:1 resource:2 namespace:3 name:4
kind ServiceCIDR = metadata:1:ObjectMeta spec:2:ServiceCIDRSpec status:3:ServiceCIDRStatus
ServiceCIDRSpec = cidrs:1:[s]
ServiceCIDRStatus = conditions:1:[Condition]~type
`,
  },
  {
    prefix: 'io.k8s.api.rbac.v1',
    text: `
kind Role = metadata:1:ObjectMeta rules:2:[PolicyRule]
kind ClusterRole = metadata:1:ObjectMeta rules:2:[PolicyRule] aggregationRule?:3:AggregationRule
PolicyRule = verbs!:1:[s] apiGroups:2:[s] resources:3:[s] resourceNames:4:[s] nonResourceURLs:5:[s]
AggregationRule = clusterRoleSelectors:1:[LabelSelector]
kind RoleBinding = metadata:1:ObjectMeta subjects:2:[Subject] roleRef!:3:RoleRef
kind ClusterRoleBinding = metadata:1:ObjectMeta subjects:2:[Subject] roleRef!:3:RoleRef
atomic Subject = kind!:1 apiGroup:2 name!:3 namespace:4
atomic RoleRef = apiGroup:1 kind!:2 name!:3
`,
  },
  {
    prefix: 'io.k8s.api.storage.v1',
    text: `
kind StorageClass = metadata:1:ObjectMeta provisioner!:2 parameters:3:{s} reclaimPolicy?:4 mountOptions:5:[s] allowVolumeExpansion?:6:bool volumeBindingMode?:7 allowedTopologies:8:[TopologySelectorTerm]
kind VolumeAttachment = metadata:1:ObjectMeta spec!:2:VolumeAttachmentSpec status:3:VolumeAttachmentStatus
VolumeAttachmentSpec = attacher!:1 source!:2:VolumeAttachmentSource nodeName!:3
VolumeAttachmentSource = persistentVolumeName?:1 inlineVolumeSpec?:2:PersistentVolumeSpec
VolumeAttachmentStatus = attached!:1:bool attachmentMetadata:2:{s} attachError?:3:VolumeError detachError?:4:VolumeError
VolumeError = time:1:time message:2 errorCode?:3:i32
kind CSIDriver = metadata:1:ObjectMeta spec!:2:CSIDriverSpec
CSIDriverSpec = attachRequired?:1:bool podInfoOnMount?:2:bool volumeLifecycleModes:3:[s]& storageCapacity?:4:bool fsGroupPolicy?:5 tokenRequests:6:[TokenRequest] requiresRepublish?:7:bool seLinuxMount?:8:bool nodeAllocatableUpdatePeriodSeconds?:9:i64 serviceAccountTokenInSecrets?:10:bool preventPodSchedulingIfMissing?:11:bool
TokenRequest = audience!:1 expirationSeconds?:2:i64
kind CSINode = metadata:1:ObjectMeta spec!:2:CSINodeSpec status:3:CSINodeStatus
CSINodeSpec = drivers:1:[CSINodeDriver]~name
CSINodeDriver = name!:1 nodeID!:2 topologyKeys:3:[s] allocatable?:4:VolumeNodeResources
VolumeNodeResources = count?:1:i32
CSINodeStatus = storageHealth:1:[CSIDriverStorageHealth]@name
CSIDriverStorageHealth = name!:1 healthConditions:2:[StorageHealthCondition]
StorageHealthCondition = status:1 reason:2 message:3 accessMode?:4 volumeMode?:5 lastTransitionTime?:6:time
kind CSIStorageCapacity = metadata:1:ObjectMeta nodeTopology?:2:LabelSelector storageClassName!:3 capacity?:4:q maximumVolumeSize?:5:q
kind VolumeAttributesClass = metadata:1:ObjectMeta driverName!:2 parameters:3:{s}
`,
  },
  {
    prefix: 'io.k8s.api.coordination.v1',
    text: `
kind Lease = metadata:1:ObjectMeta spec:2:LeaseSpec
LeaseSpec = holderIdentity?:1 leaseDurationSeconds?:2:i32 acquireTime?:3:micro renewTime?:4:micro leaseTransitions?:5:i32 strategy?:6 preferredHolder?:7
`,
  },
  {
    prefix: 'io.k8s.api.discovery.v1',
    text: `
kind EndpointSlice = metadata:1:ObjectMeta endpoints!:2:[Endpoint] ports:3:[EndpointPort] addressType!:4
Endpoint = addresses!:1:[s]& conditions:2:EndpointConditions hostname?:3 targetRef?:4:ObjectReference deprecatedTopology:5:{s} nodeName?:6 zone?:7 hints?:8:EndpointHints
EndpointConditions = ready?:1:bool serving?:2:bool terminating?:3:bool
EndpointHints = forZones:1:[ForZone] forNodes:2:[ForNode]
ForZone = name!:1
ForNode = name!:1
atomic EndpointPort = name?:1 protocol?:2 port?:3:i32 appProtocol?:4
`,
  },
  {
    prefix: 'io.k8s.api.events.v1',
    text: `
kind Event = metadata:1:ObjectMeta eventTime!:2:micro series?:3:EventSeries reportingController:4 reportingInstance:5 action:6 reason:7 regarding:8:ObjectReference related?:9:ObjectReference note:10 type:11 deprecatedSource:12:EventSource deprecatedFirstTimestamp:13:time deprecatedLastTimestamp:14:time deprecatedCount:15:i32
EventSeries = count!:1:i32 lastObservedTime!:2:micro
`,
  },
  {
    prefix: 'io.k8s.api.scheduling.v1',
    text: `
kind PriorityClass = metadata:1:ObjectMeta value!:2:i32 globalDefault:3:bool description:4 preemptionPolicy?:5
`,
  },
  {
    prefix: 'io.k8s.api.node.v1',
    text: `
kind RuntimeClass = metadata:1:ObjectMeta handler!:2 overhead?:3:Overhead scheduling?:4:Scheduling
Overhead = podFixed:1:{q}
Scheduling = nodeSelector:1:{s}@ tolerations:2:[Toleration]
`,
  },
];
