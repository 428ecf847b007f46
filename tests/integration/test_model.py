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
        assert bool(wanted) != bool(definitions)
        if wanted:
            assert model.change(tables, wanted) != tables


def test_a_row_that_does_not_exist_cannot_be_changed(model, tables):
    with pytest.raises(model.Failure):
        model.change(tables, "deploy LIVE CANCEL = undo REMOVE UNDOING")
