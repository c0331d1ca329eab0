"""Processes that train together see different pairs and take the same step."""

from functools import partial
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from training.train.parallel import Team, run_team  # noqa: E402


def _work(folder: Path, team: Team) -> None:
    used, unused = torch.zeros(2, requires_grad=True), torch.zeros(3, requires_grad=True)
    (used * (team.rank + 1.0)).sum().backward()
    if team.rank == 1:  # as when only one process has a film of a known view
        (unused * 4.0).sum().backward()
    team.average_gradients([used, unused])
    result = {"used": used.grad, "unused": unused.grad, "agreed": team.agreed(team.rank == 0)}
    torch.save(result, folder / f"{team.rank}.pt")


def test_two_processes_agree_on_the_mean_gradient(tmp_path):
    run_team(partial(_work, tmp_path), 2)
    for rank in range(2):
        result = torch.load(tmp_path / f"{rank}.pt")
        assert result["used"].tolist() == [1.5, 1.5]
        assert result["unused"].tolist() == [2.0, 2.0, 2.0]
        assert result["agreed"] is True


def test_one_process_works_alone(tmp_path):
    run_team(partial(_work, tmp_path), 1)
    assert torch.load(tmp_path / "0.pt")["used"].tolist() == [1.0, 1.0]


def test_every_pair_is_taken_once():
    shares = [list(Team(rank, 2).share_of(8, 24)) for rank in range(2)]
    assert sorted(shares[0] + shares[1]) == list(range(8, 24))
