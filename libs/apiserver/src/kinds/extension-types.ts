import type { TypeText } from './type-language.ts';

/** authentication, authorization, metrics, admissionregistration, apiextensions. */
export const extensionTypes: readonly TypeText[] = [
  {
    prefix: 'io.k8s.api.authentication.v1',
    text: `
kind TokenReview = metadata:1:ObjectMeta spec!:2:TokenReviewSpec status:3:TokenReviewStatus
TokenReviewSpec = token:1 audiences:2:[s]
TokenReviewStatus = authenticated:1:bool user:2:UserInfo error:3 audiences:4:[s]
UserInfo = username:1 uid:2 groups:3:[s] extra:4:{<s>}
kind TokenRequest = metadata:1:ObjectMeta spec!:2:TokenRequestSpec status:3:TokenRequestStatus
TokenRequestSpec = audiences:1:[s] boundObjectRef?:3:BoundObjectReference expirationSeconds?:4:i64
BoundObjectReference = kind:1 apiVersion:2 name:3 uid:4
TokenRequestStatus = token!:1 expirationTimestamp!:2:time
kind SelfSubjectReview = metadata:1:ObjectMeta status:2:SelfSubjectReviewStatus
SelfSubjectReviewStatus = userInfo:1:UserInfo
`,
  },
  {
    prefix: 'io.k8s.api.metrics.v1beta1',
    text: `
kind NodeMetrics = metadata:1:ObjectMeta timestamp!:2:time window!:3:dur usage!:4:{q}
kind PodMetrics = metadata:1:ObjectMeta timestamp!:2:time window!:3:dur containers!:4:[ContainerMetrics]
ContainerMetrics = name!:1 usage!:2:{q}
`,
  },
  {
    prefix: 'io.k8s.api.authorization.v1',
    text: `
kind SubjectAccessReview = metadata:1:ObjectMeta spec!:2:SubjectAccessReviewSpec status:3:SubjectAccessReviewStatus
kind LocalSubjectAccessReview = metadata:1:ObjectMeta spec!:2:SubjectAccessReviewSpec status:3:SubjectAccessReviewStatus
kind SelfSubjectAccessReview = metadata:1:ObjectMeta spec!:2:SelfSubjectAccessReviewSpec status:3:SubjectAccessReviewStatus
kind SelfSubjectRulesReview = metadata:1:ObjectMeta spec!:2:SelfSubjectRulesReviewSpec status:3:SubjectRulesReviewStatus
SubjectAccessReviewSpec = resourceAttributes?:1:ResourceAttributes nonResourceAttributes?:2:NonResourceAttributes user:3 groups:4:[s] extra:5:{<s>} uid:6
SelfSubjectAccessReviewSpec = resourceAttributes?:1:ResourceAttributes nonResourceAttributes?:2:NonResourceAttributes
ResourceAttributes = namespace:1 verb:2 group:3 version:4 resource:5 subresource:6 name:7 fieldSelector?:8:FieldSelectorAttributes labelSelector?:9:LabelSelectorAttributes
FieldSelectorAttributes = rawSelector:1 requirements:2:[FieldSelectorRequirement]
LabelSelectorAttributes = rawSelector:1 requirements:2:[LabelSelectorRequirement]
NonResourceAttributes = path:1 verb:2
SubjectAccessReviewStatus = allowed!:1:bool reason:2 evaluationError:3 denied:4:bool
SelfSubjectRulesReviewSpec = namespace:1
SubjectRulesReviewStatus = resourceRules!:1:[ResourceRule] nonResourceRules!:2:[NonResourceRule] incomplete!:3:bool evaluationError:4
ResourceRule = verbs!:1:[s] apiGroups:2:[s] resources:3:[s] resourceNames:4:[s]
NonResourceRule = verbs!:1:[s] nonResourceURLs:2:[s]
`,
  },
  {
    prefix: 'io.k8s.api.admissionregistration.v1',
    text: `
kind ValidatingWebhookConfiguration = metadata:1:ObjectMeta webhooks:2:[ValidatingWebhook]~name
kind MutatingWebhookConfiguration = metadata:1:ObjectMeta webhooks:2:[MutatingWebhook]~name
ValidatingWebhook = name!:1 clientConfig!:2:WebhookClientConfig rules:3:[RuleWithOperations] failurePolicy?:4 namespaceSelector?:5:LabelSelector sideEffects?!:6 timeoutSeconds?:7:i32 admissionReviewVersions!:8:[s] matchPolicy?:9 objectSelector?:10:LabelSelector matchConditions:11:[MatchCondition]~name
MutatingWebhook = name!:1 clientConfig!:2:WebhookClientConfig rules:3:[RuleWithOperations] failurePolicy?:4 namespaceSelector?:5:LabelSelector sideEffects?!:6 timeoutSeconds?:7:i32 admissionReviewVersions!:8:[s] matchPolicy?:9 reinvocationPolicy?:10 objectSelector?:11:LabelSelector matchConditions:12:[MatchCondition]~name
RuleWithOperations = operations:1:[s] *Rule:2
Rule = apiGroups:1:[s] apiVersions:2:[s] resources:3:[s] scope?:4
WebhookClientConfig = service?:1:ServiceReference caBundle:2:bytes url?:3
ServiceReference = namespace!:1 name!:2 path?:3 port?:4:i32
MatchCondition = name!:1 expression!:2
`,
  },
  {
    prefix: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
    text: `
kind CustomResourceDefinition = metadata:1:ObjectMeta spec!:2:CustomResourceDefinitionSpec status:3:CustomResourceDefinitionStatus
CustomResourceDefinitionSpec = group!:1 names!:3:CustomResourceDefinitionNames scope!:4 versions!:7:[CustomResourceDefinitionVersion] conversion?:9:CustomResourceConversion preserveUnknownFields:10:bool
CustomResourceDefinitionNames = plural!:1 singular:2 shortNames:3:[s] kind!:4 listKind:5 categories:6:[s]
CustomResourceDefinitionVersion = name!:1 served!:2:bool storage!:3:bool schema?:4:CustomResourceValidation subresources?:5:CustomResourceSubresources additionalPrinterColumns:6:[CustomResourceColumnDefinition] deprecated:7:bool deprecationWarning?:8 selectableFields:9:[SelectableField]
SelectableField = jsonPath!:1
CustomResourceValidation = openAPIV3Schema?:1:JSONSchemaProps
CustomResourceSubresources = status?:1:CustomResourceSubresourceStatus scale?:2:CustomResourceSubresourceScale
CustomResourceSubresourceStatus =
CustomResourceSubresourceScale = specReplicasPath!:1 statusReplicasPath!:2 labelSelectorPath?:3
CustomResourceColumnDefinition = name!:1 type!:2 format:3 description:4 priority:5:i32 jsonPath!:6
CustomResourceConversion = strategy!:1 webhook?:2:WebhookConversion
WebhookConversion = clientConfig?:2:WebhookClientConfig conversionReviewVersions!:3:[s]
WebhookClientConfig = service?:1:ServiceReference caBundle:2:bytes url?:3
ServiceReference = namespace!:1 name!:2 path?:3 port?:4:i32
CustomResourceDefinitionStatus = conditions:1:[CustomResourceDefinitionCondition]@type acceptedNames:2:CustomResourceDefinitionNames storedVersions:3:[s] observedGeneration:4:i64
CustomResourceDefinitionCondition = type!:1 status!:2 lastTransitionTime:3:time reason:4 message:5 observedGeneration:6:i64
JSONSchemaProps = id:1 $schema:2 $ref?:3 description:4 type:5 format:6 title:7 default?:8:raw maximum?:9:f64 exclusiveMaximum:10:bool minimum?:11:f64 exclusiveMinimum:12:bool maxLength?:13:i64 minLength?:14:i64 pattern:15 maxItems?:16:i64 minItems?:17:i64 uniqueItems:18:bool multipleOf?:19:f64 enum:20:[raw] maxProperties?:21:i64 minProperties?:22:i64 required:23:[s] items:24:any allOf:25:[JSONSchemaProps] oneOf:26:[JSONSchemaProps] anyOf:27:[JSONSchemaProps] not?:28:JSONSchemaProps properties:29:{JSONSchemaProps} additionalProperties:30:any patternProperties:31:{JSONSchemaProps} dependencies:32:any additionalItems:33:any definitions:34:any externalDocs?:35:ExternalDocumentation example?:36:raw nullable:37:bool x-kubernetes-preserve-unknown-fields?:38:bool x-kubernetes-embedded-resource:39:bool x-kubernetes-int-or-string:40:bool x-kubernetes-list-map-keys:41:[s] x-kubernetes-list-type?:42 x-kubernetes-map-type?:43 x-kubernetes-validations:44:[ValidationRule]@rule
ValidationRule = rule!:1 message:2 messageExpression:3 reason?:4 fieldPath:5 optionalOldSelf?:6:bool
ExternalDocumentation = description:1 url:2
`,
  },
];
