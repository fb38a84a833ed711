"""How the networks of a run are run is chosen once, kept with the stage, and used until its end."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.estimates import estimate
from helpers.nn import winograd
from helpers.project import networks
from helpers.project.manifest import StageManifest
from helpers.project.project import Project
from helpers.project.runner import SegmentRunner
from helpers.project.trial import try_frames
from helpers.run import RunContext
from helpers.stages.upscale.stage import Upscale
from tests.support.compact_states import compact_state
from tests.support.law import varying_clip
from tests.support.saves import break_off, film, save

pytestmark = pytest.mark.skipif(winograd.find_compiler() is None, reason="there is no C compiler")


@pytest.fixture
def model(tmp_path):
    """A small network that takes long enough to be tried."""
    import torch

    path = tmp_path / "small.pth"
    torch.save({"params": compact_state(width=32, layers=3)}, path)
    return str(path)


@pytest.fixture
def long(monkeypatch):
    """Let every run be long, and Winograd's method the fastest."""
    from helpers.nn import backend_choice

    monkeypatch.setattr(networks, "LONG", 0.0)
    monkeypatch.setattr(backend_choice, "TRYING", {"winograd": 0.0})
    monkeypatch.setattr(backend_choice, "FASTER", 0.0)


def enlarged(model):
    return Upscale(model)(varying_clip(count=16))


def kept(clip):
    return StageManifest.read(clip.folder).machine


def images(clip):
    return [frame.image for frame in clip.frames()]


def test_a_long_run_is_made_with_what_is_faster(tmp_path, model, long, machine):
    clip = enlarged(model)
    saved = save(tmp_path / "project", clip)
    (name,) = kept(saved)["backends"]
    assert kept(saved)["backends"] == {name: "winograd"}
    usual, forced = (
        images_of(clip, replace(machine, forced_backend=name)) for name in (None, "winograd")
    )
    fast = images(saved)
    assert all(np.array_equal(*pair) for pair in zip(fast, forced, strict=True))
    assert max(np.abs(a - b.astype(int)).max() for a, b in zip(fast, usual, strict=True)) <= 1


def images_of(clip, machine):
    return [frame.image for frame in clip.frames(0, None, RunContext(machine=machine))]


def test_in_a_short_run_nothing_is_tried(tmp_path, model, monkeypatch):
    from helpers.nn import backend_choice

    monkeypatch.setattr(backend_choice, "choose_backends", None)
    assert "backends" not in kept(save(tmp_path / "project", enlarged(model)))
    assert "backends" not in kept(save(tmp_path / "other", film()))


def test_what_is_forced_is_kept_too(tmp_path, model, machine):
    project = Project(tmp_path / "project")
    run = replace(project.context(False), machine=replace(machine, forced_backend="winograd"))
    saved = project.save(enlarged(model), "01_test", run=run)
    assert list(kept(saved)["backends"].values()) == ["winograd"]


def test_a_broken_run_goes_on_in_the_same_way(tmp_path, model, long, monkeypatch):
    clip = enlarged(model)
    whole = save(tmp_path / "whole", clip)
    break_off(monkeypatch, tmp_path / "broken", clip, 1)
    monkeypatch.setattr(networks, "LONG", 1e9)
    broken = save(tmp_path / "broken", clip)
    assert kept(broken)["backends"] == kept(whole)["backends"]
    assert all(np.array_equal(*pair) for pair in zip(images(whole), images(broken), strict=True))


def test_without_the_backend_it_goes_on_as_usual_and_says_so(
    tmp_path, model, long, monkeypatch, caplog
):
    clip = enlarged(model)
    break_off(monkeypatch, tmp_path / "project", clip, 1)
    monkeypatch.setattr(winograd, "find_compiler", lambda: None)
    run = Project(tmp_path / "project").context(False)
    saved = save(tmp_path / "project", clip, run=run)
    assert len(images(saved)) == 16
    said = "run as winograd, and continues with it run as usual. There is no C compiler"
    assert said in run.notes[0] and said in caplog.text


def test_a_stage_of_an_older_version_goes_on_as_usual(tmp_path, model, monkeypatch):
    clip = enlarged(model)
    break_off(monkeypatch, tmp_path, clip, 1)
    (path,) = tmp_path.glob("*/stage.json")
    assert "backends" not in json.loads(path.read_text())["machine"]
    machines = []
    make = SegmentRunner._make_group
    monkeypatch.setattr(
        SegmentRunner,
        "_make_group",
        lambda self, group: (machines.append(self.run.machine), make(self, group))[1],
    )
    save(tmp_path, clip)
    assert {str(machine.backends) for machine in machines} == {"{}"}


def test_backends_are_described():
    row = {"device": "cpu", "precision": "fp32", "memory": 1}
    assert networks.describe_backends(row) == "as usual"
    row["backends"] = {"x4plus": "compiled"}
    assert networks.describe_backends(row) == "x4plus: compiled"


def test_an_estimate_counts_with_what_the_run_will_use(tmp_path, model, long, monkeypatch):
    seen = []

    def note(clip, codecs, run, *rest, **options):
        seen.append(dict(run.machine.backends))
        return try_frames(clip, codecs, run, *rest, **options)

    monkeypatch.setattr(networks, "try_frames", note)
    clip, project = enlarged(model), Project(tmp_path / "project")
    estimate(clip, project, "01_test", render=None)
    break_off(monkeypatch, project.folder, clip, 1)
    (name,) = kept(project.versions("01_test").rows[0])["backends"]
    assert seen == [{}, {name: "winograd"}] * 2
    estimate(clip, project, "01_test", render=None)
    assert seen[4:] == [{name: "winograd"}]


def test_an_unknown_backend_is_refused(tmp_path):
    from helpers.errors import ProjectError

    save(tmp_path, film())
    (path,) = tmp_path.glob("*/stage.json")
    row = json.loads(path.read_text())
    row["machine"]["backends"] = {"x4plus": "magic"}
    path.write_text(json.dumps(row))
    with pytest.raises(ProjectError):
        StageManifest.read(path.parent)
