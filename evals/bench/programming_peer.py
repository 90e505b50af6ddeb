"""Times mini-swe-agent's loop; run by the Python of an environment of its own, without labcrew.

Standard input: JSON with few and many (steps of a short and a long run), answer (what each command
prints). Standard output: one line of JSON, milliseconds a step.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> None:
    import litellm
    import yaml
    from minisweagent import package_dir
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.environments.local import LocalEnvironment
    from minisweagent.models.litellm_textbased_model import LitellmTextbasedModel

    asked = json.load(sys.stdin)
    config = yaml.safe_load((Path(package_dir) / "config" / "default.yaml").read_text())

    class Model(LitellmTextbasedModel):
        def _query(self, messages: list[dict[str, str]], **more: Any) -> Any:
            said = f"THOUGHT: next.\n\n```mswea_bash_command\ncat part_{len(messages)}.py\n```"
            return litellm.ModelResponse(
                model="instant",
                choices=[
                    {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
                ],
            )

    class Place(LocalEnvironment):
        def execute(self, action: dict[str, Any], cwd: str = "", **more: Any) -> dict[str, Any]:
            return {"output": asked["answer"], "returncode": 0, "exception_info": ""}

    def run(steps: int, kept: Path | None) -> float:
        settings = {**config["model"], "model_name": "instant", "cost_tracking": "ignore_errors"}
        agent = DefaultAgent(
            Model(**settings),
            Place(),
            **{**config["agent"], "step_limit": steps, "cost_limit": 0, "output_path": kept},
        )
        began = time.perf_counter()
        agent.run("The result is wrong.")
        assert agent.n_calls == steps
        return time.perf_counter() - began

    def a_step(kept: Path | None) -> float:
        values = sorted(
            1000 * (run(asked["many"], kept) - run(asked["few"], kept))
            / (asked["many"] - asked["few"])
            for _ in range(3)
        )  # fmt: skip
        return values[1]

    with tempfile.TemporaryDirectory() as folder:
        run(2, None)
        print(json.dumps({"in_memory": a_step(None), "kept": a_step(Path(folder) / "run.json")}))


if __name__ == "__main__":
    main()
