import pytest
from manifest import Item, labels, load_manifest, write_manifest


def data_set(folder, names):
    items = []
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        items.append(Item(file, name[0]))
    return items


@pytest.mark.parametrize("names", [["a.wav"], ["audio/01.wav", "audio/02.wav", "b.wav"]])
def test_from_another_folder(tmp_path, monkeypatch, names):
    folder = tmp_path / "birds"
    items = data_set(folder, names)
    write_manifest(folder / "manifest.json", items)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load_manifest(folder / "manifest.json") == items
    assert load_manifest(str(folder / "manifest.json")) == items
    assert load_manifest("../birds/manifest.json")[0].file.read_text() == names[0]


def test_same_name_in_the_current_folder_is_not_taken(tmp_path, monkeypatch):
    write_manifest(tmp_path / "m.json", data_set(tmp_path, ["x.txt"]))
    other = tmp_path / "other"
    data_set(other, ["x.txt"])
    (other / "x.txt").write_text("wrong")
    monkeypatch.chdir(other)
    assert load_manifest(tmp_path / "m.json")[0].file.read_text() == "x.txt"


def test_absolute_paths(tmp_path):
    items = data_set(tmp_path / "far", ["a.wav"])
    (tmp_path / "near").mkdir()
    write_manifest(tmp_path / "near" / "m.json", items)
    assert load_manifest(tmp_path / "near" / "m.json") == items


def test_missing_files_are_named(tmp_path):
    (tmp_path / "m.json").write_text('[{"file": "gone.wav", "label": "x"}]')
    with pytest.raises(FileNotFoundError, match="1 files are missing.*gone.wav"):
        load_manifest(tmp_path / "m.json")


def test_labels(tmp_path):
    assert labels(data_set(tmp_path, ["a1", "a2", "b1"])) == {"a": 2, "b": 1}
