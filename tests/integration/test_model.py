"""The model in spec/model is about the tables that the program really runs."""

import importlib.util
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model():
    spec = importlib.util.spec_from_file_location("model", ROOT / "tools" / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables():
    return subprocess.run([ROOT / "build" / "slipway", "machines", "--promela"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def sources():
    return "".join(path.read_text() for path in (ROOT / "spec" / "model").glob("*.pml"))


def test_every_name_of_the_tables_has_a_meaning(model, tables, sources):
    assert len(list(model.rows_of(tables))) > 150
    assert model.missing_names(tables, sources) == []


@pytest.mark.parametrize("old, new, missing", [
    ("deploy_IS_has_elder(me, ev)", "deploy_IS_is_lucky(me, ev)", "deploy_IS_is_lucky"),
    ("swap_DO_restore(me, ev)", "swap_DO_shrug(me, ev)", "swap_DO_shrug"),
    ("FX_RETIRE, KEPT", "FX_FORGET, KEPT", "FX_FORGET")])
def test_a_name_that_the_model_lacks_is_named(model, tables, sources, old, new, missing):
    assert old in tables
    assert model.missing_names(tables.replace(old, new), sources) == [missing]


def test_each_sabotage_is_one_row_of_the_tables(model, tables, monkeypatch):
    monkeypatch.chdir(ROOT)
    changes = model.read_table("sabotage.txt", 4)
    assert len(changes) >= 15
    for _, _, definitions, wanted in changes:
        assert wanted or definitions
        if wanted:
            assert model.change(tables, wanted) != tables


def test_a_row_that_does_not_exist_cannot_be_changed(model, tables):
    with pytest.raises(model.Failure):
        model.change(tables, "deploy LIVE CANCEL = undo REMOVE UNDOING")


@pytest.mark.parametrize("changed, is_kept", [
    (None, True), ("stage IDLE READY is_older_than_merged = never", False)])
def test_the_last_wish_serves(model, tables, monkeypatch, changed, is_kept):
    monkeypatch.chdir(ROOT)
    definitions = "-DHOOKS=3 -DFAULTS=0 -DCRASHES=0 -DLATES=0 -DCANCELS=0 -DCHANGES=1 -DGOOD_DAY"
    where, definitions, out, _ = model.search(
        "test-wishes", "safety", definitions, model.change(tables, changed) if changed else tables)
    assert model.is_whole(out) == is_kept, out
    if not is_kept:
        steps = model.trace(where, definitions, tables).splitlines()
        assert len(steps) > 10 and steps[0].strip() == "stage 0 hears TRIGGER" and "laws.pml" in steps[-1]
