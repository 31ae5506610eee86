"""Chapter 08: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.training import CosineSchedule, Trainer, checkpoint, clip_grad_norm, replacing
from tinytorch.learn.expecting import expect, expect_raises, raising

EPOCH = 'epoch = check_number("CosineSchedule", "epoch", epoch)\n'
DONE = EPOCH + "done = min(epoch / self.total_epochs, 1.0)\n"
BETWEEN = "return self.min_lr + (self.max_lr - self.min_lr) * share"
LIMIT = "max_norm = check_max_norm(max_norm)\nparameters = [parameters] if isinstance(parameters, Tensor) else parameters\n"
GRADS = LIMIT + "grads = [parameter.grad for parameter in parameters if parameter.grad is not None]\n"
SHORTEN = "if factor < 1:\n    for grad in grads:\n        grad *= factor\n"
NEW = "self.optimizer.zero_grad()\n"
LOSS = "    loss = self.loss_fn(self.model(inputs), targets)\n"
CLIP = "if self.grad_clip_norm is not None:\n    clip_grad_norm(self.optimizer.params, self.grad_clip_norm)\n"
STEP = "self.optimizer.step()\n"
BACK = "    loss.backward(np.full(loss.shape, own / count))\n"
PASS = ("    for inputs, targets, count in pairs('evaluate', loader):\n        predictions = self.model(inputs)\n"
        "        total += self.loss_fn(predictions, targets).item() * count\n"
        "        right.append(count_right(self.loss_fn, predictions, targets))\n        seen += count\n")
BOTH = "with no_grad(), evaluation_mode(self.model):\n"
NOTHING = "total, right, seen = 0.0, [], 0\n"
SHARE = "return total / seen, share_right(right, seen)\n"
GENERATORS = "generators = {name: generator.bit_generator.state for name, generator in named_generators(self.model).items()}\n"
HISTORY = "history = {name: list(values) for name, values in self.history.items()}\n"
STATE = ("state = {'epoch': self.epoch, 'history': history, 'model': self.model.state_dict(), 'optimizer': self.optimizer.state_dict(),\n"
         "         'scheduler': state_of(self.scheduler), 'loader': state_of(loader), 'generators': generators}\n")
BESIDE = 'import os\n\nbeside = f"{os.fspath(path)}.{os.getpid()}.part"\n'
OPEN = "    with open(beside, 'wb') as file:\n        yield file\n"
DISK = "        file.flush()\n        os.fsync(file.fileno())\n"
TIDY = "finally:\n    if os.path.exists(beside):\n        os.remove(beside)\n"
LEAVES = "leaves = fresh_leaves(inputs, self.needs[2:])\n"
AGAIN = LEAVES + "with recording(), draws_again(function, self.states):\n    result = function(*leaves)\n"
SAME = "check_same(result, self.output)\n"
GO_BACK = "if result.requires_grad:\n    result.backward(grad_output)\n"
RESULT = "return (np.zeros_like(anchor.data), None, *leaf_gradients(leaves, self.needs[2:]))\n"


class exercise_get_lr:

    def from_the_largest_rate_to_the_smallest_along_a():
        """From the largest rate to the smallest, along a cosine"""
        schedule = CosineSchedule(max_lr=0.1, min_lr=0.02, total_epochs=4)
        expect(schedule.get_lr(0), 0.1, mistakes=[
            (0.02, "The run begins with the smallest rate. It falls from max_lr to min_lr.",
             DONE + "share = (1 - math.cos(math.pi * done)) / 2\n" + BETWEEN),
            (0.12, "You added the two ends. The share goes to the distance between them, 0.08, and min_lr comes on top.",
             DONE + "share = (1 + math.cos(math.pi * done)) / 2\nreturn self.min_lr + self.max_lr * share"),
            (0.14, "Only the cosine was halved. 1 + cos belongs into parentheses.",
             DONE + "share = 1 + math.cos(math.pi * done) / 2\n" + BETWEEN),
            (1.0, "That is the share. The rate is that much of max_lr, and the rest of min_lr.",
             DONE + "return (1 + math.cos(math.pi * done)) / 2"),
            (0.18, "The share begins at 2. Divide 1 + cos by 2.",
             DONE + "share = 1 + math.cos(math.pi * done)\n" + BETWEEN),
            (lambda got: 0.08 < got < 0.0999, "Epoch 0 is the first one, and nothing of the run is done yet. Do not add 1.",
             EPOCH + "done = min((epoch + 1) / self.total_epochs, 1.0)\nshare = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN)])
        expect(schedule.get_lr(2), 0.06, mistakes=[
            (0.02, "Half way through the rate is at its lowest: that is a whole wave. Half a wave is an angle from 0 to pi.",
             DONE + "share = (1 + math.cos(2 * math.pi * done)) / 2\n" + BETWEEN),
            (0.05, "min_lr has no part in it. What the share leaves of the rate goes to min_lr: (1 - share) of it.",
             DONE + "share = (1 + math.cos(math.pi * done)) / 2\nreturn share * self.max_lr",
             DONE + "share = (1 + math.cos(math.pi * done)) / 2\nreturn max(share * self.max_lr, self.min_lr)"),
            (lambda got: 0.088 < got < 0.0885, "That is a quarter of a wave. The angle goes from 0 to pi, not to pi / 2.",
             DONE + "share = (1 + math.cos(math.pi / 2 * done)) / 2\n" + BETWEEN),
            (lambda got: got > 0.09, "The angle is too small: pi is missing in it, it is in degrees, or // left 0 of the quotient. math.cos takes radians.",
             DONE + "share = (1 + math.cos(done)) / 2\n" + BETWEEN,
             DONE.replace("/", "//") + "share = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN),
            (lambda got: 0.041 < got < 0.043, "180 is the angle in degrees. math.cos takes radians, where half a wave is pi.",
             DONE + "share = (1 + math.cos(180 * done)) / 2\n" + BETWEEN),
            (lambda got: 0.039 < got < 0.041 or 0.07 < got < 0.08, "The part of the run that is done is epoch / total_epochs, with nothing added or taken away.",
             EPOCH + "done = min(epoch / max(self.total_epochs - 1, 1), 1.0)\nshare = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN)])
        expect(schedule.get_lr(4), 0.02)

    def slow_fast_slow():
        """Slow, fast, slow"""
        expect(CosineSchedule(0.1, 0.0, 4).get_lr(3), 0.0146447, mistakes=[
            (0.025, "That is a straight line. The cosine is missing.",
             DONE + "share = 1 - done\n" + BETWEEN)])
        expect(CosineSchedule(0.1, 0.0, 4).get_lr(1), 0.0853553)
        expect(CosineSchedule(0.1, 0.0, 4).get_lr(0.5), 0.0961940, mistakes=[
            (0.1, "An epoch may be half done. Leave what comes after the point.",
             DONE.replace("min(epoch", "min(int(epoch)") + "share = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN)])

    def after_the_end_it_stays_low():
        """After the end it stays low"""
        expect(CosineSchedule(0.1, 0.02, 4).get_lr(5), 0.02, mistakes=[
            (0.03171573, "The wave went up again. From total_epochs on the run is done: the part is at most 1.",
             EPOCH + "share = (1 + math.cos(math.pi * epoch / self.total_epochs)) / 2\n" + BETWEEN)])
        expect(CosineSchedule(1, 0, 2).get_lr(9), 0.0)

    def epochs_begin_at_0_and_one_below_is_refused():
        """Epochs begin at 0, and one below is refused"""
        schedule = CosineSchedule(max_lr=0.1, min_lr=0.02, total_epochs=4)
        expect(schedule.get_lr(0), 0.1)
        expect_raises(ValueError, lambda: schedule.get_lr(-1), mentions=["epoch is -1"], mistakes=[
            (lambda error: "epoch is -1" not in str(error), "The sentence names the wrong thing. check_number takes the class, the argument's name, and its value.",
             DONE.replace('"CosineSchedule", "epoch"', '"epoch", "CosineSchedule"') + "share = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN),
            (0.08828427, "There is no epoch before the first one. The line that was given, with check_number, refuses it.",
             DONE.replace(EPOCH, "") + "share = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN)])

    right = [
        DONE + "share = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN,
        (EPOCH + "if epoch >= self.total_epochs:\n    return self.min_lr\nangle = math.pi * epoch / self.total_epochs\n"
         "return self.min_lr + (self.max_lr - self.min_lr) * math.cos(angle / 2) ** 2"),
        DONE + "middle, half = (self.max_lr + self.min_lr) / 2, (self.max_lr - self.min_lr) / 2\nreturn float(middle + half * np.cos(np.pi * done))",
    ]


class exercise_clip_grad_norm:

    def one_factor_for_all_arrays():
        """One factor for all arrays"""
        from tinytorch import enable_autograd
        enable_autograd()
        first, second = Tensor([0, 0], requires_grad=True), Tensor([0], requires_grad=True)
        first.grad, second.grad = np.array([18.0, 24.0]), np.array([40.0])
        clip_grad_norm([first, second], 25)
        expect([first.grad, second.grad], [np.array([9.0, 12.0]), np.array([20.0])], mistakes=[
            (lambda got: np.allclose(got[0], [15, 20]), "Each array was shortened alone, so their proportion changed. Take the norm of all of them together.",
             GRADS + "norm = norm_of(grads)\nfor grad in grads:\n    factor = max_norm / (norm_of([grad]) + 1e-6)\n    if factor < 1:\n        grad *= factor\nreturn norm"),
            (lambda got: np.allclose(got[0], [18, 24]) and np.allclose(got[1], 25), "Single numbers were cut off at 25. That changes the direction; multiply all by one factor.",
             GRADS + "norm = norm_of(grads)\nfor grad in grads:\n    np.clip(grad, -max_norm, max_norm, out=grad)\nreturn norm"),
            (lambda got: np.allclose(got[0], [18, 24]) and np.allclose(got[1], 40), "Nothing changed. Write into the arrays: grad *= factor.",
             GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\nif factor < 1:\n    for grad in grads:\n        grad = grad * factor\nreturn norm"),
            (lambda got: np.allclose(got[0], [36, 48]), "The gradients became longer: the factor is upside down. It is max_norm / norm, below 1.",
             GRADS + "norm = norm_of(grads)\nif norm > max_norm:\n    for grad in grads:\n        grad *= norm / max_norm\nreturn norm"),
            (lambda got: np.allclose(got[0], [0.36, 0.48]), "Now the norm is 1. It should be max_norm.",
             GRADS + "norm = norm_of(grads)\nif norm > max_norm:\n    for grad in grads:\n        grad /= norm\nreturn norm"),
            (lambda got: np.isclose(got[0][0], 18 * 25 / 70), "You added the norms of the arrays, 30 and 40. The norm of all of them together is the root of the sum of all squares.",
             GRADS + "norm = sum(norm_of([grad]) for grad in grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm"),
            (lambda got: np.isclose(got[1][0], 40 * 25 / 2500), "You divided by the sum of squares. The norm is its root.",
             GRADS + "norm = float(sum((grad ** 2).sum() for grad in grads))\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm")])

    def the_norm_before_returned_as_a_number():
        """The norm before, returned as a number"""
        from tinytorch import enable_autograd
        enable_autograd()
        weight = Tensor([0, 0], requires_grad=True)
        weight.grad = np.array([3.0, 4.0])
        expect(clip_grad_norm([weight], 2.5), 5.0, mistakes=[
            (2.5, "That is the norm afterwards. The one before tells whether something odd happened.",
             GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm_of(grads)"),
            (None, "Nothing was returned. Whoever watches a run wants to see the norm.",
             GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN),
            (7.0, "That is the sum of the sizes. The norm is the root of the sum of the squares.",
             GRADS + "norm = float(sum(np.abs(grad).sum() for grad in grads))\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm"),
            (25.0, "That is the sum of the squares. The norm is its root.",
             GRADS + "norm = float(sum((grad ** 2).sum() for grad in grads))\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm")])

    def short_gradients_stay_and_missing_ones_are_left():
        """Short gradients stay, and missing ones are left out"""
        from tinytorch import enable_autograd
        enable_autograd()
        weight, unused = Tensor([0, 0], requires_grad=True), Tensor([0], requires_grad=True)
        weight.grad = np.array([3.0, 4.0])
        expect(clip_grad_norm([weight, unused], 100), 5.0, mistakes=[
            ((TypeError, AttributeError), "One parameter has no gradient: its .grad is None. Leave it out.",
             LIMIT + "grads = [parameter.grad for parameter in parameters]\nnorm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm")])
        expect(weight.grad, np.array([3.0, 4.0]), mistakes=[
            (lambda got: got[0] > 3, "The gradient became longer. A factor above 1 means that there is nothing to do.",
             GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\nfor grad in grads:\n    grad *= factor\nreturn norm",
             GRADS + "norm = norm_of(grads)\nif norm < max_norm:\n    for grad in grads:\n        grad *= max_norm / (norm + 1e-6)\nreturn norm")])
        clip_grad_norm([weight], 8)
        expect(weight.grad, np.array([3.0, 4.0]), mistakes=[
            (lambda got: got[0] > 3, "The norm is 5 and 8 are allowed, and the gradient became longer. A factor above 1 means that there is nothing to do.",
             GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\nif factor < 2:\n    for grad in grads:\n        grad *= factor\nreturn norm")])
        weight.grad = np.zeros(2)
        expect(clip_grad_norm([weight], 1), 0.0, mistakes=[
            (ZeroDivisionError, "All gradients are 0 here, and so is their norm. Either ask whether it is too large before you divide, or add 1e-6 to it.",
             GRADS + "norm = norm_of(grads)\nfactor = max_norm / norm\n" + SHORTEN + "return norm")])

    def a_short_gradient_keeps_below_the_limit_too():
        """However short the gradient, afterwards it is within the limit"""
        from tinytorch import enable_autograd
        enable_autograd()
        weight = Tensor([0, 0], requires_grad=True)
        weight.grad = np.array([3e-4, 4e-4])
        clip_grad_norm([weight], 1e-4)
        expect(float(np.sqrt((weight.grad ** 2).sum())) / 1e-4, 0.999, rtol=0, atol=0.0015, mistakes=[
            (lambda got: 1.001 < got < 1.003, "The norm is still above the limit. The addend keeps the divisor from 0: add it, so that the factor becomes smaller and never larger.",
             GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm - 1e-6)\nif norm > max_norm:\n    for grad in grads:\n        grad *= factor\nreturn norm")])

    def one_tensor_alone_and_limits_that_are_none():
        """One Tensor alone, and limits that are none"""
        from tinytorch import enable_autograd
        enable_autograd()
        weight = Tensor([0, 0], requires_grad=True)
        weight.grad = np.array([3.0, 4.0])
        expect(clip_grad_norm(weight, 10), 5.0, mistakes=[
            ((AttributeError, TypeError), "One Tensor was given and not a list of them. The second line that was given makes a list of it.",
             GRADS.replace(LIMIT, "max_norm = check_max_norm(max_norm)\nparameters = parameters.params\n") + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm"),
            (0.0, "One Tensor was given and not a list of them; going through it gives its elements, which have no gradients. The second line that was given makes a list of it.",
             GRADS.replace(LIMIT, "max_norm = check_max_norm(max_norm)\n") + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm")])
        expect_raises(ValueError, lambda: clip_grad_norm([weight], -1), mentions=["max_norm"], mistakes=[
            (5.0, "A limit below 0 would turn every gradient round. The first line that was given, with check_max_norm, refuses it.",
             GRADS.replace("max_norm = check_max_norm(max_norm)\n", "") + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm")])

    def in_the_memory_that_is_there():
        """In the memory that is there"""
        from tinytorch import enable_autograd
        enable_autograd()
        weight = Tensor([0, 0], requires_grad=True)
        weight.grad = before = np.array([3.0, 4.0])
        clip_grad_norm([weight], 1.0)
        expect(weight.grad is before, True, mistakes=[
            (False, "weight.grad is a new array now. grad *= factor needs none.",
             (LIMIT + "some = [p for p in parameters if p.grad is not None]\nnorm = norm_of([p.grad for p in some])\nfactor = min(max_norm / (norm + 1e-6), 1.0)\n"
              "for p in some:\n    p.grad = p.grad * factor\nreturn norm"))])
        expect(before, np.array([0.6, 0.8]))

    right = [
        GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm",
        (LIMIT + "grads = []\nfor parameter in parameters:\n    if parameter.grad is not None:\n        grads.append(parameter.grad)\nnorm = norm_of(grads)\nif norm > max_norm:\n"
         "    for grad in grads:\n        grad[...] = grad * (max_norm / norm)\nreturn norm"),
        GRADS + "norm = math.sqrt(sum(float((grad * grad).sum()) for grad in grads))\nif norm > max_norm:\n    for grad in grads:\n        np.multiply(grad, max_norm / (norm + 1e-6), out=grad)\nreturn norm",
    ]

    equivalent = [
        ("with np.errstate(invalid='ignore'):  ->  if True:", "the numbers are the same; whether NumPy also prints a warning is left to the reader"),
        ("with np.errstate(invalid='ignore'):  ->  with np.errstate():", "the numbers are the same; whether NumPy also prints a warning is left to the reader"),
        ("if not factor >= 1:  ->  if not factor > 1:", "a factor of exactly 1 changes no gradient"),
    ]


class exercise_train_step:

    def one_batch_makes_one_step():
        """One batch makes one step"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model = Linear(1, 1, bias=False)
        model.weight.data[...] = 0
        step = Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss()).train_step
        expect(step([(Tensor([[1]]), Tensor([[2]]), 1)], 1), 4.0, mistakes=[
            (lambda got: isinstance(got, Tensor), "That is a Tensor, which holds on to the graph behind it. loss.item() is the number.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean = mean + loss * (own / count)\n" + CLIP + STEP + "return mean"),
            (None, "Nothing was returned. The mean loss is asked for.",
             NEW + "for inputs, targets, own in group:\n" + LOSS + BACK + CLIP + STEP),
            (2.56, "That is the loss after the step. The one that the step was made from is asked for.",
             NEW + "for inputs, targets, own in group:\n" + LOSS + BACK + CLIP + STEP + "return sum(self.loss_fn(self.model(x), y).item() * own for x, y, own in group) / count"),
            (RuntimeError, "The optimizer found no gradient. Either backward() is missing, or zero_grad() stands between it and the step.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean",
             "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + NEW + CLIP + STEP + "return mean")])
        expect(model.weight.data.item(), 0.4, mistakes=[
            (0.0, "The weight did not move. optimizer.step() is missing.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + "return mean"),
            (-0.4, "The weight moved up the slope. Let the optimizer do the step.",
             (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP
              + "for param in self.optimizer.params:\n    param.data += self.optimizer.lr * param.grad\nreturn mean"))])

    def each_step_begins_with_new_gradients():
        """Each step begins with new gradients"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model = Linear(1, 1, bias=False)
        model.weight.data[...] = 0
        step = Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss()).train_step
        for number in range(2):
            step([(Tensor([[1]]), Tensor([[2]]), 1)], 1)
        expect(model.weight.data.item(), 0.72, mistakes=[
            (1.12, "The second step went along both gradients, the old one and the new one. zero_grad() is missing.",
             "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean")])
        model.weight.data[...], model.weight.grad = 0, np.ones((1, 1), dtype=np.float32)
        step([(Tensor([[1]]), Tensor([[2]]), 1)], 1)
        expect(model.weight.data.item(), 0.4, mistakes=[
            (0.3, "A gradient that was there before went into the step. zero_grad() is the first call, not the last.",
             "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + NEW + "return mean")])

    def several_batches_count_as_one():
        """Several batches count as one"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model = Linear(1, 1, bias=False)
        model.weight.data[...] = 0
        step = Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss()).train_step
        group = [(Tensor([[1]]), Tensor([[2]]), 1), (Tensor([[1], [1], [1]]), Tensor([[6], [6], [6]]), 3)]
        expect(step(group, 4), 28.0, mistakes=[
            (20.0, "You took the mean of the two losses. The second batch has three samples and counts three times.",
             NEW + "losses = []\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    losses.append(loss.item())\n" + CLIP + STEP + "return sum(losses) / len(losses)"),
            (40.0, "You added the two losses. Each counts with its share of the samples.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item()\n" + CLIP + STEP + "return mean"),
            (1.0, "Only the first batch was used, and its share of the loss came back. Does `return` stand in the loop?",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n    self.optimizer.step()\n    return mean"),
            (36.0, "That is the loss of the last batch alone. Add up what each batch has of the mean.",
             NEW + "for inputs, targets, own in group:\n" + LOSS + BACK + CLIP + STEP + "return loss.item()"),
            (112.0, "You added the losses of all four samples. Divide by count for their mean.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own\n" + CLIP + STEP + "return mean"),
            (lambda got: got < 28, "The loss of the second batch was measured after a step. One step comes after all batches.",
             ("mean = 0.0\nfor inputs, targets, own in group:\n    self.optimizer.zero_grad()\n" + LOSS + "    loss.backward()\n    mean += loss.item() * own / count\n"
              "    if self.grad_clip_norm is not None:\n        clip_grad_norm(self.optimizer.params, self.grad_clip_norm)\n    self.optimizer.step()\nreturn mean"))])
        expect(model.weight.data.item(), 1.0, mistakes=[
            (0.8, "Each batch counted the same: you divided by the number of batches. Divide own by count, since the batches differ in size.",
             (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    loss.backward(np.full(loss.shape, 1 / len(group)))\n    mean += loss.item() * own / count\n" + CLIP + STEP
              + "return mean")),
            (1.6, "The gradients were added without their shares, so the step is that of a sum. backward begins with own / count.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    loss.backward()\n    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean"),
            (0.9, "Only the last batch is left: zero_grad() stands in the loop. Once before the loop is enough.",
             "mean = 0.0\nfor inputs, targets, own in group:\n    self.optimizer.zero_grad()\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean"),
            (4.0, "The step is four times as long: you multiplied by own and did not divide by count.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    loss.backward(np.full(loss.shape, own))\n    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean")])

    def clipping_comes_before_the_step():
        """Clipping comes before the step"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model = Linear(1, 1, bias=False)
        model.weight.data[...] = 0
        group = [(Tensor([[1]]), Tensor([[2]]), 1), (Tensor([[1], [1], [1]]), Tensor([[6], [6], [6]]), 3)]
        Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss(), grad_clip_norm=1.0).train_step(group, 4)
        expect(model.weight.data.item(), 0.1, mistakes=[
            (1.0, "The gradient of 10 went into the step as it was. Clip it when it is complete, and before the step.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + STEP + CLIP + "return mean")])
        model.weight.data[...] = 0
        Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss(), grad_clip_norm=2.0).train_step(group, 4)
        expect(model.weight.data.item(), 0.2, mistakes=[
            (0.1, "The limit is 2 here, and the gradient was shortened to 1. Take self.grad_clip_norm.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP.replace("params, self.grad_clip_norm", "params, 1.0") + STEP + "return mean")])
        model.weight.data[...] = 0
        group = [(Tensor([[1]]), Tensor([[8]]), 1), (Tensor([[1]]), Tensor([[-7]]), 1)]
        Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss(), grad_clip_norm=1.0).train_step(group, 2)
        expect(model.weight.data.item(), 0.1, mistakes=[
            (-0.1, "The batches pull by 8 and by -7, so by 1 together, which is not too long. Here the gradient was clipped before it was complete. Clip once, after the loop.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + "    if self.grad_clip_norm is not None:\n        clip_grad_norm(self.optimizer.params, self.grad_clip_norm)\n" + STEP + "return mean")])

    def one_graph_at_a_time_from_predictions_and_targets():
        """One graph at a time, from predictions and targets"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model, graphs, held, first = Linear(1, 1, bias=False), [], [], []
        def watching(predictions, targets):
            held.append(sum(not graph.released for graph in graphs))
            first.append(predictions.requires_grad)
            loss = MSELoss()(predictions, targets)
            graphs.append(loss._grad_fn)
            return loss
        Trainer(model, SGD(model.parameters(), lr=0.1), watching).train_step([(Tensor([[1]]), Tensor([[2]]), 1)] * 2, 2)
        expect(first, [True, True], mistakes=[
            ([False, False], "The loss got the targets first. Some losses do not mind, cross-entropy does: predictions first, then targets.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS.replace("self.model(inputs), targets", "targets, self.model(inputs)") + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean")])
        expect(held, [0, 0], mistakes=[
            ([0, 1], "While the second batch went forward, the graph of the first was still there: the memory is that of both. Go backward for each batch in the loop.",
             NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    mean = loss * (own / count) + mean\nmean.backward()\n" + CLIP + STEP + "return mean.item()")])

    right = [
        NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean",
        NEW + "total = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    (loss * (own / count)).backward()\n    total += loss.item() * own\n" + CLIP + STEP + "return total / count",
        ("mean = 0.0\nfor param in self.optimizer.params:\n    param.zero_grad()\nfor batch in group:\n    share = batch[2] / count\n    loss = self.loss_fn(self.model(batch[0]), batch[1])\n"
         "    mean += share * loss.item()\n    loss.backward(np.array(share))\n" + CLIP + STEP + "return mean"),
        "self.model.zero_grad()\nmean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean",
    ]


class exercise_evaluate:

    def every_sample_counts_once():
        """Every sample counts once"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model = Linear(1, 1, bias=False)
        model.weight.data[...] = 0
        trainer = Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss())
        batches = [(Tensor([[1]]), Tensor([[2]])), (Tensor([[1], [1], [1]]), Tensor([[6], [6], [6]]))]
        expect(trainer.evaluate(batches), (28.0, None), mistakes=[
            ((20.0, None), "You took the mean of the batches' means. The second batch has three samples and counts three times.",
             NOTHING + BOTH + PASS.replace(" * count", "") + "return total / len(right), share_right(right, seen)"),
            ((4.0, None), "Only the first batch was measured. Does `return` stand in the loop?",
             NOTHING + BOTH + PASS + "        return total / seen, share_right(right, seen)\n"),
            ((10.0, None), "The mean loss of a batch stands for all its samples: multiply it with their number before you add it up.",
             NOTHING + BOTH + PASS.replace(" * count", "") + SHARE),
            (raising(TypeError, "context manager"), "`with` wants an object of the class: no_grad().",
             NOTHING + BOTH.replace("no_grad()", "no_grad") + PASS + SHARE),
            (lambda got: not isinstance(got, tuple), "Return two things, with a comma between them: the mean loss and the part that is right.",
             NOTHING + BOTH + PASS + "return total / seen"),
            (raising(TypeError, "unsupported operand"), "count_right gives None where targets are no classes. Collect what it says in a list; share_right knows about None.",
             (NOTHING.replace("[]", "0") + BOTH + PASS.replace("right.append(count_right(self.loss_fn, predictions, targets))", "right += count_right(self.loss_fn, predictions, targets)")
              + "return total / seen, right / seen"))])

    def the_part_that_is_right():
        """The part that is right"""
        from tinytorch import CrossEntropyLoss, Linear, SGD, enable_autograd
        enable_autograd()
        model = Linear(2, 2, bias=False)
        model.weight.data[...] = [[1, 0], [0, 1]]
        trainer = Trainer(model, SGD(model.parameters(), lr=0.1), CrossEntropyLoss())
        batches = [(Tensor([[1, 0]]), Tensor(np.array([0]))), (Tensor([[1, 0]] * 3), Tensor(np.array([1, 1, 0])))]
        expect(trainer.evaluate(batches)[1], 0.5, mistakes=[
            (0.6666667, "You took the mean of 1 and 1/3, the parts of the two batches. Count over all samples: 2 of 4.",
             (NOTHING + BOTH + PASS.replace("right.append(count_right(self.loss_fn, predictions, targets))",
              "right.append(share_right([count_right(self.loss_fn, predictions, targets)], count))")
              + "return total / seen, share_right(right, len(right))")),
            (2, "That is the number of right ones. Divide by all of them.",
             NOTHING + BOTH + PASS + "return total / seen, share_right(right, 1)"),
            (0.25, "Only the last batch was counted. The list of counts grows in the loop and begins before it.",
             NOTHING + BOTH + PASS.replace("right.append(count_right(self.loss_fn, predictions, targets))", "right = [count_right(self.loss_fn, predictions, targets)]") + SHARE),
            (1.0, "Either only the first batch was counted, or you divided by the number of batches. Count over all of them, and divide by the number of samples.",
             NOTHING + BOTH + PASS + "return total / seen, share_right(right, len(right))")])

    def nothing_is_recorded():
        """Nothing is recorded"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model, recorded = Linear(1, 1), []
        watching = lambda predictions, targets: recorded.append(predictions.requires_grad) or MSELoss()(predictions, targets)
        Trainer(model, SGD(model.parameters(), lr=0.1), watching).evaluate([(Tensor([[1]]), Tensor([[2]]))])
        expect(recorded, [False], mistakes=[
            ([True], "The predictions have a graph behind them, which nobody will walk. Put the loop inside of no_grad().",
             NOTHING + "with evaluation_mode(self.model):\n" + PASS + SHARE,
             NOTHING + BOTH.replace("(), ", "() and ") + PASS + SHARE)])
        calls = []
        class Counting(Linear):
            def forward(self, x):
                calls.append(x.shape)
                return super().forward(x)
        model = Counting(1, 1)
        Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss()).evaluate([(Tensor([[1]]), Tensor([[2]]))])
        expect(len(calls), 1, mistakes=[
            (2, "Each batch went through the model twice, for the loss and for the count. Once is enough for both.",
             NOTHING + BOTH + PASS.replace("(self.loss_fn, predictions, targets))", "(self.loss_fn, self.model(inputs), targets))") + SHARE)])

    def in_the_mode_for_use_and_back():
        """In the mode for use, and back"""
        from tinytorch import Dropout, Linear, MSELoss, SGD, Sequential, enable_autograd
        enable_autograd()
        model, during = Sequential(Linear(1, 1), Dropout(0.5)), []
        model[0].eval()
        watching = lambda predictions, targets: during.append([layer.training for layer in model]) or MSELoss()(predictions, targets)
        Trainer(model, SGD(model.parameters(), lr=0.1), watching).evaluate([(Tensor([[1]]), Tensor([[2]]))])
        expect(during, [[False, False]], mistakes=[
            ([[False, True]], "Dropout was still in training and dropped numbers at random. Put the loop inside of evaluation_mode(self.model).",
             NOTHING + "with no_grad():\n" + PASS + SHARE)])
        modes = []
        class Looking(Dropout):
            def forward(self, x):
                modes.append(self.training)
                return super().forward(x)
        looking = Sequential(Linear(1, 1), Looking(0.5))
        Trainer(looking, SGD(looking.parameters(), lr=0.1), MSELoss()).evaluate([(Tensor([[1]]), Tensor([[2]]))] * 2)
        expect(modes, [False, False], mistakes=[
            (lambda got: any(got), "The model itself ran in training, so Dropout dropped numbers, and the same data gives another loss each time. model(inputs) too belongs inside of evaluation_mode(self.model).",
             (NOTHING + "for inputs, targets, count in pairs('evaluate', loader):\n    with no_grad():\n        predictions = self.model(inputs)\n    " + BOTH
              + "        total += self.loss_fn(predictions, targets).item() * count\n        right.append(count_right(self.loss_fn, predictions, targets))\n        seen += count\n" + SHARE),
             NOTHING + "with no_grad():\n    predicted = [self.model(inputs) for inputs, targets, count in pairs('evaluate', loader)]\n" + BOTH
             + PASS.replace("predictions = self.model(inputs)", "predictions = predicted.pop(0)") + SHARE)])
        expect([layer.training for layer in model], [False, True], mistakes=[
            ([False, False], "The model stays in the mode for use, and the next epoch would train without Dropout. evaluation_mode switches back.",
             NOTHING + "self.model.eval()\nwith no_grad():\n" + PASS + SHARE),
            ([True, True], "A layer that was in the mode for use before is in training now. evaluation_mode gives each layer back what it had.",
             NOTHING + "self.model.eval()\nwith no_grad():\n" + PASS + "self.model.train()\n" + SHARE)])

    right = [
        NOTHING + BOTH + PASS + SHARE,
        NOTHING + "with no_grad():\n    with evaluation_mode(self.model):\n" + PASS.replace("\n    ", "\n        ").replace("    for", "        for", 1) + SHARE,
        ("losses, counts, right = [], [], []\n" + BOTH + "    for inputs, targets, count in pairs('evaluate', loader):\n        predictions = self.model(inputs)\n"
         "        losses.append(self.loss_fn(predictions, targets).item())\n        counts.append(count)\n        right.append(count_right(self.loss_fn, predictions, targets))\n"
         "return float(np.average(losses, weights=counts)), share_right(right, sum(counts))"),
    ]


class exercise_state_dict:

    def seven_entries_none_forgotten():
        """Seven entries, none forgotten"""
        from tinytorch import Adam, Linear, MSELoss, enable_autograd
        enable_autograd()
        model = Linear(1, 1)
        state = Trainer(model, Adam(model.parameters()), MSELoss()).state_dict()
        expect(sorted(state), ["epoch", "generators", "history", "loader", "model", "optimizer", "scheduler"], mistakes=[
            (lambda got: "optimizer" not in got, "The optimizer's state is missing. Adam would begin with averages of 0 and count its steps from 1.",
             GENERATORS + HISTORY + STATE + "del state['optimizer']\nreturn state"),
            (lambda got: "generators" not in got, "The generators are missing. After a restart Dropout would drop other numbers.",
             GENERATORS + HISTORY + STATE + "del state['generators']\nreturn state"),
            (lambda got: "loader" not in got or "scheduler" not in got, "The loader or the scheduler is missing. Give an entry also to what is None.",
             GENERATORS + HISTORY + STATE + "return {name: part for name, part in state.items() if part is not None}")])
        expect(state["scheduler"], None)
        expect(state["loader"], None)

    def a_snapshot():
        """A snapshot"""
        from tinytorch import Linear, MSELoss, SGD, enable_autograd
        enable_autograd()
        model = Linear(1, 1, bias=False)
        model.weight.data[...] = 0
        trainer = Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss())
        state = trainer.state_dict()
        trainer.train_epoch([(Tensor([[1]]), Tensor([[2]]))])
        expect(state["history"]["lr"], [], mistakes=[
            ([0.1], "The saved history went on growing: it is the run's own. Copy the dict and each list in it.",
             GENERATORS + "history = self.history\n" + STATE + "return state",
             GENERATORS + "history = dict(self.history)\n" + STATE + "return state")])
        expect(state["model"]["weight"], np.zeros((1, 1), dtype=np.float32), mistakes=[
            (lambda got: got[0, 0] > 0, "The saved weights moved with the model: they are its own arrays. state_dict() gives copies.",
             GENERATORS + HISTORY + STATE.replace("self.model.state_dict()", "self.model.state_arrays()") + "return state")])
        expect(state["epoch"], 0, mistakes=[(1, "self.epoch is the number of epochs that are done, and so that of the next one. Save it as it is.",
            GENERATORS + HISTORY + STATE.replace("self.epoch", "self.epoch + 1") + "return state")])

    def a_run_that_is_taken_up_goes_on_bit_for_bit():
        """A run that is taken up goes on bit for bit"""
        import os, tempfile
        from tinytorch import Adam, DataLoader, Dropout, Linear, MSELoss, Sequential, TensorDataset, enable_autograd
        enable_autograd()
        def parts(seed):
            model = Sequential(Linear(2, 4, rng=seed), Dropout(0.5, rng=seed), Linear(4, 1, rng=seed))
            trainer = Trainer(model, Adam(model.parameters(), lr=0.1), MSELoss(), CosineSchedule(0.1, 0.0, 4))
            return trainer, DataLoader(TensorDataset(Tensor(np.ones((6, 2))), Tensor(np.arange(6)).reshape(6, 1)), 2, shuffle=True, seed=seed)
        def resumed():
            (first, batches), (second, others) = parts(0), parts(1)
            first.fit(batches, 2)
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "run")
                first.save_checkpoint(path, batches)
                second.load_checkpoint(path, others)
            for trainer, loader in ((first, batches), (second, others)):
                trainer.fit(loader, 4)
            return [np.array_equal(a.data, b.data) for a, b in zip(first.model.parameters(), second.model.parameters())]
        expect(resumed(), [True] * 4, mistakes=[
            (raising(TypeError, "save_checkpoint"), "Something in the state is an object, which a file cannot hold. state_of and state_dict() give dicts of numbers and arrays.",
             GENERATORS + HISTORY + STATE.replace("state_of(self.scheduler)", "self.scheduler") + "return state",
             GENERATORS + HISTORY + STATE.replace("state_of(loader)", "loader") + "return state"),
            (raising(ValueError, "generators"), "The generators' states are not in the state, or not all of them. The first line has them, by name.",
             GENERATORS + HISTORY + STATE.replace("generators}", "{}}") + "return state"),
            (raising(ValueError, "scheduler"), "The scheduler is there and its state is not. Ask state_of(self.scheduler).",
             GENERATORS + HISTORY + STATE.replace("state_of(self.scheduler)", "None") + "return state"),
            (raising(ValueError, "loader"), "The loader that was passed is not in the state. Ask state_of(loader).",
             GENERATORS + HISTORY + STATE.replace("state_of(loader)", "None") + "return state")])

    right = [
        GENERATORS + HISTORY + STATE + "return state",
        GENERATORS + "import copy\nhistory = copy.deepcopy(self.history)\n" + STATE + "return state",
        (GENERATORS + "state = dict(epoch=self.epoch, generators=generators)\nstate['history'] = {name: values[:] for name, values in self.history.items()}\n"
         "state['model'] = self.model.state_dict()\nstate['optimizer'] = self.optimizer.state_dict()\nfor name, part in (('scheduler', self.scheduler), ('loader', loader)):\n"
         "    state[name] = state_of(part)\nreturn state"),
    ]


class exercise_replacing:

    def the_bytes_are_there_in_the_end_and_not_before():
        """The bytes are there in the end, and not before"""
        import os, tempfile
        from pathlib import Path
        def write():
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "run")
                Path(path).write_bytes(b"old")
                with replacing(path) as file:
                    file.write(b"new state")
                    file.flush()
                    during = Path(path).read_bytes()
                return during, Path(path).read_bytes(), os.listdir(folder)
        expect(write(), (b"old", b"new state", ["run"]), mistakes=[
            (raising(FileNotFoundError, ".part"), "After the renaming there is no second file any more. Remove it only where it exists.",
             BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\nfinally:\n    os.remove(beside)\n"),
            (FileNotFoundError, "After the block there is no file of this name. os.replace(old, new) takes the name that is given up first, and only `beside` is tidied up.",
             BESIDE + "try:\n" + OPEN + DISK + "    os.replace(path, beside)\n" + TIDY),
            (ValueError, "The function returned. A `with` block needs a `yield`: the function waits there, and goes on when the block is done.",
             BESIDE + "with open(beside, 'wb') as file:\n    return file\n"),
            (raising(TypeError, "must be str"), "The file was opened for text. For bytes the mode is wb.",
             BESIDE + "try:\n" + OPEN.replace("'wb'", "'w'") + DISK + "    os.replace(beside, path)\n" + TIDY),
            (AttributeError, "What the block gets is not a file. Yield the open file, not its name.",
             BESIDE + "try:\n" + OPEN.replace("yield file", "yield beside") + DISK + "    os.replace(beside, path)\n" + TIDY),
            (lambda got: got[0] != b"old", "The old file was opened for writing, and was empty or half written during the block. Write into `beside`.",
             "import os\n\nwith open(path, 'wb') as file:\n    yield file\n    file.flush()\n    os.fsync(file.fileno())\n"),
            (lambda got: got[1] == b"old", "After the block the old file is still there. os.replace(beside, path) exchanges them.",
             BESIDE + "try:\n" + OPEN + DISK + TIDY),
            (lambda got: len(got[2]) > 1, "The second file was left over.",
             BESIDE + "import shutil\nwith open(beside, 'wb') as file:\n    yield file\n    file.flush()\n    os.fsync(file.fileno())\nshutil.copy(beside, path)\n")])

    def after_an_error_the_old_file_is_whole_and_alone():
        """After an error the old file is whole, and alone"""
        import os, tempfile
        from pathlib import Path
        def crash(kind=OSError):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "run")
                Path(path).write_bytes(b"old")
                try:
                    with replacing(path) as file:
                        file.write(b"ne")
                        raise kind("the disk is full")
                except kind as error:
                    return str(error), Path(path).read_bytes(), len(os.listdir(folder))
        expect(crash(), ("the disk is full", b"old", 1), mistakes=[
            (lambda got: got is None, "The error was swallowed, and the program would believe that its state is safe. Let it pass on.",
             BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\nexcept OSError:\n    os.remove(beside)\n"),
            (lambda got: got[1] == b"ne", "Half a state took the place of the old one. The renaming must be skipped after an error, so it does not belong into finally.",
             BESIDE + "try:\n" + OPEN + DISK + "finally:\n    os.replace(beside, path)\n"),
            (lambda got: got[2] == 2, "The half written file is still there. Remove it in a finally, if it exists.",
             BESIDE + OPEN.replace("\n    ", "\n")[4:] + DISK.replace("        ", "    ") + "os.replace(beside, path)\n")])
        expect(crash(ValueError), ("the disk is full", b"old", 1), mistakes=[
            (lambda got: got[2] == 2, "After a ValueError in the block the half written file is still there: `except OSError` does not see it. A finally tidies up after any error.",
             BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\nexcept OSError:\n    os.remove(beside)\n    raise\n")])

        expect(crash(KeyboardInterrupt), ("the disk is full", b"old", 1), mistakes=[
            (lambda got: got[2] == 2, "After Stop, a KeyboardInterrupt, the half written file is still there: `except Exception` does not see it. A finally tidies up whatever happens.",
             BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\nexcept Exception:\n    os.remove(beside)\n    raise\n")])

    def on_the_disk_before_it_gets_its_name():
        """On the disk before it gets its name"""
        import os, tempfile
        from pathlib import Path
        def order():
            calls, fsync, replace, rename = [], os.fsync, os.replace, os.rename
            os.fsync = lambda number: calls.append(("fsync", os.fstat(number).st_size)) or fsync(number)
            def watched(old, new):
                beside = os.path.dirname(old) == os.path.dirname(new)
                calls.append(("from another folder" if not beside else "replace" if os.path.exists(new) else "old file is gone", os.path.getsize(old)))
                replace(old, new)
            os.replace = os.rename = watched
            try:
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "run")
                    Path(path).write_bytes(b"old")
                    with replacing(path) as file:
                        file.write(b"twelve bytes")
            finally:
                os.fsync, os.replace, os.rename = fsync, replace, rename
            return calls
        expect(order(), [("fsync", 12), ("replace", 12)], mistakes=[
            (lambda got: got[:1] == [("fsync", 0)], "fsync came while Python still held the bytes. file.flush() comes first.",
             BESIDE + "try:\n" + OPEN + "        os.fsync(file.fileno())\n    os.replace(beside, path)\n" + TIDY,
             BESIDE + "try:\n" + OPEN.replace("        yield file\n", DISK) + "        yield file\n    os.replace(beside, path)\n" + TIDY),
            (lambda got: "old file is gone" in dict(got), "The old file was removed before the new one had its name. If the machine stops in between, there is neither. os.replace needs no removing.",
             BESIDE + "try:\n" + OPEN + DISK + "    if os.path.exists(path):\n        os.remove(path)\n    os.rename(beside, path)\n" + TIDY),
            (lambda got: "from another folder" in dict(got), "The second file is in another folder, which may be on another disk: then there is nothing to rename, only to copy. Write beside the file, in its own folder.",
             "import os, tempfile\n\nbeside = tempfile.mktemp()\ntry:\n" + OPEN + DISK + "    os.replace(beside, path)\n" + TIDY),
            (lambda got: got == [("fsync", 12)], "The bytes went to `path` by another way than a renaming, and it is half written meanwhile. os.replace exchanges the name in one go.",
             BESIDE + "import shutil\ntry:\n" + OPEN + DISK + "    shutil.copy(beside, path)\n" + TIDY),
            (lambda got: [name for name, size in got] == ["replace"], "The file got its name before its bytes were on the disk: after a power cut it may be empty. os.fsync is missing.",
             BESIDE + "try:\n" + OPEN + "    os.replace(beside, path)\n" + TIDY),
            (lambda got: got[:1] == [("replace", 12)], "The file got its name before fsync. Bring the bytes to the disk first.",
             BESIDE + "try:\n" + OPEN + "        file.flush()\n        os.replace(beside, path)\n        os.fsync(file.fileno())\n" + TIDY),
            (lambda got: got[:1] == [("replace", 0)], "The file was renamed while it was still open and Python held its bytes. Rename after the inner with block.",
             BESIDE + "try:\n" + OPEN + "        os.replace(beside, path)\n" + DISK + TIDY)])

    right = [
        BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\n" + TIDY,
        BESIDE + "try:\n" + OPEN + DISK + "except BaseException:\n    os.remove(beside)\n    raise\nos.replace(beside, path)\n",
        (BESIDE + "file = open(beside, 'wb')\ntry:\n    yield file\n    file.flush()\n    os.fsync(file.fileno())\n    file.close()\n    os.rename(beside, path)\nfinally:\n    file.close()\n"
         "    if os.path.exists(beside):\n        os.remove(beside)\n"),
    ]


class exercise_checkpoint_backward:

    def the_gradient_is_that_of_the_function():
        """The gradient is that of the function"""
        from tinytorch import enable_autograd
        enable_autograd()
        def gradient():
            x = Tensor([1, 2], requires_grad=True)
            checkpoint(lambda x: x * x * x, x).sum().backward()
            return x.grad
        expect(gradient(), np.array([3, 12], dtype=np.float32), mistakes=[
            (lambda got: np.allclose(got, [6, 24]), "Twice the gradient: the second run worked on the inputs themselves, so its gradient arrived there once by itself and once as your result. Run it on the leaves.",
             (LEAVES + "with recording(), draws_again(function, self.states):\n    result = function(*inputs)\n" + SAME + GO_BACK
              + "return (np.zeros_like(anchor.data), None, *leaf_gradients(inputs, self.needs[2:]))")),
            (lambda got: np.allclose(got, 0), "The leaves got no gradient. Let the second result go backward.",
             AGAIN + SAME + RESULT),
            (raising(NameError, "operand"), "operand is a name of the file of chapter 06. The anchor is always a Tensor, so its shape can be asked directly.",
             AGAIN + SAME + GO_BACK + RESULT.replace("anchor.data", "operand(anchor)")),
            (raising(TypeError, "multiply sequence"), "The function got one list. With a star before it each leaf is an argument of its own.",
             AGAIN.replace("*leaves", "leaves") + SAME + GO_BACK + RESULT),
            (raising(RuntimeError, "gave list"), "The gradients of the inputs stand in the tuple one by one. A star unpacks their list.",
             AGAIN + SAME + GO_BACK + RESULT.replace("*leaf", "leaf")),
            (raising(RuntimeError, "gave int"), "The anchor's gradient is an array of zeros of its shape.",
             AGAIN + SAME + GO_BACK + RESULT.replace("np.zeros_like(anchor.data)", "0")),
            (raising(RuntimeError, "no gradient for argument"), "The gradients came in the wrong places. The anchor's is first, then None for the function, then those of the inputs.",
             AGAIN + SAME + GO_BACK + "return (None, *leaf_gradients(leaves, self.needs[2:]))",
             AGAIN + SAME + GO_BACK + RESULT.replace("np.zeros_like(anchor.data)", "None")),
            (raising(RuntimeError, "it must return a tuple"), "Return a tuple: one entry for the anchor, one for the function, and one for each input.",
             AGAIN + SAME + GO_BACK + "return [np.zeros_like(anchor.data), None, *leaf_gradients(leaves, self.needs[2:])]")])

    def it_begins_with_the_gradient_that_arrives():
        """It begins with the gradient that arrives"""
        from tinytorch import enable_autograd
        enable_autograd()
        def gradient():
            x = Tensor([2], requires_grad=True)
            (checkpoint(lambda x: x * x, x * 3).sum() * 5).backward()
            return x.grad
        expect(gradient(), np.array([180], dtype=np.float32), mistakes=[
            (raising(TypeError, "missing"), "The second run worked on the inputs, and its way back went on into the first graph. Run it on the leaves.",
             AGAIN.replace("*leaves", "*inputs") + SAME + GO_BACK + RESULT),
            (lambda got: np.allclose(got, 36), "The factor 5 was lost: backward began with 1. Begin with grad_output.",
             AGAIN + SAME + "if result.requires_grad:\n    result.backward(np.ones_like(result.data))\n" + RESULT)])

    def recorded_even_where_recording_is_off():
        """Recorded even where recording is off"""
        from tinytorch import enable_autograd, no_grad
        enable_autograd()
        def gradient():
            x = Tensor([3], requires_grad=True)
            loss = checkpoint(lambda x: x * x, x).sum()
            with no_grad():
                loss.backward()
            return x.grad
        expect(gradient(), np.array([6], dtype=np.float32), mistakes=[
            (lambda got: np.allclose(got, 0), "Recording was off when backward was called, so the second run left no way back. Let it run inside of recording(), and let its result go backward.",
             AGAIN.replace("recording(), ", "") + SAME + GO_BACK + RESULT)])

    def weights_inside_learn_and_draws_are_repeated():
        """Weights inside learn, and draws are repeated"""
        from tinytorch import Dropout, Linear, Sequential, enable_autograd
        enable_autograd()
        def weights_gradient(wrap):
            model = Sequential(Linear(3, 8, rng=0), Dropout(0.5, rng=1), Linear(8, 1, rng=2))
            wrap(model, Tensor(np.ones((4, 3)))).sum().backward()
            return model[0].weight.grad
        expect(weights_gradient(checkpoint), weights_gradient(lambda model, x: model(x)), mistakes=[
            (None, "The weights inside got no gradient. Let the second result go backward.",
             AGAIN + SAME + RESULT),
            (raising(RuntimeError, "another result"), "The second run dropped other numbers than the first. Let it run inside of draws_again(function, self.states).",
             LEAVES + "with recording():\n    result = function(*leaves)\n" + SAME + GO_BACK + RESULT)])

    def two_inputs_of_which_one_wants_nothing():
        """Two inputs, of which one wants nothing"""
        from tinytorch import enable_autograd
        enable_autograd()
        x, y = Tensor([2]), Tensor([3], requires_grad=True)
        def gradients():
            checkpoint(lambda x, y: x * y * y, x, y).sum().backward()
            return [x.grad, y.grad]
        expect(gradients(), [None, np.array([12], dtype=np.float32)], mistakes=[
            (lambda got: got[1] is None or got[1][0] == 0, "The second input got no gradient. Either nothing went backward, or its need was read at the wrong place: self.needs begins with the anchor and the function, so those of the inputs are self.needs[2:].",
             AGAIN.replace("[2:]", "") + SAME + GO_BACK + RESULT,
             AGAIN.replace("[2:]", "[1:]") + SAME + GO_BACK + RESULT),
            (raising(RuntimeError, "no gradient for argument"), "The gradients came in the wrong places: the anchor's is first, then None for the function, then one for each input, unpacked with a star. What the inputs need stands in self.needs[2:].",
             AGAIN + SAME + GO_BACK + RESULT.replace("[2:]", ""))])
        node = checkpoint(lambda x, y: x * y, x, y)._grad_fn
        expect(node.backward(np.ones(1, dtype=np.float32), *node.args)[0].item(), 0.0, mistakes=[
            (1.0, "Nothing was computed from the anchor, so its gradient is 0.",
             AGAIN + SAME + GO_BACK + RESULT.replace("zeros_like", "ones_like"))])

    def another_result_is_refused_and_one_without_a_way():
        """Another result is refused, and one without a way back is none"""
        from tinytorch import enable_autograd
        enable_autograd()
        numbers = iter([2.0, 3.0])
        x = Tensor([1], requires_grad=True)
        changing = checkpoint(lambda x: x * next(numbers), x)
        expect_raises(RuntimeError, lambda: changing.sum().backward(), mentions=["another result"], mistakes=[
            (None, "The second run multiplied by 3 and the first by 2, and nobody noticed. check_same compares them.",
             AGAIN + GO_BACK + RESULT)])
        constant = checkpoint(lambda x: x * 2, Tensor([1]))
        expect(constant.sum().backward(), None, mistakes=[
            (raising(RuntimeError, "depends on nothing"), "Nothing in this function requires a gradient, so its result cannot go backward. Ask result.requires_grad first.",
             AGAIN + SAME + "result.backward(grad_output)\n" + RESULT)])

    right = [
        AGAIN + SAME + GO_BACK + RESULT,
        AGAIN + SAME + GO_BACK + "grads = (np.zeros(anchor.shape, dtype=anchor.dtype), None)\nreturn grads + tuple(leaf_gradients(leaves, self.needs[2:]))",
        (LEAVES + "with recording(), draws_again(function, self.states):\n    result = function(*leaves)\n    check_same(result, self.output)\n    if result.requires_grad:\n"
         "        result.backward(grad_output)\n" + RESULT),
    ]
