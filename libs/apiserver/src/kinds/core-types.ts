import { corePodTypes } from './core-pod-types.ts';
import { coreVolumeTypes } from './core-volume-types.ts';
import type { TypeText } from './type-language.ts';

const coreObjects = `
kind Namespace = metadata:1:ObjectMeta spec:2:NamespaceSpec status:3:NamespaceStatus
NamespaceSpec = finalizers:1:[s]
NamespaceStatus = phase:1 conditions:2:[NamespaceCondition]~type
NamespaceCondition = type!:1 status!:2 lastTransitionTime:4:time reason:5 message:6
kind ConfigMap = metadata:1:ObjectMeta data:2:{s} binaryData:3:{bytes} immutable?:4:bool
kind Secret = metadata:1:ObjectMeta data:2:{bytes} type:3 stringData:4:{s} immutable?:5:bool
kind ServiceAccount = metadata:1:ObjectMeta secrets:2:[ObjectReference]~name imagePullSecrets:3:[LocalObjectReference] automountServiceAccountToken?:4:bool
kind Service = metadata:1:ObjectMeta spec:2:ServiceSpec status:3:ServiceStatus
ServiceSpec = ports:1:[ServicePort]~port@port,protocol selector:2:{s}@ clusterIP:3 type:4 externalIPs:5:[s] sessionAffinity:7 loadBalancerIP:8 loadBalancerSourceRanges:9:[s] externalName:10 externalTrafficPolicy:11 healthCheckNodePort:12:i32 publishNotReadyAddresses:13:bool sessionAffinityConfig?:14:SessionAffinityConfig ipFamilyPolicy?:17 clusterIPs:18:[s] ipFamilies:19:[s] allocateLoadBalancerNodePorts?:20:bool loadBalancerClass?:21 internalTrafficPolicy?:22 trafficDistribution?:23
ServicePort = name:1 protocol:2:s="TCP" port!:3:i32 targetPort:4:ios nodePort:5:i32 appProtocol?:6
SessionAffinityConfig = clientIP?:1:ClientIPConfig
ClientIPConfig = timeoutSeconds?:1:i32
ServiceStatus = loadBalancer:1:LoadBalancerStatus conditions:2:[Condition]~type
LoadBalancerStatus = ingress:1:[LoadBalancerIngress]
LoadBalancerIngress = ip:1 hostname:2 ipMode?:3 ports:4:[PortStatus]
PortStatus = port!:1:i32 protocol!:2 error?:3
kind ServiceProxyOptions = path:1
kind Endpoints = metadata:1:ObjectMeta subsets:2:[EndpointSubset]
EndpointSubset = addresses:1:[EndpointAddress] notReadyAddresses:2:[EndpointAddress] ports:3:[EndpointPort]
atomic EndpointAddress = ip!:1 targetRef?:2:ObjectReference hostname:3 nodeName?:4
atomic EndpointPort = name:1 port!:2:i32 protocol:3 appProtocol?:4
kind ReplicationController = metadata:1:ObjectMeta spec:2:ReplicationControllerSpec status:3:ReplicationControllerStatus
ReplicationControllerSpec = replicas?:1:i32 selector:2:{s}@ template?:3:PodTemplateSpec minReadySeconds:4:i32
ReplicationControllerStatus = replicas!:1:i32 fullyLabeledReplicas:2:i32 observedGeneration:3:i64 readyReplicas:4:i32 availableReplicas:5:i32 conditions:6:[ReplicationControllerCondition]~type
ReplicationControllerCondition = type!:1 status!:2 lastTransitionTime:3:time reason:4 message:5
kind Event = metadata!:1:ObjectMeta involvedObject!:2:ObjectReference reason:3 message:4 source:5:EventSource firstTimestamp:6:time lastTimestamp:7:time count:8:i32 type:9 eventTime:10:micro series?:11:EventSeries action:12 related?:13:ObjectReference reportingComponent:14 reportingInstance:15
EventSource = component:1 host:2
EventSeries = count:1:i32 lastObservedTime:2:micro
kind LimitRange = metadata:1:ObjectMeta spec:2:LimitRangeSpec
LimitRangeSpec = limits!:1:[LimitRangeItem]
LimitRangeItem = type!:1 max:2:{q} min:3:{q} default:4:{q} defaultRequest:5:{q} maxLimitRequestRatio:6:{q}
kind ResourceQuota = metadata:1:ObjectMeta spec:2:ResourceQuotaSpec status:3:ResourceQuotaStatus
ResourceQuotaSpec = hard:1:{q} scopes:2:[s] scopeSelector?:3:ScopeSelector
atomic ScopeSelector = matchExpressions:1:[ScopedResourceSelectorRequirement]
ScopedResourceSelectorRequirement = scopeName!:1 operator!:2 values:3:[s]
ResourceQuotaStatus = hard:1:{q} used:2:{q}
kind Binding = metadata:1:ObjectMeta target!:2:ObjectReference
kind ComponentStatus = metadata:1:ObjectMeta conditions:2:[ComponentCondition]~type
ComponentCondition = type!:1 status!:2 message:3 error:4
kind RangeAllocation = metadata:1:ObjectMeta range!:2 data!:3:bytes
kind NodeProxyOptions = path:1
kind Node = metadata:1:ObjectMeta spec:2:NodeSpec status:3:NodeStatus
NodeSpec = podCIDR:1 externalID:2 providerID:3 unschedulable:4:bool taints:5:[Taint] configSource?:6:NodeConfigSource podCIDRs:7:[s]^
Taint = key!:1 value:2 effect!:3 timeAdded?:4:time
NodeConfigSource = configMap?:2:ConfigMapNodeConfigSource
ConfigMapNodeConfigSource = namespace!:1 name!:2 uid:3 resourceVersion:4 kubeletConfigKey!:5
NodeStatus = capacity:1:{q} allocatable:2:{q} phase:3 conditions:4:[NodeCondition]~type addresses:5:[NodeAddress]~type daemonEndpoints:6:NodeDaemonEndpoints nodeInfo:7:NodeSystemInfo images:8:[ContainerImage] volumesInUse:9:[s] volumesAttached:10:[AttachedVolume] config?:11:NodeConfigStatus runtimeHandlers:12:[NodeRuntimeHandler] features?:13:NodeFeatures declaredFeatures:14:[s]
NodeCondition = type!:1 status!:2 lastHeartbeatTime:3:time lastTransitionTime:4:time reason:5 message:6
NodeAddress = type!:1 address!:2
NodeDaemonEndpoints = kubeletEndpoint:1:DaemonEndpoint
DaemonEndpoint = Port!:1:i32
NodeSystemInfo = machineID!:1 systemUUID!:2 bootID!:3 kernelVersion!:4 osImage!:5 containerRuntimeVersion!:6 kubeletVersion!:7 kubeProxyVersion!:8 operatingSystem!:9 architecture!:10 swap?:11:NodeSwapStatus
NodeSwapStatus = capacity?:1:i64
ContainerImage = names:1:[s] sizeBytes:2:i64
AttachedVolume = name!:1 devicePath!:2
NodeConfigStatus = assigned?:1:NodeConfigSource active?:2:NodeConfigSource lastKnownGood?:3:NodeConfigSource error:4
NodeRuntimeHandler = name:1 features?:2:NodeRuntimeHandlerFeatures
NodeRuntimeHandlerFeatures = recursiveReadOnlyMounts?:1:bool userNamespaces?:2:bool
NodeFeatures = supplementalGroupsPolicy?:1:bool
TopologySelectorLabelRequirement = key!:1 values!:2:[s]
atomic TopologySelectorTerm = matchLabelExpressions:1:[TopologySelectorLabelRequirement]
`;

/** core/v1. */
export const coreTypes: readonly TypeText[] = [
  { prefix: 'io.k8s.api.core.v1', text: coreVolumeTypes },
  { prefix: 'io.k8s.api.core.v1', text: corePodTypes },
  { prefix: 'io.k8s.api.core.v1', text: coreObjects },
];
