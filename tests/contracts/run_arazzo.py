"""Executes every workflow of an Arazzo description with a public runner, and prints how each of its
steps ended. In a process of its own, as the runner sets up logging where it is imported."""

import json
import logging
import sys

from arazzo_runner import ArazzoRunner  # type: ignore[import-untyped]


def main(file: str, inputs: str) -> None:
    logging.disable(logging.CRITICAL)
    runner = ArazzoRunner.from_arazzo_path(file)
    found = {}
    for workflow in runner.arazzo_doc["workflows"]:
        id = workflow["workflowId"]
        runner.execute_workflow(id, json.loads(inputs))
        state = next(s for s in runner.execution_states.values() if s.workflow_id == id)
        ended = {step: status.value for step, status in state.status.items()}
        found[id] = [ended.get(step["stepId"], "not run") for step in workflow["steps"]]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
