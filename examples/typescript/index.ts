// A stack that uses the components from TypeScript: the same resources as those in ../go and ../yaml.
import * as batchaccess from "@batchaccess/batchaccess";
import * as pulumi from "@pulumi/pulumi";

const settings = new pulumi.Config();

// An identity of the stack's own, that a function app would run as.
const scheduler = new batchaccess.ManagedIdentity("scheduler", {
    resourceGroupName: "scoring-dev",
    resourceName: "scoring-scheduler",
    location: "westeurope",
});

const scoring = new batchaccess.BatchEndpointAccess("scoring", {
    workspaceId: settings.require("workspaceId"),
    location: "westeurope",
    role: { additions: ["pollJobs"] },
    invokers: {
        analysts: { kind: "group", objectId: "22222222-2222-4222-8222-222222222222" },
        pipeline: {
            kind: "servicePrincipal",
            federatedCredentials: {
                main: { github: { repository: "contoso/scoring", branch: "main" } },
            },
        },
        scheduler: { kind: "managedIdentity", principalId: scheduler.principalId, clientId: scheduler.clientId },
    },
    clusters: {
        cpu: { vmSize: "Standard_DS3_v2", maxNodeCount: 4 },
    },
    storageAccounts: {
        lake: settings.require("storageAccountId"),
    },
    dataInputs: {
        patients: { kind: "adlsGen2", storageAccount: "lake", container: "patients" },
        images: { kind: "blob", storageAccount: "lake", container: "images" },
    },
    endpoints: {
        "heart-classifier": { cluster: "cpu", inputs: ["patients"], invokers: ["analysts", "pipeline"] },
        "image-tagger": { cluster: "cpu", inputs: ["images"] },
    },
    assertions: {
        "patients-private": { cannot: ["scheduler"], read: "patients" },
    },
    tags: { team: "scoring" },
});

export const principalIds = scoring.principalIds;
export const clientIds = scoring.clientIds;
export const clientSecrets = scoring.clientSecrets;
export const clusterPrincipalIds = scoring.clusterPrincipalIds;
export const howToInvoke = scoring.howToInvoke;
