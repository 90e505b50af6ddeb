"""What a program does, told from its syntax tree and from those of the modules it uses."""

from pathlib import Path

import pytest

from tests.inside.surveyed import entry, shown, survey_of


@pytest.mark.parametrize(
    ("code", "kind", "what"),
    [
        ("open('a.txt')", "reads", "a.txt"),
        ("pd.read_csv('d.csv')", "reads", "d.csv"),
        ("x = np.load('d.npz')", "reads", "d.npz"),
        ("c = yaml.safe_load(open('c.yaml'))", "reads", "c.yaml"),
        ("open('o.txt', 'w')", "writes", "o.txt"),
        ("np.savez('o.npz', a=1)", "writes", "o.npz"),
        ("plt.savefig('f.png')", "writes", "f.png"),
        ("df.to_csv('predictions.csv')", "predictions", "predictions.csv"),
        ("torch.save(m.state_dict(), 'm.pt')", "checkpoints", "torch.save(m.state_dict(), 'm.pt')"),
        ("model.load_state_dict(s)", "resumes", "model.load_state_dict(s)"),
        ("w = SummaryWriter('runs')", "logs", "SummaryWriter('runs')"),
        ("print(f'epoch {e} loss={v:.3f}')", "prints", "epoch {e} loss={v}"),
        ("print('RMSE: %.2f' % r)", "prints", "RMSE: %.2f {r}"),
        ("logger.info('val acc {:.2f}'.format(a))", "prints", "val acc {:.2f} {a}"),
        ("self.log('val_loss', x)", "prints", "val_loss {value}"),
        ("wandb.log({'loss': x})", "prints", "loss {value}"),
        ("fetch_openml('mnist_784')", "downloads", "fetch_openml('mnist_784')"),
        ("MNIST('d', download=True)", "downloads", "MNIST('d', download=True)"),
        ("os.system('wget http://a.example/b')", "downloads", "wget http://a.example/b"),
        ("AutoModel.from_pretrained('bert')", "downloads", "AutoModel.from_pretrained('bert')"),
        ("np.random.seed(3)", "seeds", "np.random.seed(3)"),
        ("SVC(random_state=0)", "seeds", "SVC(random_state=0)"),
        ("model.cuda()", "accelerator", "cuda; without a fallback"),
        (
            "d = 'cuda' if torch.cuda.is_available() else 'cpu'",
            "accelerator",
            "cuda; falls back to the CPU",
        ),
        ("k = os.environ['OPENAI_API_KEY']", "secret", "OPENAI_API_KEY"),
        ("name = input('name? ')", "asks", "name? "),
        ("plt.show()", "shows", "plt.show"),
        ("app.run()", "serves", "app.run"),
        ("while True:\n    print(1)", "serves", "a loop without an end"),
    ],
)
def test_a_line_and_what_it_shows(tmp_path: Path, code: str, kind: str, what: str) -> None:
    survey = survey_of(tmp_path, {"train.py": f"print(1)\n{code}\n"})
    found = entry(survey, "train.py")
    assert what.strip() in [told.strip() for told in shown(found, kind)]
    [place] = [t.place for t in found.traits if t.kind == kind and t.what.strip() == what.strip()]
    assert (place.path, place.line) == ("train.py", 2)


@pytest.mark.parametrize(
    "code",
    [
        "print('Training the loss model')",
        "print(x)",
        "x = open_it('a')",
        "while True:\n    break",
        "SVC(random_state=None)",
        "AutoModel.from_pretrained('./here')",
        "k = os.environ['HOME']",
    ],
)
def test_what_shows_nothing(tmp_path: Path, code: str) -> None:
    survey = survey_of(tmp_path, {"train.py": f"print(1)\n{code}\n"})
    assert entry(survey, "train.py").traits == ()


def test_of_a_module_only_what_is_used_counts(tmp_path: Path) -> None:
    survey = survey_of(
        tmp_path,
        {
            "train.py": "from tools import load\nprint('loss', load())\n",
            "tools.py": (
                "def load():\n    return inner()\ndef inner():\n    open('data.csv')\n"
                "def fetch():\n    urlopen('http://a.example')\n"
                "if __name__ == '__main__':\n    input('x')\n"
            ),
        },
    )
    found = entry(survey, "train.py")
    assert {trait.kind for trait in found.traits} == {"prints", "reads"}
    [read] = [trait.place for trait in found.traits if trait.kind == "reads"]
    assert (read.path, read.line, read.text) == ("tools.py", 4, "open('data.csv')")
