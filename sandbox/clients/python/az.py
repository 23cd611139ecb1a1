"""Runs the Azure CLI once for each line of standard input, in a process of its own, and prints each one's exit code.

A line is JSON: the arguments, the environment, the folder, and the files for what is printed. Most of what a
start of the CLI costs is to import packages that are not its own. These processes start with them. Of the CLI itself
they start with nothing: some of it reads the environment when it is imported.
"""

import gc
import importlib
import json
import os
import runpy
import sys

for package in ("argcomplete", "azure.mgmt.authorization", "dateutil.parser", "dateutil.relativedelta", "jmespath",
                "knack.cli", "msal_extensions", "msrest", "requests", "unittest.mock", "yaml"):
    importlib.import_module(package)
gc.freeze()  # otherwise each process looks through all of it for garbage

for line in sys.stdin:
    command = json.loads(line)
    process = os.fork()
    if process == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
else:
    sys.exit()

os.environ.clear()
os.environ.update(command["environment"])
os.chdir(command["folder"])
for descriptor, file in enumerate((os.devnull, command["stdout"], command["stderr"])):
    os.dup2(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), descriptor)
sys.argv = ["az", *command["arguments"]]
runpy.run_module("azure.cli", run_name="__main__", alter_sys=True)
