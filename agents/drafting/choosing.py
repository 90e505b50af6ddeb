"""The one typed question of a draft: which of these is right? A rule ranks, a model may judge."""

import math

from labcrew.domain.draft import Chosen, Options
from labcrew.domain.research import AgentName, UntrustedText
from labcrew.judgement import Judgement


def by_score(options: Options) -> Chosen:
    """The best by score; its confidence is its share of all scores' exponentials.

    Scores are log-odds: one that is higher by 2 is about seven times as likely.
    """
    scores = [option.score for option in options.options]
    best = max(range(len(scores)), key=lambda index: (scores[index], -index))
    # One more answer always stands beside them: none of these.
    weights = [math.exp(min(score - scores[best], 0.0)) for score in scores]
    none = math.exp(min(-scores[best], 50.0))
    confidence = 1 / (sum(weights) + none)
    return Chosen(
        index=best, confidence=round(confidence, 3), because=options.options[best].because
    )


def question(agent: AgentName, name: str, prompt: str) -> Judgement[Options, Chosen]:
    """A question of a draft; the options' texts come from the repository, so they taint."""

    def check(options: Options, chosen: Chosen) -> str | None:
        known = len(options.options)
        return None if chosen.index < known else f"index {chosen.index} of {known} options"

    def reads(_options: Options) -> tuple[UntrustedText, ...]:
        return ("repository",)

    return Judgement(
        name=f"{agent}.draft_{name}",
        agent=agent,
        answer=Chosen,
        rule=by_score,
        prompt=prompt,
        check=check,
        reads=reads,
    )


COMMAND = question(
    "experiment_launcher",
    "command",
    "A person wants what `sentence` says. Choose the command whose runs produce the number that"
    " they mean. Answer with the option's index, the chance that it is right, and one sentence.",
)
METRIC = question(
    "log_monitor",
    "metric",
    "Choose the number that says whether a run came closer to what the person wants. Prefer"
    " validation numbers to test numbers, and those to training numbers.",
)
DIRECTION = question(
    "log_monitor",
    "direction",
    "Is a higher or a lower value of this number better?",
)
SPLIT = question(
    "data_pipeline",
    "split",
    "On which data is this number computed: training, validation or test data?",
)
EVALUATOR = question(
    "data_pipeline",
    "evaluator",
    "Choose how the score should be made, so that it can't be flattered by the run itself.",
)
