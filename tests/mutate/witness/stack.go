package main

const location = "westeurope"

// stackText has one of each: every kind of invoker, input and cluster, containers that some may read and others may not.
const stackText = `config:
  azure-native:location: westeurope
  azure-native:subscriptionId: 11111111-1111-4111-8111-111111111111
  batchaccess:workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring/providers/Microsoft.MachineLearningServices/workspaces/scoring
  batchaccess:location: westeurope
  batchaccess:role: { additions: [pollJobs] }
  batchaccess:invokers:
    analysts: { kind: group, objectId: 22222222-2222-4222-8222-222222222222 }
    manager: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
    pipeline:
      kind: servicePrincipal
      federatedCredentials:
        main: { github: { repository: Contoso/Scoring, branch: main } }
        production: { github: { repository: Contoso/Scoring, ownerId: 1001, repositoryId: 2002, environment: Production } }
        release: { github: { repository: Contoso/Scoring, tag: v1 } }
        check: { github: { repository: Contoso/Scoring, pullRequest: true } }
    partner: { kind: servicePrincipal, clientSecrets: { one: { startDate: "{start}", endDate: "{end}" } } }
    scheduler: { kind: managedIdentity }
    factory: { kind: managedIdentity, principalId: 44444444-4444-4444-8444-444444444444 }
    scorers: { kind: group, members: [pipeline, partner] }
  batchaccess:clusters:
    cpu: { vmSize: Standard_E4s_v5 }
    gpu: { computeName: gpu-scoring, identity: userAssigned, vmSize: Standard_NC4as_T4_v3 }
  batchaccess:storageAccounts:
    lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/contosolake
    shared: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/contososhared
  batchaccess:dataInputs:
    patients: { kind: adlsGen2, storageAccount: lake, container: patients, path: heart }
    notes: { kind: adlsGen2, storageAccount: lake, container: notes, path: all, grantedBy: acl }
    images: { kind: blob, storageAccount: shared, container: images }
    labels: { kind: dataStore, dataStore: labels, path: now, credentialInStore: false, storageAccount: shared, container: labels }
    baseline: { kind: dataAsset, dataAsset: baseline, version: "3", dataStore: base, credentialInStore: false, storageAccount: shared, container: base }
    archive: { kind: dataStore, dataStore: archive, path: old, credentialInStore: true }
  batchaccess:dataOutputs:
    scores: { dataStore: scores, path: heart, credentialInStore: false, storageAccount: shared, container: scores }
  batchaccess:endpoints:
    heart: { cluster: cpu, inputs: [patients, notes, baseline, archive], outputs: [scores], invokers: [analysts, scorers, factory] }
    tagger: { cluster: gpu, inputs: [images, labels], invokers: [manager, scheduler] }
`
