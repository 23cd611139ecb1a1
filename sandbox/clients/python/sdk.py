"""Makes the calls of the Azure Machine Learning SDK that are asked for, and prints what comes of each as a line of JSON.

Arguments: where the cloud's authority is, tenant, subscription, resource group, workspace. Standard input: one call a
line, as JSON: its name and its arguments. The first is to sign in.
"""

import json
import sys

from azure.ai.ml import Input, MLClient
from azure.core.exceptions import AzureError
from azure.identity import ClientSecretCredential

authority, tenant, subscription, group, workspace = sys.argv[1:]


def sign_in(client, secret):
    global ml
    credential = ClientSecretCredential(tenant, client, secret, authority=authority, disable_instance_discovery=True)
    ml = MLClient(credential, subscription, group, workspace, enable_telemetry=False)


calls = {
    "sign in": sign_in,
    "workspace": lambda: ml.workspaces.get(workspace).location,
    "stores": lambda: sorted(store.name for store in ml.datastores.list()),
    "store": lambda name: ml.datastores.get(name).container_name,
    "default store": lambda: ml.datastores.get_default().name,
    "clusters": lambda: sorted(cluster.name for cluster in ml.compute.list()),
    "cluster": lambda name: ml.compute.get(name).identity.principal_id,
    "data": lambda name, version: ml.data.get(name, version=version).path,
    "newest data": lambda name: ml.data.get(name, label="latest").version,
    "endpoints": lambda: sorted(endpoint.name for endpoint in ml.batch_endpoints.list()),
    "scoring": lambda name: ml.batch_endpoints.get(name).scoring_uri,
    "deployment": lambda name, endpoint: ml.batch_deployments.get(name, endpoint).compute,
    "invoke": lambda endpoint, deployment, path: ml.batch_endpoints.invoke(
        endpoint_name=endpoint, deployment_name=deployment, inputs={"data": Input(path=path, type="uri_folder")}
    ).name,
    "job": lambda name: ml.jobs.get(name).status.value,
    "run": lambda endpoint, path: calls["job"](calls["invoke"](endpoint, None, path)),
}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        answer = {"answer": calls[name](*arguments)}
    except AzureError as e:
        answer = {"error": str(e)}
    except Exception as e:  # the SDK has errors of its own, without a common base
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), flush=True)
