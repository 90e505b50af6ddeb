import pytest
from caching.keys import bound, call_key
from caching.memory import Cache


def test_callers_cannot_change_what_is_kept():
    cache = Cache()

    @cache
    def rows(count):
        return [[count - i] for i in range(count)]

    first = rows(3)
    first.sort()
    first[0][0] = 99
    assert rows(3) == [[3], [2], [1]]
    second = rows(3)
    second[1].append(5)
    assert rows(3) == [[3], [2], [1]]
    assert cache.hits == 3


@pytest.mark.parametrize(
    ("one", "two"), [(("a", "b_c"), ("a_b", "c")), (("1", "x"), (1, "x")), (("a", ""), ("a_", ""))]
)
def test_different_calls(one, two):
    def load(folder, name):
        return [folder, name]

    cached = Cache()(load)
    assert cached(*one) == list(one)
    assert cached(*two) == list(two)
    assert call_key(load, one, {}) != call_key(load, two, {})


def test_equal_calls_however_written():
    cache, calls = Cache(), []

    @cache
    def embed(text, size=8):
        calls.append(text)
        return [len(text)] * size

    for result in (embed("abc", 8), embed("abc"), embed(size=8, text="abc"), embed("abc", size=8)):
        assert result == [3] * 8
    assert calls == ["abc"]
    assert embed("abc", 4) == [3] * 4


def test_limit():
    cache = Cache(limit=2)
    double = cache(lambda x: 2 * x)
    assert [double(x) for x in (1, 2, 3, 3)] == [2, 4, 6, 6]
    assert len(cache.results) == 2
    assert cache.hits == 1


def test_bound():
    assert bound(lambda a, b=2, *c: None, (1,), {}) == {"a": 1, "b": 2, "c": ()}
    with pytest.raises(TypeError):
        bound(lambda a: None, (), {})
