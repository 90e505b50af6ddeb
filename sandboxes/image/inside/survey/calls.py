"""Names of calls that read, write, fetch, seed and show, and how a call is spelt."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .words import words

_MOST_TEXT = 240

ASKS = words("input getpass.getpass getpass click.prompt click.confirm typer.prompt typer.confirm")
SEEDS = words("random.seed np.random.seed numpy.random.seed random.Random")
NAMED_LOGS = words("wandb.log run.log self.log")
OPENERS = frozenset({"open", "io.open", "gzip.open", "bz2.open", "lzma.open"})
READS = words(
    "read_csv read_parquet read_json read_excel read_table read_feather read_pickle read_hdf "
    "read_text read_bytes read_ndjson scan_csv scan_parquet loadtxt genfromtxt fromfile "
    "imread ImageFolder load_svmlight_file load_iris load_digits load_wine load_breast_cancer "
    "load_diabetes load_linnerud load_sample_image load_sample_images loadmat load_files "
    "read_sql read_fwf arff_load loadarff"
)
LOADERS = words(
    "np numpy jnp joblib torch pickle json yaml toml tomllib tomli dill cloudpickle orjson "
    "msgpack OmegaConf ujson simplejson"
)
RESUMES = words(
    "load_state_dict load_weights load_model load_checkpoint load_from_checkpoint restore "
    "restore_checkpoint read_checkpoint latest_checkpoint resume_from_checkpoint "
    "get_last_checkpoint"
)
WRITES = words(
    "savez savez_compressed savetxt to_csv to_parquet to_json to_pickle to_excel to_feather "
    "to_hdf to_latex write_text write_bytes write_csv write_parquet write_json savefig "
    "imwrite imsave makedirs mkdir save_image savemat write_image write_html tofile "
    "dump_svmlight_file"
)
SAVERS = words(
    "np numpy jnp joblib torch pickle json yaml toml dill cloudpickle orjson OmegaConf ujson "
    "tomli_w simplejson"
)
CHECKPOINTS = words(
    "save_weights ModelCheckpoint save_checkpoint save_model save_pretrained "
    "CheckpointManager BackupAndRestore save_state"
)
MODEL = re.compile(r"(?i)model|ckpt|checkpoint|weights|\.pth?\b|\.h5\b|\.keras\b|state_dict")
PREDICTED = re.compile(r"(?i)pred|prob(a|s|abilit)|logits|submission|y_hat|yhat")
SEEDING = words(
    "manual_seed manual_seed_all set_seed seed_everything set_random_seed default_rng "
    "RandomState PRNGKey fix_seed seed_all set_global_seed set_seeds"
)
FETCHES = words(
    "urlopen urlretrieve from_pretrained load_dataset hf_hub_download snapshot_download "
    "fetch_openml fetch_20newsgroups download_url download_and_extract_archive "
    "load_state_dict_from_url get_rdataset retrieve_file"
)
FETCHING = words(
    "requests.get requests.post httpx.get httpx.post gdown.download wget.download tfds.load "
    "torch.hub.load hub.load nltk.download spacy.cli.download openml.datasets.get_dataset "
    "api.load yf.download yfinance.download pooch.retrieve tf.keras.utils.get_file "
    "keras.utils.get_file get_file kagglehub.dataset_download kagglehub.model_download "
    "hf_hub.snapshot_download clip.load whisper.load_model"
)
STARTS = words(
    "os.system os.popen subprocess.run subprocess.call subprocess.check_call subprocess.Popen"
    " subprocess.check_output"
)
LOGS = words(
    "SummaryWriter TensorBoardLogger WandbLogger CSVLogger MLFlowLogger CometLogger "
    "NeptuneLogger TensorBoard create_file_writer FileHandler RotatingFileHandler"
)
LOGGING = words(
    "wandb.init wandb.log mlflow.start_run mlflow.log_metric mlflow.log_metrics "
    "mlflow.autolog mlflow.set_tracking_uri logging.basicConfig Task.init "
    "neptune.init_run comet_ml.Experiment aim.Run"
)
NAMED_VALUES = words(
    "add_scalar add_scalars log_metric log_metrics scalar log_dict record_mean logkv"
)
PRINTS = words(
    "print pprint rprint rich.print console.print tqdm.write tqdm.tqdm.write click.echo "
    "typer.echo click.secho sys.stdout.write sys.stderr.write logging.info logging.warning "
    "logging.debug logging.error logging.critical log fprint print_log"
)
LEVELS = words(
    "info warning debug error critical log set_postfix set_postfix_str set_description write"
)
LOGGERS = ("log", "logger", "logging", "bar", "tqdm", "self", "loop", "progress")
SHOWS = words("plt.show pyplot.show pylab.show cv2.imshow mlab.show Image.show")
SERVES = words(
    "app.run uvicorn.run demo.launch iface.launch web.run_app socketio.run hypercorn.run "
    "gunicorn.run bottle.run serve"
)
METRIC = re.compile(
    r"(?i)(?<![a-z])(?:[a-z]+_)*(?:loss(?:es)?|acc|accuracy|accuracies|rmse|r?msle|mse|mae|mape|scores?|f1|auc"
    r"|auroc|roc|precision|recall|perplexity|ppl|bleu|rouge|wer|cer|errors?|err|r2|ndcg|map|mrr|iou|miou"
    r"|dice|psnr|ssim|fid|rewards?|returns?|elbo|nll|bpc|bpb|kappa|mcc|likelihood|silhouette|ari|nmi"
    r"|metrics?|deviance|inertia|distortion|distance|residuals?|divergence|objective|fitness|cost"
    r"|evaluate|report|r\^2|r-squared|variance|stress|homogeneity|completeness|v-measure"
    r"|classification_report|hits?|top[_-]?[15]|brier|gini|ks|regret|bias|win[_ ]rate)(?![a-z])"
)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or an attribute; empty for what begins with something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))


def ends(function: ast.expr, name: str) -> tuple[str, str]:
    """The last two parts of what is called: `b` and `c` of `a.b.c`, whatever `a` is.

    Args:
        name: its dotted name; empty if it has none.
    """
    if name:
        before, _, last = name.rpartition(".")
        return before.rpartition(".")[2], last
    if not isinstance(function, ast.Attribute):
        return "", ""
    inner = function.value.func if isinstance(function.value, ast.Call) else function.value
    return dotted(inner).rpartition(".")[2], function.attr


def spelt(node: ast.AST) -> str:
    """Code of a node on one line, cut."""
    try:
        return ast.unparse(node)[:_MOST_TEXT]
    except (RecursionError, ValueError):
        return ""


def text_argument(node: ast.Call) -> str:
    """The first argument if it is a literal text."""
    first = node.args[0] if node.args else None
    return (
        first.value[:_MOST_TEXT]
        if isinstance(first, ast.Constant) and isinstance(first.value, str)
        else ""
    )


def subject(node: ast.Call) -> str:
    """The path or thing that a call is about: its first argument, or what it is called on."""
    literal = text_argument(node)
    if literal:
        return literal
    if node.args:
        return spelt(node.args[0])
    named = [
        k for k in node.keywords if k.arg in {"file", "path", "fname", "filename", "root", "name"}
    ]
    if named:
        return spelt(named[0].value)
    if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
        return spelt(node.func.value)
    return spelt(node.func)


def printed(node: ast.Call) -> str:
    """The text of a print that looks like a metric's, its values in braces; else empty."""
    pieces = [_piece(argument) for argument in node.args]
    pieces += [f"{k.arg}={{{spelt(k.value)}}}" for k in node.keywords if k.arg and _is_shown(k.arg)]
    text = " ".join(pieces)[:_MOST_TEXT]
    return text if "{" in text and METRIC.search(text) else ""


def _is_shown(keyword: str) -> bool:
    return keyword not in {
        "file",
        "end",
        "sep",
        "flush",
        "extra",
        "exc_info",
        "refresh",
        "nl",
        "err",
    }


def _piece(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
        left, right = _piece(node.left), _piece(node.right)
        return f"{left} {right}" if isinstance(node.op, ast.Mod) else left + right
    if isinstance(node, ast.Tuple):
        return " ".join(_piece(element) for element in node.elts)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "join"}
        and isinstance(node.func.value, ast.Constant)
    ):
        return " ".join([str(node.func.value.value), *(_piece(value) for value in node.args)])
    return "{" + spelt(node)[:80] + "}"


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.FormattedValue):
        return "{" + spelt(node.value)[:80] + "}"
    return str(node.value) if isinstance(node, ast.Constant) else ""


def value_names(node: ast.Call) -> Iterator[str]:
    """Names that a logging call gives to its values: its literal text, or a dictionary's keys."""
    for argument in node.args[:2]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield f"{argument.value} {{value}}"
        elif isinstance(argument, ast.JoinedStr):
            yield f"{_piece(argument)} {{value}}"
        elif isinstance(argument, ast.Dict):
            for key in argument.keys[:20]:
                if isinstance(key, ast.Constant):
                    yield f"{key.value!s} {{value}}"
