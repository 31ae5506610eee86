"""Training with helpers: the steps of a Trainer, made by a team where there is one.

    with team_up(trainer, loss_fn, workers=2):     two Pythons make each step, each on half of the batch
        trainer.train_epoch(loader)

Chapter 17 says what a team does. Programs of earlier chapters may have one, so nothing of it is loaded for one worker.
"""

from __future__ import annotations

from contextlib import contextmanager


@contextmanager
def team_up(trainer, loss_fn, workers):
    """Let several workers make the steps of a trainer as long as the block runs; with one, change nothing.

    Where no more workers can be started, or one is lost, a sentence says so and the trainer goes on alone.

    Parameters
    ----------
    trainer : Trainer, as it is to go on; what it loads in the block the others do not get
    loss_fn : the loss of the other workers: one that another Python can be handed, such as CrossEntropyLoss()
    workers : int
    """
    if workers == 1:
        yield
        return
    team = _started(trainer, loss_fn, workers)
    if team is not None:
        trainer.train_step = lambda group, count: _step(trainer, team, group, count)
    try:
        yield
    finally:
        vars(trainer).pop("train_step", None)
        if team is not None:
            team.close()


ALONE = "This training goes on with one worker."


def _started(trainer, loss_fn, workers):
    """Return a team with the trainer's own optimizer, or None where there can be none, and say why."""
    from tinytorch.perf.processes import ProcessTeam

    try:
        team = ProcessTeam(trainer.model, loss_fn, lambda parameters: trainer.optimizer, workers)
    except RuntimeError as problem:
        print(f"{problem}. {ALONE}")
        return None
    team.own.loss_fn = lambda predictions, targets: trainer.loss_fn(predictions, targets)  # as it is in each step
    return team


def _step(trainer, team, group, count):
    """Make one step with the team; alone from the first step on that the team cannot make."""
    if not team.closed:
        try:
            return team.train_step(*_batch(trainer, group)).loss
        except (RuntimeError, ValueError) as problem:  # from now on the others would miss a step
            print(f"{problem}. {ALONE}")
            team.close()
    return type(trainer).train_step(trainer, group, count)


def _batch(trainer, group):
    """Return inputs and targets of the one batch of a group, or raise."""
    if len(group) > 1 or trainer.grad_clip_norm is not None:
        raise ValueError("team_up: a team makes a step of one batch, without clipping gradients")
    inputs, targets, _ = group[0]
    return inputs, targets
