"""Chapter 08: what readers write. See test_chapters.py for how it is used.

WRONG: exercise -> list of (body, fragment of the feedback that names the mistake).
RIGHT: exercise -> list of bodies that differ in their way and must all pass.
"""

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

WRONG = {
    "get_lr": [
        (DONE + "share = (1 - math.cos(math.pi * done)) / 2\n" + BETWEEN, "The run begins with the smallest rate"),
        (DONE + "share = (1 + math.cos(math.pi * done)) / 2\nreturn self.min_lr + self.max_lr * share", "You added the two ends"),
        (DONE + "share = 1 + math.cos(math.pi * done)\n" + BETWEEN, "The share begins at 2"),
        (EPOCH + "done = min((epoch + 1) / self.total_epochs, 1.0)\nshare = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN, "Do not add 1"),
        (DONE + "share = (1 + math.cos(2 * math.pi * done)) / 2\n" + BETWEEN, "that is a whole wave"),
        (DONE + "share = (1 + math.cos(math.pi / 2 * done)) / 2\n" + BETWEEN, "a quarter of a wave"),
        (DONE + "share = (1 + math.cos(done)) / 2\n" + BETWEEN, "pi is missing in it"),
        (DONE + "share = (1 + math.cos(180 * done)) / 2\n" + BETWEEN, "180 is the angle in degrees"),
        (EPOCH + "done = min(epoch / max(self.total_epochs - 1, 1), 1.0)\nshare = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN, "nothing added or taken away"),
        (DONE + "share = 1 - done\n" + BETWEEN, "That is a straight line"),
        (EPOCH + "share = (1 + math.cos(math.pi * epoch / self.total_epochs)) / 2\n" + BETWEEN, "The wave went up again"),
        (DONE + "share = (1 + math.cos(math.pi * done)) / 2\nreturn share * self.max_lr", "min_lr has no part in it"),
        (DONE + "share = (1 + math.cos(math.pi * done)) / 2\nreturn max(share * self.max_lr, self.min_lr)", "min_lr has no part in it"),
        (DONE.replace("/", "//") + "share = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN, "// left 0 of the quotient"),
        (DONE + "share = 1 + math.cos(math.pi * done) / 2\n" + BETWEEN, "Only the cosine was halved"),
        (DONE + "return (1 + math.cos(math.pi * done)) / 2", "That is the share"),
    ],
    "clip_grad_norm": [
        (GRADS + "norm = norm_of(grads)\nfor grad in grads:\n    factor = max_norm / (norm_of([grad]) + 1e-6)\n    if factor < 1:\n        grad *= factor\nreturn norm",
         "Each array was shortened alone"),
        (GRADS + "norm = norm_of(grads)\nfor grad in grads:\n    np.clip(grad, -max_norm, max_norm, out=grad)\nreturn norm", "Single numbers were cut off"),
        (GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\nif factor < 1:\n    for grad in grads:\n        grad = grad * factor\nreturn norm", "Nothing changed"),
        (GRADS + "norm = norm_of(grads)\nif norm > max_norm:\n    for grad in grads:\n        grad /= norm\nreturn norm", "It should be max_norm"),
        (GRADS + "norm = float(sum((grad ** 2).sum() for grad in grads))\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm", "You divided by the sum of squares"),
        (GRADS + "norm = float(sum((grad ** 2).sum() for grad in grads))\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm", "That is the sum of the squares"),
        (GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm_of(grads)", "That is the norm afterwards"),
        (GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN, "Nothing was returned"),
        (GRADS + "norm = float(sum(np.abs(grad).sum() for grad in grads))\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm", "the sum of the sizes"),
        (LIMIT + "grads = [parameter.grad for parameter in parameters]\nnorm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm", "its .grad is None"),
        (GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\nfor grad in grads:\n    grad *= factor\nreturn norm", "The gradient became longer"),
        (LIMIT + "some = [p for p in parameters if p.grad is not None]\nnorm = norm_of([p.grad for p in some])\nfactor = min(max_norm / (norm + 1e-6), 1.0)\n"
         "for p in some:\n    p.grad = p.grad * factor\nreturn norm", "weight.grad is a new array now"),
        (GRADS + "norm = sum(norm_of([grad]) for grad in grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm", "You added the norms of the arrays"),
        (GRADS + "norm = norm_of(grads)\nif norm > max_norm:\n    for grad in grads:\n        grad *= norm / max_norm\nreturn norm", "the factor is upside down"),
        (GRADS + "norm = norm_of(grads)\nfactor = max_norm / norm\n" + SHORTEN + "return norm", "All gradients are 0 here"),
        (GRADS + "norm = norm_of(grads)\nif norm < max_norm:\n    for grad in grads:\n        grad *= max_norm / (norm + 1e-6)\nreturn norm", "The gradient became longer"),
    ],
    "train_step": [
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean = mean + loss * (own / count)\n" + CLIP + STEP + "return mean", "That is a Tensor"),
        (NEW + "for inputs, targets, own in group:\n" + LOSS + BACK + CLIP + STEP, "Nothing was returned"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean", "The optimizer found no gradient"),
        ("mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + NEW + CLIP + STEP + "return mean", "stands between it and the step"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + "return mean", "optimizer.step() is missing"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP
         + "for param in self.optimizer.params:\n    param.data += self.optimizer.lr * param.grad\nreturn mean", "The weight moved up the slope"),
        ("mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean", "zero_grad() is missing"),
        (NEW + "losses = []\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    losses.append(loss.item())\n" + CLIP + STEP + "return sum(losses) / len(losses)",
         "You took the mean of the two losses"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item()\n" + CLIP + STEP + "return mean", "You added the two losses"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own\n" + CLIP + STEP + "return mean", "You added the losses of all four samples"),
        ("mean = 0.0\nfor inputs, targets, own in group:\n    self.optimizer.zero_grad()\n" + LOSS + "    loss.backward()\n    mean += loss.item() * own / count\n"
         "    if self.grad_clip_norm is not None:\n        clip_grad_norm(self.optimizer.params, self.grad_clip_norm)\n    self.optimizer.step()\nreturn mean",
         "One step comes after all batches"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    loss.backward(np.full(loss.shape, 1 / len(group)))\n    mean += loss.item() * own / count\n" + CLIP + STEP
         + "return mean", "you divided by the number of batches"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    loss.backward()\n    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean",
         "The gradients were added without their shares"),
        ("mean = 0.0\nfor inputs, targets, own in group:\n    self.optimizer.zero_grad()\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean",
         "Only the last batch is left"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    loss.backward(np.full(loss.shape, own))\n    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean",
         "The step is four times as long"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + STEP + CLIP + "return mean", "Clip it when it is complete"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + "    if self.grad_clip_norm is not None:\n        clip_grad_norm(self.optimizer.params, self.grad_clip_norm)\n" + STEP + "return mean",
         "clipped before it was complete"),
        ("mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + NEW + "return mean", "zero_grad() is the first call"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    mean = loss * (own / count) + mean\nmean.backward()\n" + CLIP + STEP + "return mean.item()", "the graph of the first was still there"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS.replace("self.model(inputs), targets", "targets, self.model(inputs)") + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean", "The loss got the targets first"),
        (NEW + "for inputs, targets, own in group:\n" + LOSS + BACK + CLIP + STEP + "return loss.item()", "the loss of the last batch alone"),
        (NEW + "for inputs, targets, own in group:\n" + LOSS + BACK + CLIP + STEP + "return sum(self.loss_fn(self.model(x), y).item() * own for x, y, own in group) / count", "the loss after the step"),
        ("self.model.zero_grad()\nmean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean", "A layer of this library has no zero_grad"),
        (NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n    self.optimizer.step()\n    return mean", "Does `return` stand in the loop?"),
    ],
    "evaluate": [
        (NOTHING + BOTH + PASS.replace(" * count", "") + "return total / len(right), share_right(right, seen)", "You took the mean of the batches' means"),
        (NOTHING + BOTH + PASS + "return total / seen", "Return two things"),
        (NOTHING.replace("[]", "0") + BOTH + PASS.replace("right.append(count_right(self.loss_fn, predictions, targets))", "right += count_right(self.loss_fn, predictions, targets)")
         + "return total / seen, right / seen", "Collect what it says in a list"),
        (NOTHING + BOTH + PASS.replace("right.append(count_right(self.loss_fn, predictions, targets))",
                                       "right.append(share_right([count_right(self.loss_fn, predictions, targets)], count))")
         + "return total / seen, share_right(right, len(right))", "Count over all samples"),
        (NOTHING + BOTH + PASS + "return total / seen, share_right(right, 1)", "That is the number of right ones"),
        (NOTHING + BOTH + PASS + "return total / seen, share_right(right, len(right))", "You divided by the number of batches"),
        (NOTHING + "with evaluation_mode(self.model):\n" + PASS + SHARE, "Put the loop inside of no_grad()"),
        (NOTHING + "with no_grad():\n" + PASS + SHARE, "Put the loop inside of evaluation_mode(self.model)"),
        (NOTHING + "self.model.eval()\nwith no_grad():\n" + PASS + SHARE, "would train without Dropout"),
        (NOTHING + "self.model.eval()\nwith no_grad():\n" + PASS + "self.model.train()\n" + SHARE, "A layer that was in the mode for use before"),
        (NOTHING + BOTH + PASS.replace("(self.loss_fn, predictions, targets))", "(self.loss_fn, self.model(inputs), targets))") + SHARE, "Each batch went through the model twice"),
        (NOTHING + BOTH + PASS.replace("right.append(count_right(self.loss_fn, predictions, targets))", "right = [count_right(self.loss_fn, predictions, targets)]") + SHARE,
         "Only the last batch was counted"),
        (NOTHING + BOTH + PASS.replace(" * count", "") + SHARE, "stands for all its samples"),
        (NOTHING + BOTH.replace("no_grad()", "no_grad") + PASS + SHARE, "an object of the class"),
        (NOTHING + BOTH.replace("(), ", "() and ") + PASS + SHARE, "Put the loop inside of no_grad()"),
        (NOTHING + BOTH + PASS + "        return total / seen, share_right(right, seen)\n", "Does `return` stand in the loop?"),
    ],
    "state_dict": [
        (GENERATORS + HISTORY + STATE + "del state['optimizer']\nreturn state", "The optimizer's state is missing"),
        (GENERATORS + HISTORY + STATE + "del state['generators']\nreturn state", "The generators are missing"),
        (GENERATORS + HISTORY + STATE + "return {name: part for name, part in state.items() if part is not None}", "Give an entry also to what is None"),
        (GENERATORS + "history = self.history\n" + STATE + "return state", "The saved history went on growing"),
        (GENERATORS + "history = dict(self.history)\n" + STATE + "return state", "each list in it"),
        (GENERATORS + HISTORY + STATE.replace("self.model.state_dict()", "self.model.state_arrays()") + "return state", "The saved weights moved with the model"),
        (GENERATORS + HISTORY + STATE.replace("state_of(self.scheduler)", "self.scheduler") + "return state", "Something in the state is an object"),
        (GENERATORS + HISTORY + STATE.replace("state_of(self.scheduler)", "None") + "return state", "The scheduler is there and its state is not"),
        (GENERATORS + HISTORY + STATE.replace("state_of(loader)", "None") + "return state", "The loader that was passed is not in the state"),
        (GENERATORS + HISTORY + STATE.replace("generators}", "{}}") + "return state", "not in the state, or not all of them"),
        (GENERATORS + HISTORY + STATE.replace("state_of(loader)", "loader") + "return state", "Something in the state is an object"),
        (GENERATORS + HISTORY + STATE.replace("self.epoch", "self.epoch + 1") + "return state", "Save it as it is"),
    ],
    "replacing": [
        ("import os\n\nwith open(path, 'wb') as file:\n    yield file\n    file.flush()\n    os.fsync(file.fileno())\n", "The old file was opened for writing"),
        (BESIDE + "try:\n" + OPEN + DISK + TIDY, "After the block the old file is still there"),
        (BESIDE + "import shutil\nwith open(beside, 'wb') as file:\n    yield file\n    file.flush()\n    os.fsync(file.fileno())\nshutil.copy(beside, path)\n", "The second file was left over"),
        (BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\nexcept OSError:\n    os.remove(beside)\n", "The error was swallowed"),
        (BESIDE + "try:\n" + OPEN + DISK + "finally:\n    os.replace(beside, path)\n", "Half a state took the place of the old one"),
        (BESIDE + OPEN.replace("\n    ", "\n")[4:] + DISK.replace("        ", "    ") + "os.replace(beside, path)\n", "The half written file is still there"),
        (BESIDE + "try:\n" + OPEN + "        os.fsync(file.fileno())\n    os.replace(beside, path)\n" + TIDY, "file.flush() comes first"),
        (BESIDE + "try:\n" + OPEN + "    os.replace(beside, path)\n" + TIDY, "os.fsync is missing"),
        (BESIDE + "try:\n" + OPEN + "        file.flush()\n        os.replace(beside, path)\n        os.fsync(file.fileno())\n" + TIDY, "Bring the bytes to the disk first"),
        (BESIDE + "try:\n" + OPEN + "        os.replace(beside, path)\n" + DISK + TIDY, "The file was renamed while it was still open"),
        (BESIDE + "try:\n" + OPEN + DISK + "    if os.path.exists(path):\n        os.remove(path)\n    os.rename(beside, path)\n" + TIDY, "The old file was removed before"),
        (BESIDE + "import shutil\ntry:\n" + OPEN + DISK + "    shutil.copy(beside, path)\n" + TIDY, "by another way than a renaming"),
        (BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\nfinally:\n    os.remove(beside)\n", "Remove it only where it exists"),
        (BESIDE + "try:\n" + OPEN.replace("'wb'", "'w'") + DISK + "    os.replace(beside, path)\n" + TIDY, "For bytes the mode is wb"),
        (BESIDE + "try:\n" + OPEN.replace("yield file", "yield beside") + DISK + "    os.replace(beside, path)\n" + TIDY, "Yield the open file"),
        (BESIDE + "try:\n" + OPEN.replace("        yield file\n", DISK) + "        yield file\n    os.replace(beside, path)\n" + TIDY, "file.flush() comes first"),
        (BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\nexcept OSError:\n    os.remove(beside)\n    raise\n", "A finally tidies up after any error"),
        (BESIDE + "try:\n" + OPEN + DISK + "    os.replace(path, beside)\n" + TIDY, "the name that is given up first"),
        (BESIDE + "with open(beside, 'wb') as file:\n    return file\n", "The function returned"),
    ],
    "checkpoint_backward": [
        (LEAVES + "with recording(), draws_again(function, self.states):\n    result = function(*inputs)\n" + SAME + GO_BACK
         + "return (np.zeros_like(anchor.data), None, *leaf_gradients(inputs, self.needs[2:]))", "Run it on the leaves"),
        (AGAIN + SAME + RESULT, "The leaves got no gradient"),
        (AGAIN + SAME + RESULT, "The weights inside got no gradient"),
        (AGAIN + SAME + GO_BACK + "return (None, *leaf_gradients(leaves, self.needs[2:]))", "The gradients came in the wrong places"),
        (AGAIN + SAME + GO_BACK + "return [np.zeros_like(anchor.data), None, *leaf_gradients(leaves, self.needs[2:])]", "Return a tuple"),
        (AGAIN + SAME + "if result.requires_grad:\n    result.backward(np.ones_like(result.data))\n" + RESULT, "The factor 5 was lost"),
        (LEAVES + "with recording():\n    result = function(*leaves)\n" + SAME + GO_BACK + RESULT, "Let it run inside of draws_again"),
        (AGAIN + GO_BACK + RESULT, "nobody noticed"),
        (AGAIN + SAME + "result.backward(grad_output)\n" + RESULT, "Ask result.requires_grad first"),
        (AGAIN + SAME + GO_BACK + RESULT.replace("anchor.data", "operand(anchor)"), "operand is a name of the file of chapter 06"),
        (AGAIN.replace("*leaves", "*inputs") + SAME + GO_BACK + RESULT, "went on into the first graph"),
        (AGAIN.replace("*leaves", "leaves") + SAME + GO_BACK + RESULT, "The function got one list"),
        (AGAIN + SAME + GO_BACK + RESULT.replace("*leaf", "leaf"), "A star unpacks their list"),
        (AGAIN + SAME + GO_BACK + RESULT.replace("np.zeros_like(anchor.data)", "0"), "an array of zeros of its shape"),
        (AGAIN + SAME + GO_BACK + RESULT.replace("np.zeros_like(anchor.data)", "None"), "The gradients came in the wrong places"),
    ],
}

RIGHT = {
    "get_lr": [
        DONE + "share = (1 + math.cos(math.pi * done)) / 2\n" + BETWEEN,
        EPOCH + "if epoch >= self.total_epochs:\n    return self.min_lr\nangle = math.pi * epoch / self.total_epochs\n"
        "return self.min_lr + (self.max_lr - self.min_lr) * math.cos(angle / 2) ** 2",
        DONE + "middle, half = (self.max_lr + self.min_lr) / 2, (self.max_lr - self.min_lr) / 2\nreturn float(middle + half * np.cos(np.pi * done))",
    ],
    "clip_grad_norm": [
        GRADS + "norm = norm_of(grads)\nfactor = max_norm / (norm + 1e-6)\n" + SHORTEN + "return norm",
        LIMIT + "grads = []\nfor parameter in parameters:\n    if parameter.grad is not None:\n        grads.append(parameter.grad)\nnorm = norm_of(grads)\nif norm > max_norm:\n"
        "    for grad in grads:\n        grad[...] = grad * (max_norm / norm)\nreturn norm",
        GRADS + "norm = math.sqrt(sum(float((grad * grad).sum()) for grad in grads))\nif norm > max_norm:\n    for grad in grads:\n        np.multiply(grad, max_norm / (norm + 1e-6), out=grad)\nreturn norm",
    ],
    "train_step": [
        NEW + "mean = 0.0\nfor inputs, targets, own in group:\n" + LOSS + BACK + "    mean += loss.item() * own / count\n" + CLIP + STEP + "return mean",
        NEW + "total = 0.0\nfor inputs, targets, own in group:\n" + LOSS + "    (loss * (own / count)).backward()\n    total += loss.item() * own\n" + CLIP + STEP + "return total / count",
        "mean = 0.0\nfor param in self.optimizer.params:\n    param.zero_grad()\nfor batch in group:\n    share = batch[2] / count\n    loss = self.loss_fn(self.model(batch[0]), batch[1])\n"
        "    mean += share * loss.item()\n    loss.backward(np.array(share))\n" + CLIP + STEP + "return mean",
    ],
    "evaluate": [
        NOTHING + BOTH + PASS + SHARE,
        NOTHING + "with no_grad():\n    with evaluation_mode(self.model):\n" + PASS.replace("\n    ", "\n        ").replace("    for", "        for", 1) + SHARE,
        "losses, counts, right = [], [], []\n" + BOTH + "    for inputs, targets, count in pairs('evaluate', loader):\n        predictions = self.model(inputs)\n"
        "        losses.append(self.loss_fn(predictions, targets).item())\n        counts.append(count)\n        right.append(count_right(self.loss_fn, predictions, targets))\n"
        "return float(np.average(losses, weights=counts)), share_right(right, sum(counts))",
    ],
    "state_dict": [
        GENERATORS + HISTORY + STATE + "return state",
        GENERATORS + "import copy\nhistory = copy.deepcopy(self.history)\n" + STATE + "return state",
        GENERATORS + "state = dict(epoch=self.epoch, generators=generators)\nstate['history'] = {name: values[:] for name, values in self.history.items()}\n"
        "state['model'] = self.model.state_dict()\nstate['optimizer'] = self.optimizer.state_dict()\nfor name, part in (('scheduler', self.scheduler), ('loader', loader)):\n"
        "    state[name] = state_of(part)\nreturn state",
    ],
    "replacing": [
        BESIDE + "try:\n" + OPEN + DISK + "    os.replace(beside, path)\n" + TIDY,
        BESIDE + "try:\n" + OPEN + DISK + "except BaseException:\n    os.remove(beside)\n    raise\nos.replace(beside, path)\n",
        BESIDE + "file = open(beside, 'wb')\ntry:\n    yield file\n    file.flush()\n    os.fsync(file.fileno())\n    file.close()\n    os.rename(beside, path)\nfinally:\n    file.close()\n"
        "    if os.path.exists(beside):\n        os.remove(beside)\n",
    ],
    "checkpoint_backward": [
        AGAIN + SAME + GO_BACK + RESULT,
        AGAIN + SAME + GO_BACK + "grads = (np.zeros(anchor.shape, dtype=anchor.dtype), None)\nreturn grads + tuple(leaf_gradients(leaves, self.needs[2:]))",
        LEAVES + "with recording(), draws_again(function, self.states):\n    result = function(*leaves)\n    check_same(result, self.output)\n    if result.requires_grad:\n"
        "        result.backward(grad_output)\n" + RESULT,
    ],
}
