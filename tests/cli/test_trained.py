"""What a milestone trained in a terminal is what the chapters after it work on, in the folder where it was begun."""

from tinytorch.models import trained

from .conftest import ROOT

DATA = {"TINYTORCH_DATA": str(ROOT / "build" / "datasets")}


def test_a_network_that_tito_trained_is_taken_and_one_that_is_not_there_is_ours(program, here, monkeypatch, capsys):
    monkeypatch.setenv("TINYTORCH_DATA", DATA["TINYTORCH_DATA"])
    assert not trained("mlp").yours
    done = program("milestone", "run", "3", "mnist", env=DATA)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (here / "my-tinytorch" / "runs" / "mnist.npz").is_file()
    below = here / "notes"
    below.mkdir()
    monkeypatch.chdir(below)  # as a notebook in a folder below is
    found = trained("mlp")
    assert found.yours and found.accuracy() >= 0.95
    ours, yours = " ".join(capsys.readouterr().out.split()).split("The network of milestone 3: ")[1:]
    assert ours.startswith("ours. ") and yours.startswith("yours, as the run mnist left it, with 9")
