"""How papers call the parameters of a search space."""

import re
from dataclasses import dataclass

from labcrew.domain.search_space import ChoiceParameter, Parameter


@dataclass(frozen=True)
class Family:
    """A kind of parameter with names of its own.

    Args:
        names: how programs call it, lower case, words joined by "_", with spaces between.
        before: patterns after which its value stands ("learning rate of 0.1").
        after: patterns before which its value stands ("128 hidden units").
    """

    names: str
    before: tuple[str, ...]
    after: tuple[str, ...] = ()


_BATCH = r"(?:mini[- ]?)?batch"
FAMILIES: dict[str, Family] = {
    "learning_rate": Family(
        "learning_rate lr step_size stepsize eta base_lr initial_lr init_lr",
        (r"learning[- ]rates?", r"step[- ]?sizes?", r"lr"),
    ),
    "batch_size": Family(
        "batch_size bs batch minibatch_size mini_batch_size batchsize",
        (rf"{_BATCH}[- ]?sizes?", rf"{_BATCH}es", rf"{_BATCH}(?=\s+of\b)"),
        (
            rf"(?:examples|samples|images|sequences|sentences) (?:per|in (?:a|each)) {_BATCH}",
            rf"(?:example|sample|image) {_BATCH}es",
        ),
    ),
    "momentum": Family("momentum mu", (r"momentum",)),
    "regularisation": Family(
        "weight_decay wd l2 decay l2_penalty l2_reg l2_regularization",
        (
            r"weight[- ]decay",
            r"(?:l2|\u21132|L_2)[- ](?:penalty|weight|regulari[sz]ation)",
            r"regulari[sz]ation (?:strength|coefficient|constant|parameter)",
        ),
    ),
    "gradient_clip": Family(
        "gradient_clip grad_clip clip clip_norm max_grad_norm gradient_clipping",
        (
            r"gradient(?:[- ]norm)?[- ]clipping(?: threshold| norm)?",
            r"(?:gradients?|gradient norms?)(?: (?:is|are|was|were))? clipped",
            r"clipp?(?:ed|ing)? (?:the )?(?:global )?(?:gradient )?(?:norms?|gradients?)",
            r"clipping (?:threshold|norm)",
        ),
    ),
    "epochs": Family(
        "epochs n_epochs num_epochs max_epochs",
        (r"number of (?:training )?epochs",),
        (r"(?:full |training )?epochs", r"passes over"),
    ),
    "hidden": Family(
        "hidden hidden_units hidden_size n_hidden num_hidden hidden_dim hidden_nodes width units"
        " neurons hidden_layer_size",
        (r"hidden (?:units|neurons|nodes)", r"hidden(?:[- ]layer)?[- ]sizes?", r"hidden layer"),
        (r"(?:hidden )?(?:units|neurons|nodes)", r"unit (?:hidden )?layers?"),
    ),
    "layers": Family(
        "layers n_layers num_layers depth",
        (r"number of (?:hidden )?layers", r"depth"),
        (r"(?:hidden )?layers",),
    ),
    "dropout": Family(
        "dropout dropout_rate drop_rate p_drop",
        (r"dropout(?:[- ](?:rates?|probability))?",),
        (r"dropout(?: rate)?",),
    ),
}
# What a number in front of it counts, whether or not the search space has it.
COUNTED = re.compile(
    "|".join(wording for family in FAMILIES.values() for wording in family.after), re.IGNORECASE
)
# Names that mean something else too often to be looked for as plain words.
_VAGUE = (
    "decay alpha beta batch bs clip penalty size rate units width depth eta mu l2 wd hidden layers"
)


@dataclass(frozen=True)
class Mention:
    """A parameter's name in a text.

    Args:
        name: the parameter.
        start, end: characters of the text it takes.
        before, after: whether the value may stand after, or before, this wording.
    """

    name: str
    start: int
    end: int
    before: bool
    after: bool


class Wording:
    """Finds the parameters of one search space in texts."""

    def __init__(self, space: dict[str, Parameter]) -> None:
        families = {name: family_of(name, parameter) for name, parameter in space.items()}
        self._patterns: list[tuple[str, re.Pattern[str], bool, bool]] = []
        for name, parameter in space.items():
            family = families[name]
            # Two learning rates in one space: the plain words could mean either.
            alone = family is not None and list(families.values()).count(family) == 1
            own = {name, name.rsplit(".", 1)[-1]}
            if family is not None:
                vague = {word for word in own if word.lower() in _VAGUE.split()}
                own -= vague
                for wording in sorted({_as_pattern(word) for word in vague} - {""}):
                    self._add(name, rf"{wording}(?=\s*[=:])", True, False)
            for wording in sorted({_as_pattern(word) for word in own | set(parameter.aliases)}):
                self._add(name, wording, True, True)
            if family is not None and alone:
                for word in FAMILIES[family].names.split():
                    self._add(name, rf"{_as_pattern(word)}(?=\s*[=:])", True, False)
                for wording in FAMILIES[family].before:
                    self._add(name, wording, True, family == "momentum")
                for wording in FAMILIES[family].after:
                    self._add(name, wording, False, True)

    def _add(self, name: str, wording: str, before: bool, after: bool) -> None:
        if wording:
            pattern = re.compile(rf"(?<![\w]){wording}(?![\w])", re.IGNORECASE)
            self._patterns.append((name, pattern, before, after))

    def mentions(self, text: str) -> list[Mention]:
        """Where the parameters are named, in order; a longer wording hides those inside it."""
        found: dict[tuple[str, int, int], Mention] = {}
        for name, pattern, before, after in self._patterns:
            for match in pattern.finditer(text):
                at = (name, match.start(), match.end())
                old = found.get(at)
                found[at] = Mention(
                    *at,
                    before=before or bool(old and old.before),
                    after=after or bool(old and old.after),
                )
        every = sorted(found.values(), key=lambda m: (m.start, m.start - m.end, m.name))
        return [
            m
            for m in every
            if not any(
                o.start <= m.start
                and m.end <= o.end
                and o.end - o.start > m.end - m.start
                and (o.name != m.name or o.before >= m.before)
                for o in every
            )
        ]


def family_of(name: str, parameter: Parameter) -> str | None:
    """The family that a parameter's name, an alias or else its role says it belongs to."""
    if isinstance(parameter, ChoiceParameter) and all(
        isinstance(c, str) for c in parameter.choices
    ):
        return None
    for wording in (name.rsplit(".", 1)[-1], *parameter.aliases):
        words = "_".join(_words(wording))
        for family, known in FAMILIES.items():
            if words in known.names.split():
                return family
    return parameter.role if parameter.role in FAMILIES else None


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[\s_.-]+", spaced) if word]


def _as_pattern(name: str) -> str:
    words = _words(name)
    if not words or len("".join(words)) < 2:
        return ""  # a single letter is a variable in every formula
    return r"[\s_-]?".join(re.escape(word) for word in words) + r"s?"
