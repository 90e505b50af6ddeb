import pytest
from options import describe, parser


def parse(*words):
    return parser().parse_args(list(words))


@pytest.mark.parametrize("word", ["false", "False", "no", "NO", "0"])
def test_off(word):
    assert parse("--augment", word).augment is False
    assert parse("--amp", word).amp is False


@pytest.mark.parametrize("word", ["true", "True", "yes", "1"])
def test_on(word):
    assert parse("--augment", word).augment is True
    assert parse("--amp", word).amp is True


def test_other_words_are_errors():
    for option in ("--augment", "--amp"):
        with pytest.raises(SystemExit):
            parse(option, "perhaps")


def test_defaults():
    arguments = parse()
    assert (arguments.augment, arguments.amp, arguments.epochs) == (True, False, 10)


def test_numbers_and_description():
    assert "epochs=3" in describe(parse("--epochs", "3"))
    with pytest.raises(SystemExit):
        parse("--epochs", "0")
