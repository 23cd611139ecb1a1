# Prints what the output howToInvoke, on standard input, says for the invoker that is named, for the sandbox.
import json, os, re, sys

text = json.load(sys.stdin)[sys.argv[1]]
jobs = os.environ["AZURE_AUTHORITY_HOST"] + r"/inference/\2/\1/jobs"
text = re.sub(r"https://([a-z-]+)\.([a-z]+)\.inference\.ml\.azure\.com/jobs", jobs, text)
if sys.argv[1] == "person":
    text = text.replace("az login", "az login --username person", 1)
print(text)
