import type { TypeText } from './type-language.ts';

/** Types that all groups share. */
export const metaTypes: readonly TypeText[] = [
  {
    prefix: 'io.k8s.apimachinery.pkg.apis.meta.v1',
    text: `
ObjectMeta = name:1 generateName:2 namespace:3 selfLink:4 uid:5 resourceVersion:6 generation:7:i64 creationTimestamp:8:time deletionTimestamp?:9:time deletionGracePeriodSeconds?:10:i64 labels:11:{s} annotations:12:{s} ownerReferences:13:[OwnerReference]~uid finalizers:14:[s]^ managedFields:17:[ManagedFieldsEntry]
atomic OwnerReference = kind!:1 name!:3 uid!:4 apiVersion!:5 controller?:6:bool blockOwnerDeletion?:7:bool
ManagedFieldsEntry = manager:1 operation:2 apiVersion:3 time?:4:time fieldsType:6 fieldsV1?:7:fieldsV1 subresource:8
ListMeta = selfLink:1 resourceVersion:2 continue:3 remainingItemCount?:4:i64 shardInfo?:5:ShardInfo
ShardInfo = selector:1
atomic LabelSelector = matchLabels:1:{s} matchExpressions:2:[LabelSelectorRequirement]
LabelSelectorRequirement = key!:1 operator!:2 values:3:[s]
FieldSelectorRequirement = key!:1 operator!:2 values:3:[s]
Condition = type!:1 status!:2 observedGeneration:3:i64 lastTransitionTime!:4:time reason!:5 message!:6
kind Status = metadata:1:ListMeta status:2 message:3 reason:4 details?:5:StatusDetails code:6:i32
StatusDetails = name:1 group:2 kind:3 causes:4:[StatusCause] retryAfterSeconds:5:i32 uid:6
StatusCause = reason:1 message:2 field:3
kind DeleteOptions = gracePeriodSeconds?:1:i64 preconditions?:2:Preconditions orphanDependents?:3:bool propagationPolicy?:4 dryRun:5:[s] ignoreStoreReadErrorWithClusterBreakingPotential?:6:bool
Preconditions = uid?:1 resourceVersion?:2
kind GetOptions = resourceVersion:1
kind ListOptions = labelSelector:1 fieldSelector:2 watch:3:bool resourceVersion:4 timeoutSeconds?:5:i64 limit:7:i64 continue:8 allowWatchBookmarks:9:bool resourceVersionMatch:10 sendInitialEvents?:11:bool shardSelector:15
kind CreateOptions = dryRun:1:[s] fieldManager:3 fieldValidation:4
kind UpdateOptions = dryRun:1:[s] fieldManager:2 fieldValidation:3
kind PatchOptions = dryRun:1:[s] force?:2:bool fieldManager:3 fieldValidation:4
kind APIVersions = versions:1:[s] serverAddressByClientCIDRs:2:[ServerAddressByClientCIDR]
ServerAddressByClientCIDR = clientCIDR!:1 serverAddress!:2
kind APIGroup = name!:1 versions:2:[GroupVersionForDiscovery] preferredVersion:3:GroupVersionForDiscovery serverAddressByClientCIDRs:4:[ServerAddressByClientCIDR]
GroupVersionForDiscovery = groupVersion!:1 version!:2
kind APIGroupList = groups:1:[APIGroup]
kind APIResourceList = groupVersion!:1 resources:2:[APIResource]
APIResource = name!:1 namespaced:2:bool kind!:3 verbs:4:<s> shortNames:5:[s] singularName:6 categories:7:[s] group:8 version:9 storageVersionHash:10
WatchEvent = type!:1 object:2:raw
kind PartialObjectMetadata = metadata:1:ObjectMeta
kind PartialObjectMetadataList = metadata:1:ListMeta items:2:[PartialObjectMetadata]
`,
  },
];
