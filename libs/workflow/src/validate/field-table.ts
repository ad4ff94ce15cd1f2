/**
 * The fields of Argo Workflows 4.1, one type a line. `name` holds anything, `name:Type` that type, `name[]:Type` a list
 * of it, `name{}:Type` a map to it, `name[][]:Type` a list of lists. A list where `withItems` and the like hold
 * anything is not looked into. Types of Kubernetes that are passed through are not listed.
 */
const source = `
Workflow apiVersion kind metadata spec:WorkflowSpec status
WorkflowTemplate apiVersion kind metadata spec:WorkflowSpec
ClusterWorkflowTemplate apiVersion kind metadata spec:WorkflowSpec
CronWorkflow apiVersion kind metadata spec:CronSpec status
CronSpec concurrencyPolicy failedJobsHistoryLimit schedule schedules startingDeadlineSeconds stopStrategy:StopStrategy successfulJobsHistoryLimit suspend timezone when workflowMetadata workflowSpec:WorkflowSpec
StopStrategy condition expression
WorkflowSpec activeDeadlineSeconds affinity archiveLogs arguments:Arguments artifactGC:WorkflowArtifactGC artifactRepositoryRef:RepositoryRef automountServiceAccountToken dnsConfig dnsPolicy entrypoint executor:Executor executorPlugins[]:ExecutorPlugin hooks{}:Hook hostAliases hostNetwork imagePullSecrets metrics:Metrics nodeSelector onExit parallelism podDisruptionBudget podGC:PodGC podMetadata:Metadata podPriority podPriorityClassName podResources podSpecPatch priority resourceClaims retryStrategy:RetryStrategy schedulerName securityContext serviceAccountName shutdown suspend synchronization:Synchronization templateDefaults:Template templates[]:Template tolerations ttlSecondsAfterFinished ttlStrategy:TtlStrategy volumeClaimGC:VolumeClaimGC volumeClaimTemplates volumes workflowMetadata:WorkflowMetadata workflowTemplateRef:WorkflowTemplateRef
WorkflowTemplateRef name clusterScope
WorkflowMetadata labels annotations labelsFrom{}:LabelValueFrom
LabelValueFrom expression
RepositoryRef configMap key
Executor serviceAccountName
ExecutorPlugin apiVersion kind metadata spec
PodGC strategy labelSelector deleteDelayDuration
TtlStrategy secondsAfterCompletion secondsAfterSuccess secondsAfterFailure
VolumeClaimGC strategy
Metadata labels annotations
WorkflowArtifactGC strategy podMetadata:Metadata serviceAccountName forceFinalizerRemoval podSpecPatch
ArtifactGC strategy podMetadata:Metadata serviceAccountName
Metrics prometheus[]:Metric
Metric name help labels[]:MetricLabel when gauge:Gauge counter:Counter histogram:Histogram
MetricLabel key value
Gauge value realtime operation
Counter value
Histogram value buckets
Synchronization mutex:Mutex mutexes[]:Mutex semaphore:Semaphore semaphores[]:Semaphore
Mutex name namespace database
Semaphore configMapKeyRef:KeyRef namespace database:SyncDatabase
SyncDatabase key
KeyRef name key optional
Arguments parameters[]:Parameter artifacts[]:Artifact
Outputs parameters[]:Parameter artifacts[]:Artifact result exitCode
Parameter name value default enum description globalName valueFrom:ValueFrom
ValueFrom configMapKeyRef:KeyRef default event expression jqFilter jsonPath parameter path supplied
Artifact name path mode from fromExpression optional globalName subPath recurseMode archive:Archive archiveLogs artifactGC:ArtifactGC deleted artifactory azure gcs git:Git hdfs http:HttpArtifact oss raw:Raw s3 plugin
Archive none tar:Tar zip
Tar compressionLevel
Raw data
Git repo revision depth fetch usernameSecret:KeyRef passwordSecret:KeyRef sshPrivateKeySecret:KeyRef insecureIgnoreHostKey disableSubmodules singleBranch branch insecureSkipTLS
HttpArtifact url headers[]:NameValue auth
NameValue name value
Hook template templateRef:TemplateRef arguments:Arguments expression
TemplateRef name template clusterScope
Template name inputs:Arguments outputs:Outputs container:Container script:Script containerSet:ContainerSet resource:Resource data:Data suspend:Suspend http:Http plugin steps[][]:Step dag:Dag activeDeadlineSeconds affinity annotations archiveLocation automountServiceAccountToken daemon executor:Executor failFast hostAliases hostNetwork initContainers[]:UserContainer memoize:Memoize metadata:Metadata metrics:Metrics nodeSelector parallelism pendingTimeout podResources podSpecPatch priority priorityClassName resourceClaims retryStrategy:RetryStrategy schedulerName securityContext serviceAccountName sidecars[]:UserContainer synchronization:Synchronization timeout tolerations volumes
Step name template templateRef:TemplateRef inline:Template arguments:Arguments when withItems withParam withSequence:Sequence continueOn:ContinueOn onExit hooks{}:Hook
Task name template templateRef:TemplateRef inline:Template arguments:Arguments when withItems withParam withSequence:Sequence continueOn:ContinueOn onExit hooks{}:Hook depends dependencies
Dag target tasks[]:Task failFast
Sequence count start end format
ContinueOn error failed
RetryStrategy limit retryPolicy backoff:Backoff affinity:RetryAffinity expression
Backoff duration factor maxDuration cap
RetryAffinity nodeAntiAffinity
Memoize key cache:Cache maxAge
Cache configMap:KeyRef
Suspend duration
Resource action manifest manifestFrom:ManifestFrom mergeStrategy setOwnerReference successCondition failureCondition flags
ManifestFrom artifact:Artifact
Data source:DataSource transformation[]:Transformation
DataSource artifactPaths:ArtifactPaths
ArtifactPaths name path mode from fromExpression optional globalName subPath recurseMode archive:Archive archiveLogs artifactGC:ArtifactGC deleted artifactory azure gcs git:Git hdfs http:HttpArtifact oss raw:Raw s3 plugin
Transformation expression
Http url method headers[]:HttpHeader body bodyFrom timeoutSeconds successCondition insecureSkipVerify
HttpHeader name value valueFrom
ContainerSet containers[]:ContainerNode retryStrategy:SetRetry volumeMounts
SetRetry duration retries
Container name image command args env envFrom ports resources resizePolicy restartPolicy restartPolicyRules volumeMounts volumeDevices workingDir imagePullPolicy lifecycle livenessProbe readinessProbe startupProbe securityContext stdin stdinOnce tty terminationMessagePath terminationMessagePolicy
ContainerNode +Container dependencies
UserContainer +Container mirrorVolumeMounts
Script +Container source
`;

/** How a field holds what it holds. */
export type FieldShape = { readonly type?: string; readonly holds: 'one' | 'list' | 'lists' | 'map' };

const shapes = { '': 'one', '[]': 'list', '[][]': 'lists', '{}': 'map' } as const;

/** The fields of every type, by its name. */
export const fieldTable: ReadonlyMap<string, ReadonlyMap<string, FieldShape>> = buildTable(source);

function buildTable(text: string): ReadonlyMap<string, ReadonlyMap<string, FieldShape>> {
  const table = new Map<string, ReadonlyMap<string, FieldShape>>();
  for (const line of text.trim().split('\n')) {
    const [name = '', ...words] = line.split(' ');
    const fields = new Map<string, FieldShape>();
    for (const word of words) {
      if (word.startsWith('+')) for (const [field, shape] of table.get(word.slice(1)) ?? []) fields.set(field, shape);
      else addField(fields, word);
    }
    table.set(name, fields);
  }
  return table;
}

function addField(fields: Map<string, FieldShape>, word: string): void {
  const [, field = '', shape = '', type] = /^(\w+)((?:\[\]|\{\})*)(?::(\w+))?$/.exec(word) ?? [];
  const holds = shape === '[]' || shape === '[][]' || shape === '{}' ? shapes[shape] : 'one';
  fields.set(field, { ...(type === undefined ? {} : { type }), holds });
}
