"""A stack that uses the components from Python: the same resources as those in ../go and ../yaml."""

import batchaccess_batchaccess as batchaccess
import pulumi

settings = pulumi.Config()

# An identity of the stack's own, that a function app would run as.
scheduler = batchaccess.ManagedIdentity(
    "scheduler",
    resource_group_name="scoring-dev",
    resource_name_="scoring-scheduler",
    location="westeurope",
)

scoring = batchaccess.BatchEndpointAccess(
    "scoring",
    workspace_id=settings.require("workspaceId"),
    location="westeurope",
    role={"additions": ["pollJobs"]},
    invokers={
        "analysts": {"kind": "group", "object_id": "22222222-2222-4222-8222-222222222222"},
        "pipeline": {
            "kind": "servicePrincipal",
            "federated_credentials": {
                "main": {"github": {"repository": "contoso/scoring", "branch": "main"}},
            },
        },
        "scheduler": {
            "kind": "managedIdentity",
            "principal_id": scheduler.principal_id,
            "client_id": scheduler.client_id,
        },
    },
    clusters={
        "cpu": {"vm_size": "Standard_DS3_v2", "max_node_count": 4},
    },
    storage_accounts={
        "lake": settings.require("storageAccountId"),
    },
    data_inputs={
        "patients": {"kind": "adlsGen2", "storage_account": "lake", "container": "patients"},
        "images": {"kind": "blob", "storage_account": "lake", "container": "images"},
    },
    endpoints={
        "heart-classifier": {"cluster": "cpu", "inputs": ["patients"], "invokers": ["analysts", "pipeline"]},
        "image-tagger": {"cluster": "cpu", "inputs": ["images"]},
    },
    assertions={
        "patients-private": {"cannot": ["scheduler"], "read": "patients"},
    },
    tags={"team": "scoring"},
)

pulumi.export("principalIds", scoring.principal_ids)
pulumi.export("clientIds", scoring.client_ids)
pulumi.export("clientSecrets", scoring.client_secrets)
pulumi.export("clusterPrincipalIds", scoring.cluster_principal_ids)
pulumi.export("howToInvoke", scoring.how_to_invoke)
