# Prints what the output howToInvoke, on standard input, says for the invoker that is named, for the sandbox. Of a pipeline it
# is what its steps run, after the sign-in that a step or a service connection makes.
import json, os, re, sys, yaml

text = json.load(sys.stdin)[sys.argv[1]]
jobs = os.environ["AZURE_AUTHORITY_HOST"] + r"/inference/\2/\1/jobs"
text = re.sub(r"https://([a-z-]+)\.([a-z]+)\.inference\.ml\.azure\.com/jobs", jobs, text)
login = ("az login --service-principal --username {} --tenant {} --federated-token \"$(cat \"$ASSERTION\")\" "
         "--allow-no-subscriptions\n")
if sys.argv[1] == "person":
    text = text.replace("az login", "az login --username person", 1)
elif text.startswith("# GitHub Actions: "):
    (job,) = yaml.safe_load(text)["jobs"].values()
    given, run = (job["steps"][0]["with"], job["steps"][1]["run"])
    assert given["allow-no-subscriptions"] is True
    text = login.format(given["client-id"], given["tenant-id"]) + run
elif text.startswith("# Azure Pipelines: "):
    (step,) = yaml.safe_load(text)["steps"]
    text = login.format("$CLIENT_ID", "$ARM_TENANT_ID") + step["inputs"]["inlineScript"]
elif text.startswith("# GitLab: "):
    (job,) = yaml.safe_load(text).values()
    (token,) = job["id_tokens"]
    text = token + "=$(cat \"$ASSERTION\")\n" + "\n".join(job["script"])
elif text.startswith("# For "):
    text = "python3 - <<'END'\n" + text + "\nEND"
print(text)
