/** Volumes of core/v1. */
export const coreVolumeTypes = `
atomic LocalObjectReference = name:1
atomic SecretReference = name:1 namespace:2
atomic TypedLocalObjectReference = apiGroup?:1 kind!:2 name!:3
TypedObjectReference = apiGroup?:1 kind!:2 name!:3 namespace?:4
atomic ObjectReference = kind:1 namespace:2 name:3 uid:4 apiVersion:5 resourceVersion:6 fieldPath:7
Volume = name!:1 *VolumeSource:2
VolumeSource = hostPath?:1:HostPathVolumeSource emptyDir?:2:EmptyDirVolumeSource gcePersistentDisk?:3:GCEPersistentDiskVolumeSource awsElasticBlockStore?:4:AWSElasticBlockStoreVolumeSource gitRepo?:5:GitRepoVolumeSource secret?:6:SecretVolumeSource nfs?:7:NFSVolumeSource iscsi?:8:ISCSIVolumeSource glusterfs?:9:GlusterfsVolumeSource persistentVolumeClaim?:10:PersistentVolumeClaimVolumeSource rbd?:11:RBDVolumeSource flexVolume?:12:FlexVolumeSource cinder?:13:CinderVolumeSource cephfs?:14:CephFSVolumeSource flocker?:15:FlockerVolumeSource downwardAPI?:16:DownwardAPIVolumeSource fc?:17:FCVolumeSource azureFile?:18:AzureFileVolumeSource configMap?:19:ConfigMapVolumeSource vsphereVolume?:20:VsphereVirtualDiskVolumeSource quobyte?:21:QuobyteVolumeSource azureDisk?:22:AzureDiskVolumeSource photonPersistentDisk?:23:PhotonPersistentDiskVolumeSource portworxVolume?:24:PortworxVolumeSource scaleIO?:25:ScaleIOVolumeSource projected?:26:ProjectedVolumeSource storageos?:27:StorageOSVolumeSource csi?:28:CSIVolumeSource ephemeral?:29:EphemeralVolumeSource image?:30:ImageVolumeSource
HostPathVolumeSource = path!:1 type?:2
EmptyDirVolumeSource = medium:1 sizeLimit?:2:q mode?:3:i32
GCEPersistentDiskVolumeSource = pdName!:1 fsType:2 partition:3:i32 readOnly:4:bool
AWSElasticBlockStoreVolumeSource = volumeID!:1 fsType:2 partition:3:i32 readOnly:4:bool
GitRepoVolumeSource = repository!:1 revision:2 directory:3
SecretVolumeSource = secretName:1 items:2:[KeyToPath] defaultMode?:3:i32 optional?:4:bool defaultUser?:5:i64
KeyToPath = key!:1 path!:2 mode?:3:i32 user?:4:i64
NFSVolumeSource = server!:1 path!:2 readOnly:3:bool
ISCSIVolumeSource = targetPortal!:1 iqn!:2 lun!:3:i32 iscsiInterface:4="default" fsType:5 readOnly:6:bool portals:7:[s] chapAuthDiscovery:8:bool secretRef?:10:LocalObjectReference chapAuthSession:11:bool initiatorName?:12
GlusterfsVolumeSource = endpoints!:1 path!:2 readOnly:3:bool
PersistentVolumeClaimVolumeSource = claimName!:1 readOnly:2:bool
RBDVolumeSource = monitors!:1:[s] image!:2 fsType:3 pool:4="rbd" user:5="admin" keyring:6="/etc/ceph/keyring" secretRef?:7:LocalObjectReference readOnly:8:bool
FlexVolumeSource = driver!:1 fsType:2 secretRef?:3:LocalObjectReference readOnly:4:bool options:5:{s}
CinderVolumeSource = volumeID!:1 fsType:2 readOnly:3:bool secretRef?:4:LocalObjectReference
CephFSVolumeSource = monitors!:1:[s] path:2 user:3 secretFile:4 secretRef?:5:LocalObjectReference readOnly:6:bool
FlockerVolumeSource = datasetName:1 datasetUUID:2
DownwardAPIVolumeSource = items:1:[DownwardAPIVolumeFile] defaultMode?:2:i32 defaultUser?:3:i64
DownwardAPIVolumeFile = path!:1 fieldRef?:2:ObjectFieldSelector resourceFieldRef?:3:ResourceFieldSelector mode?:4:i32 user?:5:i64
FCVolumeSource = targetWWNs:1:[s] lun?:2:i32 fsType:3 readOnly:4:bool wwids:5:[s]
AzureFileVolumeSource = secretName!:1 shareName!:2 readOnly:3:bool
ConfigMapVolumeSource = *LocalObjectReference:1 items:2:[KeyToPath] defaultMode?:3:i32 optional?:4:bool defaultUser?:5:i64
VsphereVirtualDiskVolumeSource = volumePath!:1 fsType:2 storagePolicyName:3 storagePolicyID:4
QuobyteVolumeSource = registry!:1 volume!:2 readOnly:3:bool user:4 group:5 tenant:6
AzureDiskVolumeSource = diskName!:1 diskURI!:2 cachingMode?:3="ReadWrite" fsType?:4="ext4" readOnly?:5:bool=false kind?:6="Shared"
PhotonPersistentDiskVolumeSource = pdID!:1 fsType:2
PortworxVolumeSource = volumeID!:1 fsType:2 readOnly:3:bool
ScaleIOVolumeSource = gateway!:1 system!:2 secretRef?!:3:LocalObjectReference sslEnabled:4:bool protectionDomain:5 storagePool:6 storageMode:7="ThinProvisioned" volumeName:8 fsType:9="xfs" readOnly:10:bool
ProjectedVolumeSource = sources:1:[VolumeProjection] defaultMode?:2:i32 defaultUser?:3:i64
VolumeProjection = secret?:1:SecretProjection downwardAPI?:2:DownwardAPIProjection configMap?:3:ConfigMapProjection serviceAccountToken?:4:ServiceAccountTokenProjection clusterTrustBundle?:5:ClusterTrustBundleProjection podCertificate?:6:PodCertificateProjection
SecretProjection = *LocalObjectReference:1 items:2:[KeyToPath] optional?:4:bool
DownwardAPIProjection = items:1:[DownwardAPIVolumeFile]
ConfigMapProjection = *LocalObjectReference:1 items:2:[KeyToPath] optional?:4:bool
ServiceAccountTokenProjection = audience:1 expirationSeconds?:2:i64 path!:3 user?:4:i64
ClusterTrustBundleProjection = name?:1 signerName?:2 labelSelector?:3:LabelSelector path!:4 optional?:5:bool user?:6:i64
PodCertificateProjection = signerName:1 keyType:2 maxExpirationSeconds?:3:i32 credentialBundlePath:4 keyPath:5 certificateChainPath:6 userAnnotations:7:{s} user?:8:i64
StorageOSVolumeSource = volumeName:1 volumeNamespace:2 fsType:3 readOnly:4:bool secretRef?:5:LocalObjectReference
CSIVolumeSource = driver!:1 readOnly?:2:bool fsType?:3 volumeAttributes:4:{s} nodePublishSecretRef?:5:LocalObjectReference
EphemeralVolumeSource = volumeClaimTemplate?:1:PersistentVolumeClaimTemplate
PersistentVolumeClaimTemplate = metadata:1:ObjectMeta spec!:2:PersistentVolumeClaimSpec
ImageVolumeSource = reference:1 pullPolicy:2
PersistentVolumeClaimSpec = accessModes:1:[s] resources:2:VolumeResourceRequirements volumeName:3 selector?:4:LabelSelector storageClassName?:5 volumeMode?:6 dataSource?:7:TypedLocalObjectReference dataSourceRef?:8:TypedObjectReference volumeAttributesClassName?:9
VolumeResourceRequirements = limits:1:{q} requests:2:{q}
PersistentVolumeClaimStatus = phase:1 accessModes:2:[s] capacity:3:{q} conditions:4:[PersistentVolumeClaimCondition]~type allocatedResources:5:{q} allocatedResourceStatuses:7:{s} currentVolumeAttributesClassName?:8 modifyVolumeStatus?:9:ModifyVolumeStatus healthStatus?:10:PersistentVolumeClaimHealthStatus
PersistentVolumeClaimHealthStatus = healthConditions:1:[VolumeHealthCondition] lastTransitionTime?:2:time
VolumeHealthCondition = status:1 reason:2 message:3
PersistentVolumeClaimCondition = type!:1 status!:2 lastProbeTime:3:time lastTransitionTime:4:time reason:5 message:6
ModifyVolumeStatus = targetVolumeAttributesClassName:1 status!:2
kind PersistentVolumeClaim = metadata:1:ObjectMeta spec:2:PersistentVolumeClaimSpec status:3:PersistentVolumeClaimStatus
kind PersistentVolume = metadata:1:ObjectMeta spec:2:PersistentVolumeSpec status:3:PersistentVolumeStatus
PersistentVolumeSpec = capacity:1:{q} *PersistentVolumeSource:2 accessModes:3:[s] claimRef?:4:ObjectReference persistentVolumeReclaimPolicy:5 storageClassName:6 mountOptions:7:[s] volumeMode?:8 nodeAffinity?:9:VolumeNodeAffinity volumeAttributesClassName?:10
PersistentVolumeSource = gcePersistentDisk?:1:GCEPersistentDiskVolumeSource awsElasticBlockStore?:2:AWSElasticBlockStoreVolumeSource hostPath?:3:HostPathVolumeSource glusterfs?:4:GlusterfsPersistentVolumeSource nfs?:5:NFSVolumeSource rbd?:6:RBDPersistentVolumeSource iscsi?:7:ISCSIPersistentVolumeSource cinder?:8:CinderPersistentVolumeSource cephfs?:9:CephFSPersistentVolumeSource fc?:10:FCVolumeSource flocker?:11:FlockerVolumeSource flexVolume?:12:FlexPersistentVolumeSource azureFile?:13:AzureFilePersistentVolumeSource vsphereVolume?:14:VsphereVirtualDiskVolumeSource quobyte?:15:QuobyteVolumeSource azureDisk?:16:AzureDiskVolumeSource photonPersistentDisk?:17:PhotonPersistentDiskVolumeSource portworxVolume?:18:PortworxVolumeSource scaleIO?:19:ScaleIOPersistentVolumeSource local?:20:LocalVolumeSource storageos?:21:StorageOSPersistentVolumeSource csi?:22:CSIPersistentVolumeSource
GlusterfsPersistentVolumeSource = endpoints!:1 path!:2 readOnly:3:bool endpointsNamespace?:4
RBDPersistentVolumeSource = monitors!:1:[s] image!:2 fsType:3 pool:4="rbd" user:5="admin" keyring:6="/etc/ceph/keyring" secretRef?:7:SecretReference readOnly:8:bool
ISCSIPersistentVolumeSource = targetPortal!:1 iqn!:2 lun!:3:i32 iscsiInterface:4="default" fsType:5 readOnly:6:bool portals:7:[s] chapAuthDiscovery:8:bool secretRef?:10:SecretReference chapAuthSession:11:bool initiatorName?:12
CinderPersistentVolumeSource = volumeID!:1 fsType:2 readOnly:3:bool secretRef?:4:SecretReference
CephFSPersistentVolumeSource = monitors!:1:[s] path:2 user:3 secretFile:4 secretRef?:5:SecretReference readOnly:6:bool
FlexPersistentVolumeSource = driver!:1 fsType:2 secretRef?:3:SecretReference readOnly:4:bool options:5:{s}
AzureFilePersistentVolumeSource = secretName!:1 shareName!:2 readOnly:3:bool secretNamespace?:4
ScaleIOPersistentVolumeSource = gateway!:1 system!:2 secretRef?!:3:SecretReference sslEnabled:4:bool protectionDomain:5 storagePool:6 storageMode:7="ThinProvisioned" volumeName:8 fsType:9="xfs" readOnly:10:bool
LocalVolumeSource = path!:1 fsType?:2
StorageOSPersistentVolumeSource = volumeName:1 volumeNamespace:2 fsType:3 readOnly:4:bool secretRef?:5:ObjectReference
CSIPersistentVolumeSource = driver!:1 volumeHandle!:2 readOnly:3:bool fsType:4 volumeAttributes:5:{s} controllerPublishSecretRef?:6:SecretReference nodeStageSecretRef?:7:SecretReference nodePublishSecretRef?:8:SecretReference controllerExpandSecretRef?:9:SecretReference nodeExpandSecretRef?:10:SecretReference
VolumeNodeAffinity = required?:1:NodeSelector
PersistentVolumeStatus = phase:1 message:2 reason:3 lastPhaseTransitionTime?:4:time
`;
