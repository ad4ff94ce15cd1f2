import type { TypeText } from './type-language.ts';

/** apps/v1, batch/v1, autoscaling/v1 and v2, policy/v1. */
export const workloadTypes: readonly TypeText[] = [
  {
    prefix: 'io.k8s.api.apps.v1',
    text: `
kind Deployment = metadata:1:ObjectMeta spec:2:DeploymentSpec status:3:DeploymentStatus
DeploymentSpec = replicas?:1:i32 selector?!:2:LabelSelector template!:3:PodTemplateSpec strategy:4:DeploymentStrategy% minReadySeconds:5:i32 revisionHistoryLimit?:6:i32 paused:7:bool progressDeadlineSeconds?:9:i32
DeploymentStrategy = type:1 rollingUpdate?:2:RollingUpdateDeployment
RollingUpdateDeployment = maxUnavailable?:1:ios maxSurge?:2:ios
DeploymentStatus = observedGeneration:1:i64 replicas:2:i32 updatedReplicas:3:i32 availableReplicas:4:i32 unavailableReplicas:5:i32 conditions:6:[DeploymentCondition]~type readyReplicas:7:i32 collisionCount?:8:i32 terminatingReplicas?:9:i32
DeploymentCondition = type!:1 status!:2 reason:4 message:5 lastUpdateTime:6:time lastTransitionTime:7:time
kind ReplicaSet = metadata:1:ObjectMeta spec:2:ReplicaSetSpec status:3:ReplicaSetStatus
ReplicaSetSpec = replicas?:1:i32 selector?!:2:LabelSelector template:3:PodTemplateSpec minReadySeconds:4:i32
ReplicaSetStatus = replicas!:1:i32 fullyLabeledReplicas:2:i32 observedGeneration:3:i64 readyReplicas:4:i32 availableReplicas:5:i32 conditions:6:[ReplicaSetCondition]~type terminatingReplicas?:7:i32
ReplicaSetCondition = type!:1 status!:2 lastTransitionTime:3:time reason:4 message:5
kind StatefulSet = metadata:1:ObjectMeta spec:2:StatefulSetSpec status:3:StatefulSetStatus
StatefulSetSpec = replicas?:1:i32 selector?!:2:LabelSelector template!:3:PodTemplateSpec volumeClaimTemplates:4:[PersistentVolumeClaim] serviceName:5 podManagementPolicy:6 updateStrategy:7:StatefulSetUpdateStrategy revisionHistoryLimit?:8:i32 minReadySeconds:9:i32 persistentVolumeClaimRetentionPolicy?:10:StatefulSetPersistentVolumeClaimRetentionPolicy ordinals?:11:StatefulSetOrdinals
StatefulSetUpdateStrategy = type:1 rollingUpdate?:2:RollingUpdateStatefulSetStrategy
RollingUpdateStatefulSetStrategy = partition?:1:i32 maxUnavailable?:2:ios
StatefulSetPersistentVolumeClaimRetentionPolicy = whenDeleted:1 whenScaled:2
StatefulSetOrdinals = start:1:i32
StatefulSetStatus = observedGeneration:1:i64 replicas!:2:i32 readyReplicas:3:i32 currentReplicas:4:i32 updatedReplicas:5:i32 currentRevision:6 updateRevision:7 collisionCount?:9:i32 conditions:10:[StatefulSetCondition]~type availableReplicas:11:i32
StatefulSetCondition = type!:1 status!:2 lastTransitionTime:3:time reason:4 message:5
kind DaemonSet = metadata:1:ObjectMeta spec:2:DaemonSetSpec status:3:DaemonSetStatus
DaemonSetSpec = selector?!:1:LabelSelector template!:2:PodTemplateSpec updateStrategy:3:DaemonSetUpdateStrategy minReadySeconds:4:i32 revisionHistoryLimit?:6:i32
DaemonSetUpdateStrategy = type:1 rollingUpdate?:2:RollingUpdateDaemonSet
RollingUpdateDaemonSet = maxUnavailable?:1:ios maxSurge?:2:ios
DaemonSetStatus = currentNumberScheduled!:1:i32 numberMisscheduled!:2:i32 desiredNumberScheduled!:3:i32 numberReady!:4:i32 observedGeneration:5:i64 updatedNumberScheduled:6:i32 numberAvailable:7:i32 numberUnavailable:8:i32 collisionCount?:9:i32 conditions:10:[DaemonSetCondition]~type
DaemonSetCondition = type!:1 status!:2 lastTransitionTime:3:time reason:4 message:5
kind ControllerRevision = metadata:1:ObjectMeta data:2:raw revision!:3:i64
`,
  },
  {
    prefix: 'io.k8s.api.batch.v1',
    text: `
kind Job = metadata:1:ObjectMeta spec:2:JobSpec status:3:JobStatus
JobSpec = parallelism?:1:i32 completions?:2:i32 activeDeadlineSeconds?:3:i64 selector?:4:LabelSelector manualSelector?:5:bool template!:6:PodTemplateSpec backoffLimit?:7:i32 ttlSecondsAfterFinished?:8:i32 completionMode?:9 suspend?:10:bool podFailurePolicy?:11:PodFailurePolicy backoffLimitPerIndex?:12:i32 maxFailedIndexes?:13:i32 podReplacementPolicy?:14 managedBy?:15 successPolicy?:16:SuccessPolicy scheduling?:17:JobScheduling
PodFailurePolicy = rules!:1:[PodFailurePolicyRule]
PodFailurePolicyRule = action!:1 onExitCodes?:2:PodFailurePolicyOnExitCodesRequirement onPodConditions:3:[PodFailurePolicyOnPodConditionsPattern]
PodFailurePolicyOnExitCodesRequirement = containerName?:1 operator!:2 values:3:[i32]&
PodFailurePolicyOnPodConditionsPattern = type!:1 status:2
SuccessPolicy = rules!:1:[SuccessPolicyRule]
SuccessPolicyRule = succeededIndexes?:1 succeededCount?:2:i32
JobScheduling = schedulingPolicy?:1:JobSchedulingPolicy schedulingConstraints?:2:JobSchedulingConstraints disruptionMode?:3:JobDisruptionMode resourceClaims:4:[JobResourceClaim]@name
JobSchedulingPolicy = basic?:1:JobBasicScheduling gang?:2:JobGangScheduling
JobBasicScheduling =
JobGangScheduling = minCount?:1:i32
JobSchedulingConstraints = topology:1:[JobTopologyConstraint]
JobTopologyConstraint = key:1
JobDisruptionMode = single?:1:JobBasicScheduling all?:2:JobBasicScheduling
JobResourceClaim = name!:1 resourceClaimName?:2 resourceClaimTemplateName?:3
JobStatus = conditions:1:[JobCondition]~type@ startTime?:2:time completionTime?:3:time active:4:i32 succeeded:5:i32 failed:6:i32 completedIndexes:7 uncountedTerminatedPods?:8:UncountedTerminatedPods ready?:9:i32 failedIndexes?:10 terminating?:11:i32
JobCondition = type!:1 status!:2 lastProbeTime:3:time lastTransitionTime:4:time reason:5 message:6
UncountedTerminatedPods = succeeded:1:[s]& failed:2:[s]&
kind CronJob = metadata:1:ObjectMeta spec:2:CronJobSpec status:3:CronJobStatus
CronJobSpec = schedule!:1 startingDeadlineSeconds?:2:i64 concurrencyPolicy:3 suspend?:4:bool jobTemplate!:5:JobTemplateSpec successfulJobsHistoryLimit?:6:i32 failedJobsHistoryLimit?:7:i32 timeZone?:8
JobTemplateSpec = metadata:1:ObjectMeta spec:2:JobSpec
CronJobStatus = active:1:[ObjectReference] lastScheduleTime?:4:time lastSuccessfulTime?:5:time
`,
  },
  {
    prefix: 'io.k8s.api.autoscaling.v1',
    text: `
kind Scale = metadata:1:ObjectMeta spec:2:ScaleSpec status:3:ScaleStatus
ScaleSpec = replicas:1:i32
ScaleStatus = replicas!:1:i32 selector:2
kind HorizontalPodAutoscaler = metadata:1:ObjectMeta spec:2:HorizontalPodAutoscalerSpec status:3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec = scaleTargetRef!:1:CrossVersionObjectReference minReplicas?:2:i32 maxReplicas!:3:i32 targetCPUUtilizationPercentage?:4:i32
atomic CrossVersionObjectReference = kind!:1 name!:2 apiVersion:3
HorizontalPodAutoscalerStatus = observedGeneration?:1:i64 lastScaleTime?:2:time currentReplicas!:3:i32 desiredReplicas!:4:i32 currentCPUUtilizationPercentage?:5:i32
`,
  },
  {
    prefix: 'io.k8s.api.autoscaling.v2',
    text: `
kind HorizontalPodAutoscaler = metadata:1:ObjectMeta spec:2:HorizontalPodAutoscalerSpec status:3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec = scaleTargetRef!:1:CrossVersionObjectReference minReplicas?:2:i32 maxReplicas!:3:i32 metrics:4:[MetricSpec] behavior?:5:HorizontalPodAutoscalerBehavior
CrossVersionObjectReference = kind!:1 name!:2 apiVersion:3
MetricSpec = type!:1 object?:2:ObjectMetricSource pods?:3:PodsMetricSource resource?:4:ResourceMetricSource external?:5:ExternalMetricSource containerResource?:7:ContainerResourceMetricSource
ObjectMetricSource = describedObject!:1:CrossVersionObjectReference target!:2:MetricTarget metric!:3:MetricIdentifier
PodsMetricSource = metric!:1:MetricIdentifier target!:2:MetricTarget
ResourceMetricSource = name!:1 target!:2:MetricTarget
ContainerResourceMetricSource = name!:1 target!:2:MetricTarget container!:3
ExternalMetricSource = metric!:1:MetricIdentifier target!:2:MetricTarget
MetricIdentifier = name!:1 selector?:2:LabelSelector
MetricTarget = type!:1 value?:2:q averageValue?:3:q averageUtilization?:4:i32
HorizontalPodAutoscalerBehavior = scaleUp?:1:HPAScalingRules scaleDown?:2:HPAScalingRules
HPAScalingRules = selectPolicy?:1 policies:2:[HPAScalingPolicy] stabilizationWindowSeconds?:3:i32 tolerance?:4:q
HPAScalingPolicy = type!:1 value!:2:i32 periodSeconds!:3:i32
HorizontalPodAutoscalerStatus = observedGeneration?:1:i64 lastScaleTime?:2:time currentReplicas:3:i32 desiredReplicas!:4:i32 currentMetrics:5:[MetricStatus] conditions:6:[HorizontalPodAutoscalerCondition]~type
MetricStatus = type!:1 object?:2:ObjectMetricStatus pods?:3:PodsMetricStatus resource?:4:ResourceMetricStatus external?:5:ExternalMetricStatus containerResource?:7:ContainerResourceMetricStatus
ObjectMetricStatus = metric!:1:MetricIdentifier current!:2:MetricValueStatus describedObject!:3:CrossVersionObjectReference
PodsMetricStatus = metric!:1:MetricIdentifier current!:2:MetricValueStatus
ResourceMetricStatus = name!:1 current!:2:MetricValueStatus
ContainerResourceMetricStatus = name!:1 current!:2:MetricValueStatus container!:3
ExternalMetricStatus = metric!:1:MetricIdentifier current!:2:MetricValueStatus
MetricValueStatus = value?:1:q averageValue?:2:q averageUtilization?:3:i32
HorizontalPodAutoscalerCondition = type!:1 status!:2 lastTransitionTime:3:time reason:4 message:5
`,
  },
  {
    prefix: 'io.k8s.api.policy.v1',
    text: `
kind PodDisruptionBudget = metadata:1:ObjectMeta spec:2:PodDisruptionBudgetSpec status:3:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec = minAvailable?:1:ios selector?:2:LabelSelector maxUnavailable?:3:ios unhealthyPodEvictionPolicy?:4
PodDisruptionBudgetStatus = observedGeneration:1:i64 disruptedPods:2:{time} disruptionsAllowed!:3:i32 currentHealthy!:4:i32 desiredHealthy!:5:i32 expectedPods!:6:i32 conditions:7:[Condition]~type
kind Eviction = metadata:1:ObjectMeta deleteOptions?:2:DeleteOptions
`,
  },
];
