"""Cases for a draft's questions; their options are made by the code that makes them for drafts."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.drafting.better import direction_options
from agents.drafting.choosing import COMMAND, DIRECTION, EVALUATOR, METRIC, SPLIT
from agents.drafting.commands import candidates
from agents.drafting.evaluators import evaluator_options
from agents.drafting.metrics import metric_options, pattern_of, split_options
from evals.judgements.case import Case, choice
from graphs.drafting.nodes import command_options
from labcrew.domain.draft import Candidate, Chosen, FirstRun, Options, Series
from labcrew.domain.running import Run, Settings
from labcrew.domain.sandbox import OutputFile
from labcrew.domain.survey import DataFile, EntryPoint, Place, Setting, Survey, Trait
from labcrew.judgement import Judgement

_ENTRY = EntryPoint(path="train.py", kind="script", command="python train.py")
_SURVEY = Survey(files=6, entries=(_ENTRY,))


def _chosen(
    name: str,
    judgement: Judgement[Options, Chosen],
    options: Options,
    best: Sequence[Any],
    fair: Sequence[Any] = (),
    *,
    key: str = "",
) -> Case:
    """`best` and `fair` are values of options, or of one key of such a value."""

    def at(wanted: Any) -> list[int]:
        found = []
        for index, option in enumerate(options.options):
            value = option.value
            if (value[key] if key and isinstance(value, dict) else value) == wanted:
                found.append(index)
        return found

    right = [index for wanted in best for index in at(wanted)]
    passable = [index for wanted in fair for index in at(wanted)]
    answer = Chosen(index=right[0], confidence=0.9, because="as a careful person would")
    return Case(name, judgement, options, choice("index", right, passable), answer)


def _run(*series: Series, files: Sequence[str] = ()) -> FirstRun:
    left = tuple(OutputFile(path=p, size_bytes=900, sha256="0" * 64) for p in files)
    return FirstRun(
        id="r1", command="python train.py", image="i", exit_code=0, series=series, files=left
    )


def _series(name: str, *values: float, line: str = "") -> Series:
    shown = line or f"{name}: {values[-1]:g}"
    return Series(
        name=name, values=values, count=len(values), evidence=(Place(path="", text=shown),)
    )


def directions() -> tuple[Case, ...]:
    """Usual names, turned signs, names that nobody knows, and sentences that say it."""

    def case(name: str, sentence: str, number: str, best: str, *values: float) -> Case:
        runs = [_run(_series(number, *values))] if values else []
        return _chosen(name, DIRECTION, direction_options(sentence, number, runs), [best])

    low, high = "minimize", "maximize"
    return (
        case("accuracy", "Make the classifier better.", "val_acc", high, 0.5, 0.7, 0.8),
        case("loss", "Improve the model.", "val_loss", low, 2.1, 1.4, 1.1),
        case("turned sign", "Improve the forecast.", "neg_rmse", high, -4.0, -3.2, -2.9),
        case("a sign turned in secret", "Better forecasts, please.", "rmse", high, -4.0, -3.1),
        case("minus one", "Improve the ranking.", "1-ndcg", low, 0.5, 0.4),
        case("unknown, falls", "Improve the vocoder.", "pit", low, 9, 8, 7, 6, 5, 4, 3, 2, 1.5),
        case("unknown, the sentence says", "Raise the tidy index.", "tidy", high, 3.0, 3.1),
        case("an error of a lab's own", "Fewer wrong notes in transcriptions.", "wrong_notes", low,
             41, 37),
        case("perplexity", "Improve the language model.", "ppl", low, 90, 60, 44),
        case("likelihood", "Fit the density better.", "loglik", high, -900, -700, -650),
        case("seconds", "Make it faster.", "epoch_seconds", low, 12.0, 11.8),
        case("missed alarms", "Catch more of the faulty parts.", "missed_parts", low, 12, 9),
        case("parts caught", "Catch more of the faulty parts.", "caught", high, 88, 91),
        case("a reward", "Let the walker walk farther.", "ep_len", high, 60, 90, 140),
    )  # fmt: skip


def metrics() -> tuple[Case, ...]:
    """Validation before test before training; what is meant before what is merely printed."""

    def case(name: str, sentence: str, numbers: Mapping[str, Sequence[float]], *best: str) -> Case:
        run = _run(*(_series(number, *values) for number, values in numbers.items()))
        options = metric_options(sentence, _SURVEY, _ENTRY, [run])
        return _chosen(name, METRIC, options, best, key="name")

    train_val = {"train_loss": (2.0, 0.4), "val_loss": (2.1, 0.9)}
    return (
        case("validation before training", "Lower the loss.", train_val, "val_loss"),
        case("accuracy among losses", "Raise the accuracy.",
             {**train_val, "train_acc": (0.5, 0.9), "val_acc": (0.5, 0.8)}, "val_acc"),
        case("validation before test", "Raise the accuracy.",
             {"val_acc": (0.5, 0.8), "test_acc": (0.79,), "epoch": (1, 2)}, "val_acc"),
        case("not the bookkeeping", "Make the tagger better.",
             {"epoch": (1, 2, 3), "lr": (0.1, 0.05), "dev_f1": (0.6, 0.7)}, "dev_f1"),
        case("speed is asked for", "Make training faster.",
             {"val_acc": (0.5, 0.8), "seconds_per_epoch": (12.0, 11.0)}, "seconds_per_epoch"),
        case("a word of the trade", "Fewer words recognised wrongly.",
             {"val_loss": (2.0, 1.1), "val_wer": (0.4, 0.3)}, "val_wer"),
        case("the rare class counts", "Find more of the tumours.",
             {"val_acc": (0.97, 0.98), "val_recall": (0.4, 0.6), "val_precision": (0.9, 0.8)},
             "val_recall"),
        case("no false alarms", "Fewer healthy people sent to hospital for nothing.",
             {"val_acc": (0.97, 0.98), "val_recall": (0.4, 0.6), "val_precision": (0.9, 0.8)},
             "val_precision"),
        case("only a test number", "Raise the accuracy.",
             {"test_acc": (0.79,), "train_acc": (0.5, 0.99)}, "test_acc"),
        case("mean before one fold", "Improve the score.",
             {"fold 3 auc": (0.81,), "mean val auc": (0.8,), "std auc": (0.01,)}, "mean val auc"),
        case("an index of the lab's own", "Raise the tidy index on validation data.",
             {"val_tidy_index": (3.0, 3.4), "val_loss": (1.0, 0.7)}, "val_tidy_index"),
        case("how sure it is", "Its probabilities should mean what they say.",
             {"val_acc": (0.7, 0.8), "val_ece": (0.2, 0.1)}, "val_ece"),
        case("how far it walks", "Let the walker get farther before it falls.",
             {"policy_loss": (0.3, 0.1), "ep_distance": (2.0, 7.5), "kl": (0.1, 0.1)},
             "ep_distance"),
    )  # fmt: skip


def splits() -> tuple[Case, ...]:
    """By a number's name, its line of output, the line of code, and how the program works."""

    def case(
        name: str,
        number: str,
        best: str,
        line: str = "",
        code: Sequence[tuple[str, str]] = (),
        reads: Sequence[str] = (),
    ) -> Case:
        traits = [
            Trait(kind="prints", what=what, place=Place(path="train.py", line=30, text=text))
            for what, text in code
        ] + [
            Trait(kind="reads", what=what, place=Place(path="train.py", line=8, text=what))
            for what in reads
        ]
        entry = _ENTRY.model_copy(update={"traits": tuple(traits)})
        survey = _SURVEY.model_copy(update={"entries": (entry,)})
        series = _series(number, 0.7, 0.8, line=line)
        chosen: dict[str, object] = {"name": number, "split": "unknown", "file": None}
        chosen["pattern"] = pattern_of(series)
        options = split_options("Make it better.", survey, entry, [_run(series)], chosen)
        return _chosen(name, SPLIT, options, [best])

    return (
        case("by its name", "val_acc", "validation"),
        case("test by its name", "test_acc", "test"),
        case("training by its name", "train_loss", "train"),
        case("dev is validation", "dev_f1", "validation"),
        case("held out", "held_out_accuracy", "test"),
        case("by its line", "accuracy", "validation", "validation: accuracy 0.80"),
        case("by its line, test", "accuracy", "test", "On the test set: accuracy 0.80"),
        case("by its code", "score", "test", code=[("score", "print('score', m.score(X_test))")]),
        case("by its code, validation", "score", "validation",
             code=[("score", "print('score', m.score(x_val, y_val))")]),
        case("by its code, training", "rmse", "train",
             code=[("rmse", "print('rmse', rmse(y_train, fit))")]),
        case("by folds", "mean score", "validation", "mean score 0.80 +/- 0.02",
             reads=["cross_val_score(model, X, y, cv=5)"]),
        case("nothing tells", "tidy index", "unknown"),
        case("a nickname for new data", "acc", "test",
             "never seen before (final exam): acc 0.80"),
        case("what it was fitted on", "acc", "train",
             "on the very samples it was fitted to: acc 0.80"),
    )  # fmt: skip


def commands() -> tuple[Case, ...]:
    """The program that makes the number, among those that prepare, plot, serve or test."""

    def entry(path: str, says: str = "", prints: str = "", *settings: str) -> EntryPoint:
        place = Place(path=path, line=20, text=f"print('{prints}', {prints})")
        traits = (Trait(kind="prints", what=prints, place=place),) if prints else ()
        options = tuple(
            Setting(
                name=name, mechanism="argparse", type="float", default=0.1,
                spelling=f"--{name}", place=Place(path=path, line=5),
            )
            for name in settings
        )  # fmt: skip
        return EntryPoint(
            path=path, kind="script", command=f"python {path}", traits=traits,
            settings=options, summary=says,
        )  # fmt: skip

    train = entry("train.py", "Trains the classifier.", "val_acc", "lr", "epochs")
    plot = entry("plot_results.py", "Draws the figures of the paper.")
    prepare = entry("prepare_data.py", "Downloads and cuts the images.", "", "size")
    serve = entry("serve.py", "Answers requests with a trained model.")
    evaluate = entry("evaluate.py", "Scores a trained model.", "test_acc", "model")
    detector = entry("train_detector.py", "Trains the face detector.", "val_map", "lr")
    tagger = entry("train_tagger.py", "Trains the part-of-speech tagger.", "dev_f1", "lr")
    night = entry("nightshift.py", "Fits the model of bird calls; owls and nightjars.", "dev_f1",
                  "lr", "layers")  # fmt: skip
    day = entry("train.py", "Fits the model of songs by day.", "dev_f1", "lr")
    baseline = entry("baselines/train_svm.py", "A support vector machine.", "val_acc", "c")
    network = entry("train_net.py", "The neural network of the paper.", "val_acc", "lr", "dropout")
    tune = entry("scripts/tune.py", "Runs train.py many times.", "best_val_acc", "budget")

    def case(name: str, sentence: str, entries: Sequence[EntryPoint], best: EntryPoint) -> Case:
        survey = Survey(files=20, entries=tuple(entries))
        options = command_options(candidates(survey, sentence, {}), sentence)
        value = next(
            option.value for option in options.options if best.path in str(option.value).split()
        )
        return _chosen(name, COMMAND, options, [value])

    return (
        case("training among others", "Raise the accuracy.", [plot, prepare, train, serve], train),
        case("not the scorer", "Raise the accuracy.", [evaluate, train], train),
        case("the detector", "Find more faces.", [detector, tagger], detector),
        case("the tagger", "Tag words better.", [detector, tagger], tagger),
        case("parts of speech", "Fewer wrong parts of speech.", [detector, tagger], tagger),
        case("by its name", "Run train_tagger.py with better settings.", [tagger, detector, train],
             tagger),
        case("owls", "Hear owls better.", [day, night], night),
        case("songs by day", "Recognise songs by day better.", [night, day], day),
        case("the network", "Improve the neural network.", [baseline, network], network),
        case("the support vectors", "Improve the support vector machine.", [baseline, network],
             baseline),
        case("not the tuner", "Raise the accuracy.", [tune, train], train),
        case("animals of the night", "Recognise animals that are awake at night.", [day, night],
             night),
        case("only one", "Improve it.", [train], train),
    )  # fmt: skip


def evaluators() -> tuple[Case, ...]:
    """Right answers that a run can't touch are best; where there are none, its own report."""

    def case(
        name: str,
        metric: str,
        best: str,
        *fair: str,
        files: Sequence[str] = (),
        columns: Sequence[str] = (),
        data: Mapping[str, Sequence[str]] | None = None,
        scripts: Sequence[str] = (),
    ) -> Case:
        candidate = Candidate(
            entry="train.py", run=Run(command="python train.py"), settings=Settings(),
            outputs="outputs", because="",
        )  # fmt: skip
        taking = tuple(
            EntryPoint(
                path=path, kind="script", command=f"python {path}",
                settings=(Setting(name="predictions", mechanism="argparse", type="text",
                                  spelling="--predictions", place=Place(path=path, line=4)),),
            )
            for path in scripts
        )  # fmt: skip
        survey = Survey(
            files=9, entries=(_ENTRY, *taking),
            data=tuple(DataFile(path=path, size_bytes=9000, columns=tuple(names))
                       for path, names in (data or {}).items()),
        )  # fmt: skip
        shown = {"name": metric, "split": "validation", "file": None, "pattern": f"{metric} (.*)"}
        options = evaluator_options(
            survey, candidate, [_run(files=files)], shown, dict.fromkeys(files, tuple(columns))
        )

        def labelled(part: str) -> list[Any]:
            return [option.value for option in options.options if part in option.label]

        return _chosen(name, EVALUATOR, options, labelled(best),
                       [value for part in fair for value in labelled(part)])  # fmt: skip

    own, against, computed, script = "own report", "against", "computed from", "own score"
    preds, both, ids = ["outputs/predictions.csv"], ("prediction", "label"), ("id", "prediction")
    labels = {"data/validation.csv": ("id", "text", "label")}
    return (
        case("nothing is left", "val_acc", own),
        case("no predictions", "val_loss", own, files=["outputs/model.bin"]),
        case("labels are there", "accuracy", against, own, files=preds, columns=ids, data=labels),
        case("labels for an f1", "f1", against, own, files=preds, columns=ids, data=labels),
        case("labels for an error", "rmse", against, own, files=preds, columns=ids,
             data={"data/dev.csv": ("id", "size", "target")}),
        case("the run writes its own answers", "accuracy", own, computed, files=preds,
             columns=both),
        case("the same for a regression", "rmse", own, computed, files=preds, columns=both),
        case("labels and own answers", "accuracy", against, own, files=preds,
             columns=("id", *both), data=labels),
        case("a script of unknown ways", "tidy_index", own, script, files=preds,
             scripts=["score.py"]),
        case("a script beside labels", "accuracy", against, own, files=preds, columns=ids,
             data=labels, scripts=["score.py"]),
        case("labels without ids", "precision", own, computed, files=preds, columns=both,
             data={"data/validation.csv": ("text", "label")}),
        case("a number that nobody knows", "tidy_index", own, files=preds, columns=both),
        case("labels of the test part as well", "auc", "against data/validation", own,
             files=preds, columns=ids, data={**labels, "data/test.csv": ("id", "text", "label")}),
    )  # fmt: skip
