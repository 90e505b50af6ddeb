"""The table of rule and model, a line a question, and which of them settings should choose."""

import json
import statistics
from collections.abc import Sequence

from pydantic import Field

from evals.judgements.all_cases import by_question
from evals.judgements.case import Case
from evals.judgements.measuring import Answered, rule_score
from labcrew.domain.base import Model
from labcrew.intervals import Interval, mean_interval


class Figures(Model):
    """One question: the rule, and beside it the model with the rule behind it."""

    question: str
    cases: int
    rule: float = Field(description="mean score of the rule's answers, from 0 to 1")
    model: float | None = Field(default=None, description="the same with the model asked first")
    gain: Interval | None = Field(default=None, description="model less rule, case by case")
    invalid: float | None = Field(default=None, description="share of cases left to the rule")
    seconds: float | None = Field(default=None, description="median of a case, all tries")
    tokens: float | None = Field(default=None, description="mean of a case, all tries")

    @property
    def use_model(self) -> bool:
        """Whether the model is better beyond chance; a rule costs nothing, so a tie is its."""
        return self.gain is not None and self.gain.low > 0


def figures(cases: Sequence[Case], answered: Sequence[Answered] = ()) -> tuple[Figures, ...]:
    """Figures of every question of some cases.

    Args:
        answered: of a model, for each case; none: the rule alone.
    """
    given = {(one.question, one.case): one for one in answered}
    found = []
    for question, own in by_question(cases).items():
        rules = [rule_score(case) for case in own]
        mean = statistics.fmean(rules)
        plain = Figures(question=question, cases=len(own), rule=mean)
        ours = [given[question, case.name] for case in own if (question, case.name) in given]
        if len(ours) == len(own):
            gains = [one.score - rule for one, rule in zip(ours, rules, strict=True)]
            plain = plain.model_copy(
                update={
                    "model": statistics.fmean(one.score for one in ours),
                    "gain": mean_interval(gains),
                    "invalid": statistics.fmean(not one.valid for one in ours),
                    "seconds": statistics.median(one.seconds for one in ours),
                    "tokens": statistics.fmean(one.tokens.total for one in ours),
                }
            )
        found.append(plain)
    return tuple(found)


def document(found: Sequence[Figures], name: str = "") -> str:
    """The table in Markdown and, for a model, the settings it speaks for.

    Args:
        name: the model's, as settings have it; empty: the rule alone.
    """
    if not name:
        rows = [[f"`{f.question}`", str(f.cases), f"{f.rule:.2f}"] for f in found]
        return _table(["question", "cases", "rule"], rows)
    head = ["question", "cases", "rule", "model", "gain (95%)", "invalid", "s", "tokens", "use"]
    return _table(head, [_row(one) for one in found]) + "\n" + _settings(found, name)


def _row(one: Figures) -> list[str]:
    begins = [f"`{one.question}`", str(one.cases), f"{one.rule:.2f}"]
    if one.model is None:
        return [*begins, *["-"] * 6]
    gain = "-"
    if one.gain is not None:
        gain = f"{one.gain.estimate:+.2f} [{one.gain.low:+.2f}, {one.gain.high:+.2f}]"
    return [
        *begins,
        f"{one.model:.2f}",
        gain,
        f"{one.invalid or 0:.0%}",
        f"{one.seconds or 0:.1f}",
        f"{one.tokens or 0:.0f}",
        "model" if one.use_model else "rule",
    ]


def _settings(found: Sequence[Figures], name: str) -> str:
    lines = [
        "Scores go from 0 to 1; the model's column has the rule behind it, as on a ticket. The"
        " model is to be used where the interval of its gain lies above 0; a rule is free and"
        " repeatable, so it has every tie.",
        "",
        "```toml",
        "[answering]",
    ]
    for one in found:
        chosen = [name, "rule"] if one.use_model else ["rule"]
        lines.append(f'"{one.question}" = {json.dumps(chosen)}')
    return "\n".join([*lines, "```", ""])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
