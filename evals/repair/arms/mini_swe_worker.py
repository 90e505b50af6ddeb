"""Runs mini-swe-agent on one task; run by the Python of an environment of its own, without labcrew.

Standard input: JSON with task, base_url, model, image, container arguments, files (path → text),
steps, completion_tokens, temperature, seed. Standard output: one line of JSON with the files as
they stand in the container at the end, steps, tokens and how it ended.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar


def main() -> None:
    import yaml
    from minisweagent import package_dir
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.environments.docker import DockerEnvironment
    from minisweagent.exceptions import LimitsExceeded
    from minisweagent.models.litellm_textbased_model import LitellmTextbasedModel

    asked = json.load(sys.stdin)
    config = yaml.safe_load((Path(package_dir) / "config" / "default.yaml").read_text())
    used = {"prompt": 0, "completion": 0}

    class Model(LitellmTextbasedModel):
        """Its own, with what is used counted and bounded; the bound is no error to try again."""

        abort_exceptions: ClassVar = [*LitellmTextbasedModel.abort_exceptions, LimitsExceeded]

        def _query(self, messages: list[dict[str, str]], **more: Any) -> Any:
            left = asked["completion_tokens"] - used["completion"]
            if left <= 0:
                raise LimitsExceeded(
                    {
                        "role": "exit",
                        "content": "LimitsExceeded",
                        "extra": {"exit_status": "completion tokens used up", "submission": ""},
                    }
                )
            answer = super()._query(messages, **{**more, "max_tokens": left})
            used["prompt"] += answer.usage.prompt_tokens
            used["completion"] += answer.usage.completion_tokens
            return answer

    model = Model(
        **{
            **config["model"],
            "model_name": f"openai/{asked['model']}",
            "model_kwargs": {
                "api_base": asked["base_url"],
                "api_key": "none",
                "temperature": asked["temperature"],
                "seed": asked["seed"],
                "timeout": 600,
            },
            "cost_tracking": "ignore_errors",
        }
    )
    place = DockerEnvironment(
        image=asked["image"],
        cwd="/workspace",
        env=config["environment"]["env"],
        run_args=asked["run_args"],
        interpreter=["/bin/sh", "-c"],
        timeout=60,
    )
    try:
        put(place, asked["files"])
        agent = DefaultAgent(
            model, place, **{**config["agent"], "step_limit": asked["steps"], "cost_limit": 0}
        )
        try:
            ended = str(agent.run(asked["task"]).get("exit_status", ""))
        except Exception as error:  # the model's context is full, say
            ended = f"{type(error).__name__}: {str(error)[:300]}"
        files = taken(place, list(asked["files"]))
        print(json.dumps({"files": files, "steps": agent.n_calls, "used": used, "ended": ended}))
    finally:
        place.cleanup()


def put(place: Any, files: dict[str, str]) -> None:
    """Copies files into the container, owned by whoever works there."""
    for path, text in files.items():
        command = 'mkdir -p "$(dirname "$0")" && cat > "$0"'
        subprocess.run(
            ["docker", "exec", "-i", "-w", "/workspace", place.container_id,
             "/bin/sh", "-c", command, path],
            input=text.encode(), check=True,
        )  # fmt: skip


def taken(place: Any, paths: list[str]) -> dict[str, str]:
    """The files as they stand now; one that is gone is left out."""
    found = {}
    for path in paths:
        done = subprocess.run(
            ["docker", "exec", "-w", "/workspace", place.container_id, "head", "-c", "400000",
             "--", path],
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            found[path] = done.stdout.decode("utf-8", "replace")
    return found


if __name__ == "__main__":
    main()
