"""Runs a Pulumi program as the language host for Python does, which the Go module proxy does not carry.

Takes the program from the command line, and all else from the environment, where the language host for Go says it.
"""

import asyncio
import logging
import os
import runpy
import sys
import traceback

import pulumi
from pulumi import runtime


def main() -> int:
    def told(name: str) -> str:
        return os.environ["PULUMI_" + name]

    runtime.set_all_config(runtime.get_config_env(), runtime.get_config_secret_keys_env())
    runtime.configure(
        runtime.Settings(
            project=told("PROJECT"),
            stack=told("STACK"),
            monitor=told("MONITOR"),
            engine=told("ENGINE"),
            parallel=int(told("PARALLEL")),
            dry_run=told("DRY_RUN") == "true",
            organization=told("ORGANIZATION"),
            root_directory=told("ROOT_DIRECTORY"),
        )
    )
    # A resource that fails leaves others that wait for it: the engine says what failed, asyncio need not.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        asyncio.new_event_loop().run_until_complete(
            runtime.run_in_stack(lambda: runpy.run_path(sys.argv[1], run_name="__main__") and None)
        )
    except pulumi.RunError as e:
        pulumi.log.error(str(e))
        return 1
    except Exception:
        pulumi.log.error(traceback.format_exc())
        return 1
    return 0


sys.exit(main())
