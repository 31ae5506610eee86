"""Chapter 16: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import copy
import math

import numpy as np

from tinytorch import BatchNorm2d, Conv2d, Linear, ReLU, Sequential, Tensor, structured_prune
from tinytorch.core.activations import Sigmoid
from tinytorch.core.spatial import Flatten
from tinytorch.learn.expecting import expect, expect_copies, expect_raises, expect_unchanged, peak, raising
from tinytorch.perf.compression import (
    LoRALinear,
    PruningMask,
    cut_inputs,
    cut_outputs,
    low_rank_approximate,
    measure_sparsity,
    on_front,
    smallest,
    soft_loss,
)

ARRAYS = ("layer = isinstance(model, Layer)\n"
          "arrays = [weight.data for _, weight in prunable_weights(model)] if layer else [plain_array(model)]\n"
          "total = sum(array.size for array in arrays)\n")
EMPTY = ("if total == 0:\n"
         '    raise ValueError(f"measure_sparsity: shape {arrays[0].shape} holds no elements, so no share of them is zero")\n')
GIVEN = ARRAYS + EMPTY
NOTHING = "chosen = np.zeros(magnitudes.size, dtype=bool)\n"
OLD = "step = optimizer.step\n"
LINEAR = "if isinstance(layer, Linear):\n    layer.weight = like(layer.weight, layer.weight.data[:, keep])\n    layer.out_features = int(keep.sum())\n"
CONV = "else:\n    layer.weight = like(layer.weight, layer.weight.data[keep])\n    layer.out_channels = int(keep.sum())\n"
BIAS = "if layer.bias is not None:\n    layer.bias = like(layer.bias, layer.bias.data[keep])\n"
MATRIX = "array = check_matrix(matrix)\ncheck_rank_or_energy(rank, energy, array.shape)\n"
SVD = "u, s, vt = np.linalg.svd(array, full_matrices=False)\n"
RANK = "if rank is None:\n    rank = rank_for_energy(s, energy)\n"
ROOT = "root = np.sqrt(s[:rank])\n"
BOTH = "left, right = u[:, :rank] * root, root[:, np.newaxis] * vt[:rank]\n"
LOW = "return LowRank(left, right, float(np.linalg.norm(s[rank:])))"
TEACHER = "teacher = check_logits(student_logits, teacher_logits)\ncheck_temperature(temperature)\n"
LOG_P = "log_p = log_softmax(Tensor(teacher / temperature, dtype=student_logits.dtype))\n"
LOG_Q = "log_q = log_softmax(student_logits * (1.0 / temperature))\n"
SAMPLES = "samples = student_logits.size // student_logits.shape[-1]\n"
LOGS = TEACHER + LOG_P + LOG_Q + SAMPLES
MEAN = "return (log_p.exp() * (log_p - log_q)).sum() * (temperature * temperature / samples)"
WEIGHT = ("weight = outputs_first(layer)\nif weight.shape[1] % keep.size != 0:\n    raise ValueError(\n"
          '        f"structured_prune: {layer!r} follows a layer of {keep.size} outputs, which its "\n'
          '        "inputs are no multiple of; the model cannot run as it is"\n    )\n')
REPEAT = "keep = np.repeat(keep, weight.shape[1] // keep.size)\ngone = weight[:, ~keep]\n"
TILE = REPEAT.replace("np.repeat", "np.tile")
CONSTANT = ("if constant != 0:\n    moved = constant * gone.sum(axis=tuple(range(1, gone.ndim)))\n"
            "    layer.bias = like(layer.weight, moved if layer.bias is None else layer.bias.data + moved)\n")
ONE_FOR_ALL = CONSTANT.replace("gone.sum(axis=tuple(range(1, gone.ndim)))", "gone.sum(keepdims=True).reshape(-1).repeat(len(gone))")
TAKEN = ("if isinstance(layer, Linear):\n    layer.weight = like(layer.weight, layer.weight.data[keep])\n    layer.in_features = int(keep.sum())\n"
         "else:\n    layer.weight = like(layer.weight, layer.weight.data[:, keep])\n    layer.in_channels = int(keep.sum())\n")
RUNS = "sizes, accuracies = np.asarray(sizes), np.asarray(accuracies)\n"
PAIRS = ("as_small, smaller = sizes <= sizes[:, np.newaxis], sizes < sizes[:, np.newaxis]\n"
         "as_good, better = accuracies >= accuracies[:, np.newaxis], accuracies > accuracies[:, np.newaxis]\n")
BEATEN = "beaten = as_small & as_good & (smaller | better)\n"
LOOPS = ("runs = list(zip(sizes, accuracies))\nreturn np.array([not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in runs)\n"
         "                 for size, accuracy in runs], dtype=bool)")
AS_TENSOR = "x = x if isinstance(x, Tensor) else Tensor(x)\n"
COPY = "layer = copy.deepcopy(self.base)\n"
ADD = "layer.weight.data += self.down.data @ self.up.data * self.scale\n"
FREE = "for parameter in layer.parameters():\n    parameter.requires_grad = True\n"


class exercise_measure_sparsity:

    def the_share_in_an_array():
        """The share of zeros in an array"""
        expect(measure_sparsity(np.array([[0.0, 1.0], [0.0, 0.0]])), 0.75, mistakes=[
            (0.25, "That is the share of what is not zero. np.count_nonzero counts the others; take it from 1, or from the whole.",
             GIVEN + "return sum(np.count_nonzero(array) for array in arrays) / total"),
            (3, "Those are the zeros. Divide by how many numbers there are.",
             GIVEN + "return total - sum(int(np.count_nonzero(array)) for array in arrays)"),
            (lambda got: np.shape(got) == () and got in (0, 1), "For three zeros of four a whole number came back. `//` drops the fraction; a share needs `/`.",
             GIVEN + "return sum(array.size - np.count_nonzero(array) for array in arrays) // total",
             GIVEN + "return 1 - sum(np.count_nonzero(array) for array in arrays) // total"),
            (lambda got: np.shape(got) == (2, 2), "An array came back. `array == 0` says of each number whether it is zero; count these, for all arrays, and divide once.",
             GIVEN + "return sum(array == 0 for array in arrays) / total"),
            (75, "That is in per cent. A share goes from 0 to 1.",
             GIVEN + "return 100 * sum(array.size - np.count_nonzero(array) for array in arrays) / total")])
        expect(measure_sparsity(Tensor([[2.0, -0.0, 1.0, 0.0]])), 0.5, mistakes=[
            (lambda got: got in (0.25, 0.75), "-0.0 is a zero too.",
             GIVEN + "return sum(int(((array == 0) & ~np.signbit(array)).sum()) for array in arrays) / total")])
        expect(measure_sparsity(np.array([-1.0, 1e-9, 0.0, 5.0])), 0.25, mistakes=[
            (lambda got: got > 0.25, "A number below zero, or a very small one, was counted. Only what equals 0 is a zero.",
             GIVEN + "return sum(int((array <= 0).sum()) for array in arrays) / total",
             GIVEN + "return sum(int((abs(array) < 1e-6).sum()) for array in arrays) / total")])

    def all_weights_of_a_layer_together():
        """All weights of a layer together, large ones count more"""
        model = Sequential(Linear(9, 10), ReLU(), Linear(10, 1))
        model[0].weight.data[:], model[2].weight.data[:] = 1, 0
        model[0].weight.data[0, :5], model[2].weight.data[:2] = 0, 1
        expect(measure_sparsity(model), 0.13, mistakes=[
            (lambda got: np.isclose(got, (5 / 90 + 0.8) / 2), "You took the mean of the shares. Thirteen zeros of a hundred weights are 0.13, however they are spread over the layers.",
             GIVEN + "return sum((array == 0).mean() for array in arrays) / len(arrays)"),
            (lambda got: np.isclose(got, 5 / 90), "Only the first array was looked at. `arrays` holds the weights of all layers.",
             GIVEN + "return float((arrays[0] == 0).mean())"),
            (lambda got: np.isclose(got, 0.8), "Only the last array was looked at. `arrays` holds the weights of all layers.",
             GIVEN + "return float((arrays[-1] == 0).mean())"),
            (0.08, "Only the zeros of the last array were counted. Add them up over all arrays.",
             GIVEN + "for array in arrays:\n    zeros = int((array == 0).sum())\nreturn zeros / total"),
            (0.05, "Only the zeros of the first array were counted. Add them up over all arrays.",
             GIVEN + "return np.count_nonzero(arrays[0] == 0) / total"),
            (lambda got: np.isclose(got, 13 / 90), "You divided by the size of the first array. `total` is how many numbers all of them hold.",
             GIVEN + "return sum(array.size - int(np.count_nonzero(array)) for array in arrays) / arrays[0].size"),
            (lambda got: np.isclose(got, 24 / 111), "Biases were counted too. `arrays` holds what is pruned, and no bias.",
             GIVEN + "if layer:\n    arrays = [p.data for p in model.parameters()]\n    total = sum(array.size for array in arrays)\nreturn sum(int((array == 0).sum()) for array in arrays) / total"),
            (raising(ValueError, "inhomogeneous"), "`arrays` is a list of arrays of different shapes. Go through it, and count in each.",
             GIVEN + "return 1 - np.count_nonzero(arrays) / total"),
            (raising(AttributeError, "bool"), "`model` may be a Layer, which equals no number. `arrays` holds what is to be looked at.",
             GIVEN + "return float(np.mean(plain_array(model) == 0)) if not layer else (model == 0).mean()")])

    def the_share_of_nothing():
        """Of no numbers there is no share, and the result is a float"""
        expect_raises(ValueError, lambda: measure_sparsity(np.zeros((0, 3))), mentions=["shape (0, 3) holds no elements"], mistakes=[
            (ZeroDivisionError, "An array without elements has no share of zeros. Leave the refusal that was given.",
             ARRAYS + "return sum(array.size - int(np.count_nonzero(array)) for array in arrays) / total")])
        expect(isinstance(measure_sparsity(np.eye(2)), float), True, mistakes=[
            (False, "The value is right, and it is an array, a Tensor or a number of another kind. `float(…)` makes a float of it.",
             GIVEN + "return np.float32(sum(array.size - np.count_nonzero(array) for array in arrays) / total)",
             GIVEN + "return np.array(sum(array.size - np.count_nonzero(array) for array in arrays) / total)")])

    wrong = [
        (GIVEN + "return sum(int(np.count_nonzero(array == 0)) for array in arrays) / len(arrays)", "0.75"),
    ]

    right = [
        GIVEN + "return sum(int((array == 0).sum()) for array in arrays) / total",
        GIVEN + "left = sum(int(np.count_nonzero(array)) for array in arrays)\nreturn 1.0 - left / total",
        GIVEN + "return float(np.mean(np.concatenate([array.ravel() for array in arrays]) == 0))",
        GIVEN + "return np.mean(np.concatenate([array.ravel() for array in arrays]) == 0)",
        GIVEN + "zeros = 0\nfor array in arrays:\n    zeros += array.size - np.count_nonzero(array)\nreturn zeros / total",
    ]


class exercise_smallest:

    def the_two_smallest():
        """The two smallest of four"""
        expect(smallest(np.array([4.0, 1.0, 3.0, 2.0]), 2), np.array([False, True, False, True]), mistakes=[
            (np.array([True, False, False, True]), "Positions were compared with `count`. What np.argsort gives at place 0 is where the smallest number is; the first `count` of these positions are those to be marked.",
             "return np.argsort(magnitudes, kind='stable') < count",
             NOTHING + "chosen[np.argsort(magnitudes, kind='stable') < count] = True\nreturn chosen"),
            (np.array([False, False, False, False]), "Nothing was chosen. An index with an array makes a copy, and what is written into a part of it is lost: cut the positions first, then write.",
             NOTHING + "chosen[np.argsort(magnitudes, kind='stable')][:count] = True\nreturn chosen"),
            (np.array([False, True, True, True]), "Three were chosen, one too many. A slice up to `count` holds exactly `count`.",
             NOTHING + "chosen[np.argsort(magnitudes, kind='stable')[:count + 1]] = True\nreturn chosen"),
            (np.array([True, False, True, False]), "Those are the largest. np.argsort puts the smallest first.",
             NOTHING + "chosen[np.argsort(magnitudes, kind='stable')[-count:]] = True\nreturn chosen",
             NOTHING + "chosen[np.argsort(-magnitudes, kind='stable')[:count]] = True\nreturn chosen",
             NOTHING + "chosen[np.argsort(magnitudes, kind='stable')[:count]] = True\nreturn ~chosen"),
            (np.array([1, 3]), "Those are the positions. Write True at these positions into an array of booleans.",
             "return np.argsort(magnitudes, kind='stable')[:count]"),
            (np.array([1.0, 2.0]), "Those are the numbers themselves. Asked for is where they are: a boolean for each.",
             "return np.sort(magnitudes)[:count]"),
            (np.array([True, True, False, False]), "You sorted, and then marked the first two places. What np.argsort gives is where the smallest are.",
             NOTHING + "order = np.argsort(magnitudes, kind='stable')\nchosen[:count] = True\nreturn chosen"),
            (np.array([False, True, False, False]), "One too few. A slice up to `count` holds exactly `count`; a comparison with a threshold leaves it out itself.",
             "return magnitudes < np.sort(magnitudes)[count - 1]",
             NOTHING + "chosen[np.argsort(magnitudes, kind='stable')[:count - 1]] = True\nreturn chosen"),
            (lambda got: got.dtype != bool and np.array_equal(got, [0, 1, 0, 1]), "The right places, but as numbers. `dtype=bool` makes booleans, and only those can be turned round with ~ and choose as an index.",
             "chosen = np.zeros(magnitudes.size)\nchosen[np.argsort(magnitudes, kind='stable')[:count]] = 1\nreturn chosen"),
            (np.array([False, True, False, True, False]), "The array has a place too many; it needs one for each number.",
             "chosen = np.zeros(magnitudes.size + 1, dtype=bool)\nchosen[np.argsort(magnitudes, kind='stable')[:count]] = True\nreturn chosen")])
        expect(smallest(np.array([5.0, 4.0, 3.0, 2.0, 1.0]), 2), np.array([False, False, False, True, True]))

    def of_equal_ones_the_earlier():
        """Of equal numbers the earlier, and exactly as many as asked for"""
        expect(smallest(np.array([3.0, 1.0, 1.0, 1.0]), 2), np.array([False, True, True, False]), mistakes=[
            (np.array([False, True, True, True]), "Three were chosen. Where numbers are equal, a threshold takes all of them; exactly the first `count` positions from np.argsort do not.",
             "return np.zeros(magnitudes.size, bool) if count == 0 else magnitudes <= np.sort(magnitudes)[count - 1]"),
            (np.array([False, False, False, False]), "None was chosen. Where numbers are equal, a threshold leaves all of them out, and what is written into a copy is lost; write to the positions that np.argsort gives.",
             "return magnitudes < np.append(np.sort(magnitudes), np.inf)[count]"),
            (np.array([False, False, True, True]), "Of the equal ones the later were chosen. The order must keep the earlier in front.",
             NOTHING + "chosen[magnitudes.size - 1 - np.argsort(magnitudes[::-1], kind='stable')[:count]] = True\nreturn chosen")])
        many = np.tile([2.0, 1.0, 1.0], 100)
        expect(np.flatnonzero(smallest(many, 60)), np.flatnonzero(many == 1)[:60], mistakes=[
            (lambda got: len(got) == 60, "Sixty were chosen, but not the first sixty of the equal ones. np.argsort promises no order among equals unless it is told kind=\"stable\".",
             NOTHING + "chosen[np.argsort(magnitudes)[:count]] = True\nreturn chosen",
             NOTHING + "chosen[np.argpartition(magnitudes, min(count, magnitudes.size - 1))[:count]] = True\nreturn chosen")])

    def none_and_all():
        """None of them, all of them, and of no numbers"""
        expect(smallest(np.array([2.0, 1.0, 3.0]), 0), np.array([False, False, False]), mistakes=[
            (lambda got: got.all(), "With a count of 0 everything was chosen: a slice from -0 on begins at 0, so it is the whole.",
             NOTHING + "falling = np.argsort(magnitudes, kind='stable')[::-1]\nchosen[falling[-count:]] = True\nreturn chosen")])
        expect(smallest(np.array([2.0, 1.0, 3.0]), 3), np.array([True, True, True]), mistakes=[
            (IndexError, "There is no number at position `count` when all are asked for. A slice can end there, an index cannot.",
             NOTHING + "order = np.argsort(magnitudes, kind='stable')\nfirst_that_stays = order[count]\nfor i in order:\n    if i == first_that_stays:\n        return chosen\n    chosen[i] = True")])
        expect(smallest(np.array([]), 0), np.array([], dtype=bool), mistakes=[
            (lambda got: isinstance(got, np.ndarray) and got.dtype != bool, "Of no numbers none is chosen, and an array made of an empty list has no booleans in it. `dtype=bool` says what it holds.",
             "order = np.argsort(magnitudes, kind='stable')[:count].tolist()\nreturn np.array([place in order for place in range(len(magnitudes))])")])

    def the_numbers_stay():
        """The numbers stay as they are"""
        numbers = np.array([3.0, 1.0, 2.0])
        with expect_unchanged(numbers):
            expect(np.count_nonzero(smallest(numbers, 2)), 2)

    wrong = [
        (NOTHING + "for _ in range(count):\n    place = magnitudes.argmin()\n    chosen[place] = True\n    magnitudes[place] = np.inf\nreturn chosen", "changed its input"),
        ("return [bool(i in np.argsort(magnitudes, kind='stable')[:count]) for i in range(len(magnitudes))]", "list"),
        (NOTHING + "chosen[np.argsort(magnitudes, kind='stable')[:count]] = True", "returned None"),
    ]

    right = [
        NOTHING + "chosen[np.argsort(magnitudes, kind='stable')[:count]] = True\nreturn chosen",
        "return np.argsort(np.argsort(magnitudes, kind='stable'), kind='stable') < count",
        "return np.isin(np.arange(magnitudes.size), np.argsort(magnitudes, kind='stable')[:count])",
        "chosen = np.ones(magnitudes.size, dtype=bool)\nchosen[np.argsort(magnitudes, kind='stable')[count:]] = False\nreturn chosen",
    ]


class exercise_follow:

    def the_pruned_weight_is_zero_after_a_step():
        """After a step the pruned weights are zero and the others have moved"""
        from tinytorch import SGD, enable_autograd
        enable_autograd()
        layer = Linear(2, 1, bias=False)
        layer.weight.data[:] = [[2.0], [1.0]]
        layer.weight.grad = np.array([[5.0], [5.0]], dtype=np.float32)
        optimizer = SGD([layer.weight], lr=0.1)
        mask = PruningMask(layer, {"weight": np.array([[False], [True]])})
        expect([mask.follow(optimizer), layer.weight.grad.tolist()][1], [[5.0], [5.0]], mistakes=[
            (raising(AttributeError, "hook"), "There are no hooks here. Put a function of your own in the place of `optimizer.step`, which calls the old one and then applies the mask.",
             "optimizer.register_step_post_hook(lambda *given: self.apply())"),
            (lambda got: True, "Nothing should happen at the time of the call, and the gradients have been changed. What must change is what a later step does.",
             "for name, parameter in self.parameters.items():\n    if parameter.grad is not None:\n        parameter.grad *= self.kept[name]\n" + OLD + "def new():\n    step()\n    self.apply()\noptimizer.step = new")])
        expect(layer.weight.data.tolist(), [[2.0], [1.0]], mistakes=[
            (lambda got: got == [[0.0], [1.0]], "The mask was applied at the time of the call. Nothing should happen then; `self.apply()` belongs into the new step alone.",
             "self.apply()",
             "self.apply()\n" + OLD + "def new():\n    step()\n    self.apply()\noptimizer.step = new",
             OLD + "def new():\n    step()\n    self.apply()\noptimizer.step = new\nself.apply()"),
            (lambda got: got[1][0] != 1, "A step was made at the time of the call. `optimizer.step` names the function, `optimizer.step()` calls it.",
             "optimizer.step()\nself.apply()",
             "step = optimizer.step()\noptimizer.step = lambda: self.apply()")])
        expect([optimizer.step(), layer.weight.data.tolist()][1], [[0.0], [0.5]], mistakes=[
            (RecursionError, "The new step calls `optimizer.step`, which is by then the new step itself, and so on for ever. Keep the old one in a variable before you replace it.",
             "def new():\n    optimizer.step()\n    self.apply()\noptimizer.step = new"),
            (raising(TypeError, "NoneType"), "`optimizer.step` is None now. What is put there must be a function, and what was called instead gave nothing back: no parentheses.",
             "optimizer.step = None"),
            (raising(TypeError, "positional argument"), "A function was called without something that it needs. One that is put on an object from outside gets no self, so the new step has no parameters; and the mask's own is called as `self.apply()`.",
             OLD + "def new(self):\n    step()\n    self.apply()\noptimizer.step = new"),
            (lambda got: got in ([[1.5], [0.5]], [[-0.5], [0.5]]), "The step moved the pruned weight, and it is not zero. The mask must be applied at each later step, and after it.",
             OLD + "def new():\n    self.apply()\n    step()\noptimizer.step = new",
             OLD + "def new():\n    step()\n    self.apply()",
             OLD + "def new():\n    step()\n    self.apply\noptimizer.step = new"),
            (lambda got: got[1][0] == 1, "The other weight has not moved: the old step is never called. The new one does what the old one did, and more.",
             "optimizer.step = self.apply",
             "optimizer.step = lambda: (optimizer.step, self.apply())[1]"),
            ([[0.0], [0.0]], "The step was made twice.",
             OLD + "def new():\n    step()\n    step()\n    self.apply()\noptimizer.step = new")])

    def it_is_one_function_for_all_later_steps():
        """All later steps, and the old one is called, not the new one by itself"""
        from tinytorch import SGD, enable_autograd
        enable_autograd()
        layer = Linear(2, 1, bias=False)
        layer.weight.data[:] = [[0.0], [4.0]]
        layer.weight.grad = np.array([[5.0], [5.0]], dtype=np.float32)
        optimizer = SGD([layer.weight], lr=0.1)
        PruningMask(layer, {"weight": np.array([[False], [True]])}).follow(optimizer)
        expect([optimizer.step(), optimizer.step(), layer.weight.data[1, 0].item()][2], 3.0, mistakes=[
            (RecursionError, "Here too the new step calls itself, and no step ends. The old one must be in a variable.",
             "def new():\n    optimizer.step()\n    self.apply()\noptimizer.step = new"),
            (raising(TypeError, "NoneType"), "Here too `optimizer.step` is None, and no function.",
             OLD + "def new():\n    step()\n    self.apply()\noptimizer.step = new()"),
            (raising(TypeError, "positional argument"), "Here too a function was called without something that it needs. The new step has no parameters.",
             OLD + "def new(self):\n    step()\n    self.apply()\noptimizer.step = new"),
            (3.5, "The second step did not go through the new function, or made no step. Nothing should be put back after the first.",
             OLD + "def new():\n    step()\n    self.apply()\n    optimizer.step = self.apply\noptimizer.step = new")])
        expect(layer.weight.data[0, 0].item(), 0.0, mistakes=[
            (lambda got: got != 0, "The second step brought the weight back. The mask belongs to every step.",
             OLD + "def new():\n    step()\n    self.apply()\n    optimizer.step = step\noptimizer.step = new")])

    def memory_of_earlier_gradients():
        """A running mean from before the pruning does not bring a weight back"""
        from tinytorch import Adam, enable_autograd
        enable_autograd()
        layer = Linear(2, 1, bias=False)
        layer.weight.data[:] = [[2.0], [1.0]]
        optimizer = Adam([layer.weight], lr=0.1)
        layer.weight.grad = np.ones((2, 1), dtype=np.float32)
        optimizer.step()
        mask = PruningMask(layer, {"weight": np.array([[False], [True]])})
        mask.apply()
        mask.follow(optimizer)
        optimizer.step()
        expect(layer.weight.data[0, 0].item(), 0.0, mistakes=[
            (lambda got: "step" not in vars(optimizer), "Here too `optimizer.step` is the old one. A new function must stand in its place: `optimizer.step = …`.",
             "optimizer.step()\nself.apply()",
             OLD + "def new():\n    step()\n    self.apply()"),
            (lambda got: got != 0, "The gradient was cleared, and Adam moved the weight all the same: its running mean remembers earlier gradients. Set the weights to zero after the step: `self.apply()`.",
             OLD + "def new():\n    for name, parameter in self.parameters.items():\n        parameter.grad = parameter.grad * self.kept[name]\n    step()\noptimizer.step = new")])

    def nothing_comes_back_and_the_class_stays():
        """Other optimizers are left alone, and two masks can follow one"""
        from tinytorch import SGD, enable_autograd
        enable_autograd()
        layer, other = Linear(2, 1, bias=False), Linear(1, 1, bias=False)
        other.weight.data[:] = 1
        other.weight.grad = np.ones((1, 1), dtype=np.float32)
        layer.weight.grad = np.ones((2, 1), dtype=np.float32)
        first, second = SGD([layer.weight], lr=0.5), SGD([other.weight], lr=0.5)
        mask = PruningMask(layer, {"weight": np.zeros((2, 1), dtype=bool)})
        expect(mask.follow(first), None, mistakes=[
            (callable, "The new function was returned. Nobody takes it; it must be put in the place of `optimizer.step`.",
             OLD + "def new():\n    step()\n    self.apply()\noptimizer.step = new\nreturn new"),
            (lambda got: got is not None, "Something was returned. The optimizer is changed where it is, and nothing needs to come back.",
             OLD + "def new():\n    step()\n    self.apply()\noptimizer.step = new\nreturn optimizer")])
        also = PruningMask(layer, {"weight": np.array([[True], [False]])})
        also.follow(second)
        layer.weight.data[:] = 7
        PruningMask(other, {"weight": np.ones((1, 1), dtype=bool)}).follow(second)
        second.step()
        expect(layer.weight.data.tolist(), [[7.0], [0.0]], mistakes=[
            (lambda got: got == [[7.0], [7.0]] and "step" not in vars(second), "Here too `optimizer.step` is the old one. A new function must stand in its place: `optimizer.step = …`.",
             "optimizer.step()\nself.apply()"),
            ([[7.0], [7.0]], "Two masks followed one optimizer, and the first is forgotten. The old step is whatever `optimizer.step` was before, not what its class says.",
             "def new():\n    type(optimizer).step(optimizer)\n    self.apply()\noptimizer.step = new"),
            ([[0.0], [0.0]], "Another optimizer's step applied the mask: you changed the class, and so all optimizers. Change `optimizer` itself.",
             "kind = type(optimizer)\nstep = kind.step\ndef new(this):\n    step(this)\n    self.apply()\nkind.step = new")])
        expect(other.weight.data.tolist(), [[0.5]])

    wrong = [
        (OLD + "optimizer.step = lambda: step() and self.apply()", "not zero"),
        ("while True:\n    optimizer.step()\n    self.apply()\n    if optimizer.step.__self__.lr:\n        break", "at the time of the call"),
        (OLD + "def new():\n    step()\n    for name, parameter in self.parameters.items():\n        parameter.data[self.kept[name]] = 0\noptimizer.step = new", "expected"),
    ]

    right = [
        OLD + "def step_and_apply():\n    step()\n    self.apply()\noptimizer.step = step_and_apply",
        OLD + "optimizer.step = lambda: (step(), self.apply())[0]",
        "def both(step=optimizer.step):\n    step()\n    for name, parameter in self.parameters.items():\n        parameter.data *= self.kept[name]\noptimizer.step = both",
    ]


class exercise_cut_outputs:

    def a_linear_loses_columns():
        """A Linear loses columns of its weight and numbers of its bias"""
        layer = Linear(2, 3)
        layer.weight.data[:], layer.bias.data[:] = [[1, 2, 3], [4, 5, 6]], [10, 20, 30]
        expect(cut_outputs(layer, np.array([True, False, True])), None, mistakes=[
            (raising(IndexError, "boolean index"), "A Linear's weight is (in, out): rows are inputs. The outputs are its columns, `[:, keep]`.",
             LINEAR.replace("[:, keep]", "[keep]") + CONV + BIAS),
            (raising(ValueError, "neither true nor false"), "A bias of several numbers is neither true nor false. Ask `layer.bias is not None`.",
             LINEAR + CONV + BIAS.replace(" is not None", "")),
            (lambda got: got is not None, "Something came back. The layer itself is changed: `layer.weight = …`, and nothing needs to be returned.",
             "return like(layer.weight, layer.weight.data[:, keep])")])
        expect(layer.weight.data.tolist(), [[1.0, 3.0], [4.0, 6.0]], mistakes=[
            ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "The weight is as it was. The layer must be changed itself: `layer.weight = …`.",
             "layer = Linear(layer.in_features, int(keep.sum()))",
             "weight = like(layer.weight, layer.weight.data[:, keep])"),
            ([[2.0], [5.0]], "What should stay is gone, and what should go is there. keep is True for what stays.",
             LINEAR.replace("[:, keep]", "[:, ~keep]") + CONV + BIAS),
            ([[1.0, 0.0, 3.0], [4.0, 0.0, 6.0]], "The column is zero and still there. It must be taken out, so that the product becomes smaller.",
             "layer.weight.data[:, ~keep] = 0\nlayer.bias.data[~keep] = 0")])
        expect(layer.bias.data.tolist(), [10.0, 30.0], mistakes=[
            ([20.0], "What should stay is gone from the bias. keep is True for what stays.",
             LINEAR + CONV + BIAS.replace("data[keep]", "data[~keep]")),
            ([10.0, 20.0, 30.0], "The bias is as it was, and holds a number for an output that is gone.",
             LINEAR + CONV)])
        expect(layer(Tensor([[1, 1]])), Tensor([[15, 39]]))

    def a_convolution_loses_kernels():
        """A convolution loses kernels"""
        layer = Conv2d(2, 3, 1)
        layer.weight.data[:] = np.arange(6).reshape(3, 2, 1, 1)
        layer.bias.data[:] = [10, 20, 30]
        expect(cut_outputs(layer, np.array([False, True, True])), None, mistakes=[
            (raising(IndexError, "boolean index"), "A Conv2d's weight is (out, in, rows, columns): kernels are its first axis, `[keep]`.",
             "layer.weight = like(layer.weight, layer.weight.data[:, keep])\nlayer.out_features = int(keep.sum())\n" + BIAS,
             LINEAR + CONV.replace("[keep]", "[:, keep]") + BIAS)])
        expect(layer.weight.data[:, :, 0, 0].tolist(), [[2.0, 3.0], [4.0, 5.0]])
        expect(layer.bias.data.tolist(), [20.0, 30.0])
        expect(layer(Tensor(np.ones((1, 2, 1, 1)))), Tensor([[[[25]], [[39]]]]))

    def the_sizes_it_names():
        """What the layer says of its size is right again, with a bias or without"""
        linear, conv = Linear(2, 3), Conv2d(1, 3, 3, bias=False)
        cut_outputs(linear, np.array([True, False, True]))
        expect(cut_outputs(conv, np.array([True, False, False])), None, mistakes=[
            (raising(AttributeError, "NoneType"), "This layer has no bias, it is None. Ask for that first.",
             LINEAR + CONV + "layer.bias = like(layer.bias, layer.bias.data[keep])")])
        expect([repr(linear), repr(conv)[:13]], ["Linear(in_features=2, out_features=2, bias=True)", "Conv2d(1, 1, "], mistakes=[
            (lambda got: "out_features=3" in got[0], "The Linear says that it has 3 outputs still: out_features.",
             LINEAR.replace("    layer.out_features = int(keep.sum())\n", "") + CONV + BIAS),
            (lambda got: "Conv2d(1, 3" in got[1], "The Conv2d says that it has 3 outputs still: out_channels.",
             LINEAR + CONV.replace("    layer.out_channels = int(keep.sum())\n", "") + BIAS,
             LINEAR + CONV.replace("out_channels", "out_features") + BIAS),
            (lambda got: "out_features=1" in got[0] or "Conv2d(1, 2" in got[1], "You counted what goes. keep is True for what stays.",
             LINEAR.replace("int(keep.sum())", "int((~keep).sum())") + CONV + BIAS)])
        expect([type(linear.out_features).__name__, type(conv.out_channels).__name__], ["int", "int"], mistakes=[
            (lambda got: not {"int32", "int64"}.isdisjoint(got), "The size is a number of NumPy. `int(…)` makes one of Python.",
             LINEAR.replace("int(keep.sum())", "keep.sum()") + CONV + BIAS,
             LINEAR + CONV.replace("int(keep.sum())", "keep.sum()") + BIAS)])

    def parameters_as_before():
        """Weight and bias are new Parameters, and what was frozen stays so"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = Linear(2, 3)
        layer.weight.requires_grad = False
        weight, bias = layer.weight, layer.bias
        cut_outputs(layer, np.array([True, True, False]))
        expect(layer.weight.shape, (2, 2))
        expect([layer.weight is weight, layer.bias is bias], [False, False], mistakes=[
            (lambda got: True, "An old Parameter has got a smaller array. Its gradient, and what an optimizer remembers of it, still have the old shape. `layer.weight = like(…)` puts a new one there, and the bias likewise.",
             LINEAR.replace("layer.weight = like(layer.weight, layer.weight.data[:, keep])", "layer.weight.data = layer.weight.data[:, keep]") + CONV + BIAS,
             LINEAR + CONV + BIAS.replace("layer.bias = like(layer.bias, layer.bias.data[keep])", "layer.bias.data = layer.bias.data[keep]"))])
        expect([name for name, _ in layer.named_parameters()], ["weight", "bias"], mistakes=[
            (lambda got: True, "The layer does not find its parameters any more. `like(parameter, array)` makes a Parameter; an array or a Tensor is a constant.",
             LINEAR.replace("like(layer.weight, layer.weight.data[:, keep])", "Tensor(layer.weight.data[:, keep])") + CONV + BIAS,
             LINEAR + CONV + BIAS.replace("like(layer.bias, layer.bias.data[keep])", "layer.bias.data[keep]"))])
        expect(getattr(layer.weight, "requires_grad", True), False, mistakes=[
            (True, "The weight was frozen and is learned now. `like(parameter, array)` keeps that.",
             LINEAR.replace("like(layer.weight, layer.weight.data[:, keep])", "Parameter(layer.weight.data[:, keep])") + CONV + BIAS)])

    wrong = [
        (LINEAR + BIAS, "[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]"),
    ]

    right = [
        LINEAR + CONV + BIAS,
        ("count, linear = int(np.count_nonzero(keep)), isinstance(layer, Linear)\n"
         "layer.weight = like(layer.weight, np.compress(keep, layer.weight.data, axis=1 if linear else 0))\n"
         "setattr(layer, 'out_features' if linear else 'out_channels', count)\n"
         "if layer.bias is not None:\n    layer.bias = like(layer.bias, np.compress(keep, layer.bias.data))"),
        ("places = np.flatnonzero(keep)\nif layer.bias is not None:\n    layer.bias = like(layer.bias, layer.bias.data[places])\n"
         "if isinstance(layer, Conv2d):\n    layer.weight, layer.out_channels = like(layer.weight, layer.weight.data[places]), len(places)\n"
         "else:\n    layer.weight, layer.out_features = like(layer.weight, layer.weight.data[:, places]), len(places)"),
    ]


class exercise_low_rank_approximate:

    def the_two_factors():
        """The two factors, each with half of the singular value"""
        low = low_rank_approximate(np.diag([9.0, 4.0]), 1)
        expect(low.left @ low.right, np.array([[9.0, 0.0], [0.0, 0.0]]), mistakes=[
            (raising(AttributeError, "tuple"), "A plain tuple came back. `LowRank(left, right, error)` gives the three their names.",
             MATRIX + SVD + RANK + ROOT + BOTH + "return left, right, float(np.linalg.norm(s[rank:]))"),
            (raising(ValueError, "matmul"), "The two factors do not fit together. To the singular values belong the columns of u, `u[:, :rank]`, and the rows of vt.",
             MATRIX + SVD + RANK + ROOT + "left, right = u[:rank] * root, root[:, np.newaxis] * vt[:rank]\n" + LOW,
             MATRIX + SVD + RANK + ROOT + "left, right = u[:, :rank] * root, root[:, np.newaxis] * vt[:, :rank]\n" + LOW),
            (lambda got: np.shape(got) == (2, 2) and got[0, 0] == 13, "The roots of all singular values met the columns of the first `rank`. Cut them too: `s[:rank]`.",
             MATRIX + SVD + RANK + "root = np.sqrt(s)\n" + BOTH + LOW),
            (lambda got: np.shape(got) != (2, 2), "`@` with the roots has summed over the columns. Each column is multiplied by one number: `*`.",
             MATRIX + SVD + RANK + ROOT + "left, right = u[:, :rank] @ root, root @ vt[:rank]\n" + LOW),
            (np.diag([9.0, 4.0]), "The product is the whole matrix: all singular values were kept. Only the first `rank` of them should be.",
             MATRIX + SVD + RANK + "root = np.sqrt(s)\nreturn LowRank(u * root, root[:, np.newaxis] * vt, float(np.linalg.norm(s[rank:])))"),
            (np.array([[0.0, 0.0], [0.0, 4.0]]), "The smallest singular value was kept. They come with the largest first.",
             MATRIX + SVD + RANK + "root = np.sqrt(s[-rank:])\nreturn LowRank(u[:, -rank:] * root, root[:, np.newaxis] * vt[-rank:], float(np.linalg.norm(s[:-rank])))"),
            (np.array([[81.0, 0.0], [0.0, 0.0]]), "Both factors got the whole singular value, so it is in the product twice. Each gets its root.",
             MATRIX + SVD + RANK + "left, right = u[:, :rank] * s[:rank], s[:rank, np.newaxis] * vt[:rank]\n" + LOW),
            (np.array([[1.0, 0.0], [0.0, 0.0]]), "The singular values are missing in the product. Each factor gets the root of them.",
             MATRIX + SVD + RANK + "left, right = u[:, :rank], vt[:rank]\n" + LOW),
            (np.array([[3.0, 0.0], [0.0, 0.0]]), "Only one of the factors got the root. Half of each singular value goes to either side.",
             MATRIX + SVD + RANK + ROOT + "left, right = u[:, :rank] * root, vt[:rank]\n" + LOW)])
        expect(abs(low.left), np.array([[3.0], [0.0]]), mistakes=[
            (np.array([[9.0], [0.0]]), "The product is right, and all of it is in one factor. Half of each singular value goes to either side: its root.",
             MATRIX + SVD + RANK + "left, right = u[:, :rank] * s[:rank], vt[:rank]\n" + LOW),
            (np.array([[1.0], [0.0]]), "The product is right, and all of it is in one factor. Half of each singular value goes to either side: its root.",
             MATRIX + SVD + RANK + "left, right = u[:, :rank], s[:rank, np.newaxis] * vt[:rank]\n" + LOW)])
        expect(low.error, 4.0, mistakes=[
            (2.0, "Square first, then sum, then take the root.",
             MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(left, right, float(np.sqrt(s[rank:].sum())))"),
            (0.0, "One was left out too many. What was left out begins at `rank`.",
             MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(left, right, float(np.linalg.norm(s[rank + 1:])))"),
            (16.0, "Those are the squares. The length is the root of their sum.",
             MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(left, right, float((s[rank:] ** 2).sum()))"),
            (9.0, "That is what was kept. The error is of what was left out, from `rank` on.",
             MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(left, right, float(np.linalg.norm(s[:rank])))")])

    def the_nearest_of_any_matrix():
        """Of any matrix, tall or wide, what is missing has the length of the error"""
        rng = np.random.default_rng(0)
        for shape in ((6, 4), (3, 7)):
            matrix = rng.standard_normal(shape)
            expect([low_rank_approximate(matrix, 2)[i].shape for i in (0, 1)], [(shape[0], 2), (2, shape[1])], mistakes=[
                (lambda got: len(got[1]) == 2 and got[1][0] == shape[1], "The second factor stands on its side. np.linalg.svd gives vt, with a v in each row already.",
                 MATRIX + SVD + RANK + ROOT + "return LowRank(u[:, :rank] * root, vt[:rank].T * root, float(np.linalg.norm(s[rank:])))"),
                (lambda got: len(got[0]) == 2 and got[0][0] == 2, "The first two rows of u were taken. Its columns belong to the singular values: `u[:, :rank]`.",
                 MATRIX + SVD + RANK + ROOT + "return LowRank(u[:rank], root[:, np.newaxis] * vt[:rank], float(np.linalg.norm(s[rank:])))"),
                (raising(ValueError, "broadcast"), "Shapes do not fit. An array of R numbers multiplies the columns of (…, R); to multiply the rows of (R, N) it must be a column itself, `root[:, np.newaxis]`. And all three are cut: R columns, R roots, R rows.",
                 MATRIX + SVD + RANK + ROOT + "return LowRank(u[:, :rank] * root, root * vt[:rank], float(np.linalg.norm(s[rank:])))",
                 MATRIX + SVD + RANK + ROOT + "return LowRank(u[:, :rank] * root[:, np.newaxis], root[:, np.newaxis] * vt[:rank], float(np.linalg.norm(s[rank:])))")])
            low = low_rank_approximate(matrix, 2)
            expect(np.linalg.norm(matrix - low.left @ low.right), np.sqrt((np.linalg.svd(matrix)[1][2:] ** 2).sum()), mistakes=[
                (lambda got: True, "What is missing is longer than it need be: the product is not that of the largest singular values with the first columns of u and the first rows of vt, as `np.linalg.svd` gives them.",
                 MATRIX + SVD + RANK + ROOT + "return LowRank(u[:, :rank] * root, root[:, np.newaxis] * vt.T[:rank], float(np.linalg.norm(s[rank:])))")])
            expect(low.error, np.linalg.norm(matrix - low.left @ low.right), mistakes=[
                (lambda got: True, "The error is not the length of what is missing: the root of the summed squares of the singular values left out.",
                 MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(left, right, float(s[rank:].sum()))",
                 MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(left, right, float(s[rank]))")])

    def a_share_in_place_of_a_rank():
        """A share of the squares in place of a rank"""
        matrix = np.diag([3.0, 2.0, 1.0])
        expect(low_rank_approximate(matrix, energy=0.8).left.shape, (3, 2), mistakes=[
            ((3, 3), "With the rank None all was kept. `rank_for_energy(s, energy)` finds the rank.",
             MATRIX + SVD + ROOT + BOTH + "return LowRank(left, right, float(np.linalg.norm(s[rank:])) if rank else 0.0)"),
            (raising(AttributeError, "astype"), "`rank_for_energy` takes the singular values first, then the share.",
             MATRIX + SVD + "if rank is None:\n    rank = rank_for_energy(energy, s)\n" + ROOT + BOTH + LOW),
            (raising(TypeError, "None"), "rank is None here, and a share is given. `rank_for_energy` finds the rank.",
             MATRIX + SVD + "root = np.sqrt(s[:int(rank)])\n" + BOTH + LOW),
            (lambda got: got[1] == 1, "The rank for 0.8 of the squares 9, 4 and 1 is 2. Give `rank_for_energy` all singular values as they came, and the share.",
             MATRIX + SVD + "if rank is None:\n    rank = rank_for_energy(s ** 2, energy)\n" + ROOT + BOTH + LOW)])
        expect(low_rank_approximate(matrix, energy=0.8).error, 1.0)
        expect(low_rank_approximate(matrix, 3).error, 0.0)

    def what_cannot_be_is_refused():
        """A rank of 0, two answers at once and what is no matrix are refused"""
        expect(low_rank_approximate(np.eye(2), 2).left.shape, (2, 2))
        expect_raises(ValueError, lambda: low_rank_approximate(np.ones((2, 3)), 0), mentions=["rank 0 does not exist for shape (2, 3)"], mistakes=[
            (lambda error: True, "There is no rank 0. Leave the first two lines as they were given; they refuse it in words.",
             "array = check_matrix(matrix)\n" + SVD + "rank = rank or rank_for_energy(s, energy)\n" + ROOT + BOTH + LOW)])
        expect_raises(ValueError, lambda: low_rank_approximate(np.ones(3), 1), mentions=["shape (3,) is no matrix"], mistakes=[
            (lambda error: True, "An array of one axis is no matrix. Leave the first two lines as they were given; they refuse it in words.",
             "array = plain_array(matrix)\ncheck_rank_or_energy(rank, energy, array.shape if array.ndim == 2 else (9, 9))\n" + SVD + RANK + ROOT + BOTH + LOW)])

    def small_arrays_of_the_same_dtype():
        """float32 stays float32, no large array is made, the error is a number of Python"""
        matrix = np.random.default_rng(0).standard_normal((600, 8)).astype(np.float32)
        low = low_rank_approximate(matrix, 3)
        expect([str(low.left.dtype), str(low.right.dtype), type(low.error).__name__], ["float32", "float32", "float"], mistakes=[
            (lambda got: got[2] != "float", "The error is a number of NumPy. `float(…)` makes one of Python.",
             MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(left, right, np.linalg.norm(s[rank:]))"),
            (lambda got: "float64" in got, "The factors have become float64, twice the bytes.",
             MATRIX + SVD.replace("array,", "array.astype(float),") + RANK + ROOT + BOTH + LOW)])
        expect(np.allclose(low.left.T @ low.left, low.right @ low.right.T, atol=1e-3), True)
        expect(peak(lambda: low_rank_approximate(matrix, 3)) < 600 * 600, True, mistakes=[
            (False, "The result is right, and on the way u was 600 × 600. `full_matrices=False` leaves it 600 × 8.",
             MATRIX + "u, s, vt = np.linalg.svd(array)\n" + RANK + ROOT + BOTH + LOW)])
        with expect_unchanged(matrix):
            low_rank_approximate(matrix, 3)

    wrong = [
        (MATRIX + SVD + RANK + ROOT + BOTH + "return LowRank(right, left, float(np.linalg.norm(s[rank:])))", "expected"),
    ]

    right = [
        MATRIX + SVD + RANK + ROOT + BOTH + LOW,
        (MATRIX + SVD + "if energy is not None:\n    rank = rank_for_energy(s, energy)\nhalf = np.diag(np.sqrt(s[:rank]))\n"
         "return LowRank(u[:, :rank] @ half, half @ vt[:rank], math.sqrt(float((s[rank:] ** 2).sum())))"),
        (MATRIX + SVD + RANK + "u, s, vt, rest = u[:, :rank], s[:rank], vt[:rank], s[rank:]\n"
         "return LowRank(u * s ** 0.5, (vt.T * s ** 0.5).T, float(np.sqrt(np.square(rest).sum())))"),
    ]


class exercise_soft_loss:

    def one_sample():
        """One sample: p weighs the difference of the logarithms"""
        student, teacher = Tensor([[0.0, 0.0]]), Tensor([[math.log(3), 0.0]])
        expect(soft_loss(student, teacher, 1.0).item(), 0.75 * math.log(1.5) + 0.25 * math.log(0.5), mistakes=[
            (lambda got: np.isclose(got, 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)), "Teacher and student have changed places. The teacher's p stands in front, and its logarithm comes first.",
             LOGS + "return (log_q.exp() * (log_q - log_p)).sum() * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, -(0.75 * math.log(1.5) + 0.25 * math.log(0.5))), "The sign is turned round: log p less log q.",
             LOGS + "return (log_p.exp() * (log_q - log_p)).sum() * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, math.log(1.5) + math.log(0.5)), "The differences are not weighed. Each counts with the teacher's probability p.",
             LOGS + "return (log_p - log_q).sum() * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, math.log(2)), "That is the cross-entropy, -p · log q. It is not 0 when both agree; the teacher's own log p is missing.",
             LOGS + "return (log_p.exp() * log_q).sum() * (-temperature * temperature / samples)"),
            (lambda got: np.isclose(got, 0.75 * math.log(0.75) + 0.25 * math.log(0.25)), "The student has no part in it: log q is missing.",
             LOGS + "return (log_p.exp() * log_p).sum() * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, (0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2), "You divided by the number of classes too. A mean over the samples is the sum divided by their number, here 1.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).mean() * (temperature * temperature)",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum() * (temperature * temperature / teacher.shape[-1])"),
            (lambda got: np.isclose(got, 0.5 * math.log(1.5) + 0.5 * math.log(0.5)), "Weighed with the student's probabilities. It is the teacher's p that weighs.",
             LOGS + "return (log_q.exp() * (log_p - log_q)).sum() * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, math.log(0.75) * math.log(1.5) + math.log(0.25) * math.log(0.5)), "The differences are weighed with log p. It is p that weighs: `.exp()` of it.",
             LOGS + "return (log_p * (log_p - log_q)).sum() * (temperature * temperature / samples)"),
            (0.125, "Those are differences of probabilities. They are differences of their logarithms, weighed with p.",
             LOGS + "return (log_p.exp() * (log_p.exp() - log_q.exp())).sum() * (temperature * temperature / samples)"),
            (raising(TypeError, "ufuncs"), "NumPy's functions, such as `np.exp`, do not take a Tensor. A Tensor has its own: `log_p.exp()`, `.sum()`.",
             LOGS + "return (np.exp(log_p) * (log_p - log_q)).sum() * (temperature * temperature / samples)"),
            (raising(ValueError, "needs exactly one"), "A number for each class or sample came back. Sum over all of them.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum(axis=-1, keepdims=True) * (temperature * temperature) + Tensor([0.0, 0.0])",
             LOGS + "return (log_p.exp() * (log_p - log_q)) * (temperature * temperature / samples)")])
        expect(soft_loss(Tensor([[5.0, -2.0, 1.0]]), Tensor([[5.0, -2.0, 1.0]]), 3.0).item(), 0.0, mistakes=[
            (lambda got: abs(got) > 1e-4, "Both have the same logits, and the loss is not 0. Both are divided by the temperature, before the softmax, and log p less log q is weighed.",
             TEACHER + LOG_P + "log_q = log_softmax(student_logits) * (1.0 / temperature)\n" + SAMPLES + MEAN)])

    def the_mean_over_samples():
        """The mean over the samples, however many axes there are in front"""
        rng = np.random.default_rng(0)
        student, teacher = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))
        p, q = (np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True) for logits in (teacher, student))
        each = (p * np.log(p / q)).sum(axis=-1).ravel()
        expect(soft_loss(Tensor(student), Tensor(teacher), 1.0).item(), np.mean(each), rtol=1e-4, mistakes=[
            (raising(ValueError, "needs exactly one"), "A number for each sample came back. Take their mean.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum(axis=-1) * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, np.mean(each) / 4, rtol=1e-3), "Here too the number of classes, 4, was divided by.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).mean() * (temperature * temperature)"),
            (lambda got: np.isclose(got, (q * np.log(q / p)).sum(axis=-1).mean(), rtol=1e-3), "Here too teacher and student have changed places: p · (log p − log q), with the teacher's p.",
             LOGS + "return (log_q.exp() * (log_q - log_p)).sum() * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, sum(each), rtol=1e-3), "That is the sum over the samples. Divide by how many there are.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum() * (temperature * temperature)"),
            (lambda got: np.isclose(got, sum(each) / 2, rtol=1e-3), "You divided by the first axis, 2. With 2 × 3 samples there are six: all axes but the last count.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum() * (temperature * temperature / len(teacher))"),
            (lambda got: np.isclose(got, sum(each) / 3, rtol=1e-3), "You divided by one axis. All axes but the last count samples: their number is that of all logits divided by the classes.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum() * (temperature * temperature / teacher.shape[-2])")])

    def the_temperature_divides_both():
        """The temperature divides both, and its square comes back"""
        student, teacher = Tensor([[0.0, 0.0]]), Tensor([[4 * math.log(3), 0.0]])
        once = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
        expect(soft_loss(student, teacher, 4.0).item(), 16 * once, rtol=1e-4, mistakes=[
            (lambda got: np.isclose(got, 8 * once, rtol=1e-3), "Here too the number of classes, 2, was divided by.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).mean() * (temperature * temperature)"),
            (lambda got: np.isclose(got, 16 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)), rtol=1e-3), "Here too teacher and student have changed places: p · (log p − log q), with the teacher's p.",
             LOGS + "return (log_q.exp() * (log_q - log_p)).sum() * (temperature * temperature / samples)"),
            (lambda got: np.isclose(got, once, rtol=1e-3), "The factor T² is missing. Without it the gradients shrink with the temperature.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum() / samples"),
            (lambda got: np.isclose(got, 4 * once, rtol=1e-3), "The factor is T². You multiplied by T.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum() * (temperature / samples)"),
            (lambda got: np.isclose(got, once / 16, rtol=1e-3), "You divided by T². The gradients have shrunk already; multiply.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).sum() / (temperature * temperature * samples)"),
            (lambda got: np.isclose(got, 16 * (81 / 82 * math.log(81 / 41) + math.log(1 / 41) / 82), rtol=1e-3) or np.isclose(got, 16 * math.log(2), rtol=1e-3), "The teacher's logits were not divided by the temperature, or multiplied by it.",
             LOGS.replace("teacher / temperature", "teacher") + MEAN, LOGS.replace("teacher / temperature", "teacher * temperature") + MEAN)])
        teacher, student = student, teacher
        expect(soft_loss(student, teacher, 4.0).item(), 16 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)), rtol=1e-4, mistakes=[
            (lambda got: np.isclose(got, 8 * (math.log(41 / 81) + math.log(41)), rtol=1e-3), "The student's logits must be divided by the temperature too, by the same one.",
             LOGS.replace("student_logits * (1.0 / temperature)", "student_logits") + MEAN)])

    def the_gradient_goes_to_the_student():
        """The gradient goes to the student alone"""
        from tinytorch import enable_autograd
        enable_autograd()
        student = Tensor([[0.0, 0.0]], requires_grad=True)
        teacher = Tensor([[math.log(3), 0.0]], requires_grad=True)
        loss = soft_loss(student, teacher, 1.0)
        expect(loss.requires_grad, True, mistakes=[
            (False, "The loss is not in the graph. Stay with tensors: `.data` and NumPy leave it.",
             TEACHER + "log_p = log_softmax(Tensor(teacher / temperature)).data\nlog_q = log_softmax(student_logits * (1.0 / temperature)).data\n"
             + SAMPLES + "return Tensor((np.exp(log_p) * (log_p - log_q)).sum() * (temperature * temperature / samples))")])
        loss.backward()
        expect((student.grad / np.abs(student.grad).max()).tolist(), [[-1.0, 1.0]])
        expect(teacher.grad, None, mistakes=[
            (lambda got: got is not None, "A gradient reached the teacher's logits. Use `teacher`, the array: a Tensor made of it has no gradient.",
             TEACHER + "log_p = log_softmax(teacher_logits * (1.0 / temperature))\n" + LOG_Q + SAMPLES + MEAN)])

    def certain_answers():
        """Answers that are certain give a finite loss, in the student's dtype"""
        with np.errstate(all="ignore"):
            expect(np.isfinite(soft_loss(Tensor([[0.0, 900.0]]), Tensor([[900.0, 0.0]]), 1.0).item()), True, mistakes=[
                (False, "The logarithm of a probability that rounds to 0 is minus infinity. log_softmax gives it without the detour.",
                 "from tinytorch import Softmax\n" + TEACHER + "p, q = Softmax()(Tensor(teacher / temperature, dtype=student_logits.dtype)), Softmax()(student_logits * (1.0 / temperature))\n"
                 + SAMPLES + "return (p * (p.log() - q.log())).sum() * (temperature * temperature / samples)")])
        student = Tensor(np.zeros((1, 2)), dtype="float64")
        exact = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
        expect(soft_loss(student, np.array([[math.log(3), 0.0]]), 1.0).item(), exact, rtol=1e-12, atol=0, mistakes=[
            (lambda got: not np.isclose(got, exact, rtol=1e-5), "The loss itself is another one, as in the first check.",
             LOGS + "return (log_p.exp() * (log_p - log_q)).mean() * (temperature * temperature)"),
            (lambda got: True, "The student's logits are float64, and the loss has lost digits. Give the teacher's Tensor `dtype=student_logits.dtype`.",
             LOGS.replace("Tensor(teacher / temperature, dtype=student_logits.dtype)", "Tensor(teacher / temperature)") + MEAN)])

    def what_cannot_be_is_refused():
        """Shapes that differ and a temperature of 0 are refused"""
        student = Tensor(np.zeros((2, 3)))
        expect(soft_loss(student, Tensor(np.zeros((2, 3))), 2.0).item(), 0.0)
        expect_raises(ValueError, lambda: soft_loss(student, Tensor(np.zeros((1, 3))), 2.0), mentions=["student logits (2, 3) and teacher logits (1, 3)"], mistakes=[
            (Tensor(0.0), "One row of the teacher would be broadcast over all of the student's. Leave the first two lines as they were given.",
             "teacher = plain_array(teacher_logits)\n" + LOG_P + LOG_Q + SAMPLES + MEAN)])
        expect_raises(ValueError, lambda: soft_loss(student, student, 0.0), mentions=["temperature 0.0: it must be above 0"])

    wrong = [
        (LOGS + "return (log_p.exp() * (log_p / log_q)).sum() * (temperature * temperature / samples)", "expected"),
        (LOGS + "return abs((log_p.exp() * (log_p - log_q)).sum().item()) * (temperature * temperature / samples)", "item"),
    ]

    right = [
        LOGS + MEAN,
        (TEACHER + "count = student_logits.size // student_logits.shape[-1]\ntarget = log_softmax(Tensor(teacher * (1 / temperature), dtype=student_logits.dtype))\n"
         "answer = log_softmax(student_logits / temperature)\nweighed = target.exp() * (target - answer)\nreturn weighed.sum(axis=-1).mean() * temperature ** 2"),
        (TEACHER + "rows, t = Tensor(teacher, dtype=student_logits.dtype).reshape(-1, teacher.shape[-1]), temperature\nstudent = student_logits.reshape(-1, teacher.shape[-1])\n"
         "log_p, log_q = log_softmax(rows / t), log_softmax(student / t)\np = log_p.exp()\nreturn ((p * log_p).sum() - (p * log_q).sum()) * t * t / len(teacher.reshape(-1, teacher.shape[-1]))"),
    ]


class exercise_cut_inputs:

    def one_channel_is_several_inputs():
        """After Flatten a channel is several inputs that lie side by side"""
        layer = Linear(6, 2)
        layer.weight.data[:] = np.arange(12).reshape(6, 2)
        expect(cut_inputs(layer, np.array([True, False, True]), 0.0), None, mistakes=[
            (raising(IndexError, "boolean index"), "The weight has six inputs and `keep` three channels. Each channel stands for two inputs: repeat its element.",
             WEIGHT + "gone = weight[:, ~np.repeat(keep, weight.shape[1] // keep.size)]\n" + CONSTANT + TAKEN)])
        expect(layer.weight.data[:, 0].tolist(), [0.0, 2.0, 8.0, 10.0], mistakes=[
            ([0.0, 4.0, 6.0, 10.0], "Inputs 0, 2, 3 and 5 stayed. Flatten puts all numbers of one channel side by side, so `keep` must be repeated element by element, not as a whole.",
             WEIGHT + TILE + CONSTANT + TAKEN),
            ([4.0, 6.0], "What should stay is gone, and what should go is there.",
             WEIGHT + REPEAT + CONSTANT + TAKEN.replace("data[keep]", "data[~keep]").replace("keep.sum()", "(~keep).sum()")),
            (lambda got: len(got) == 6, "The layer has all of its inputs still. Set `layer.weight` anew.",
             WEIGHT + REPEAT + CONSTANT)])
        expect(repr(layer), "Linear(in_features=4, out_features=2, bias=True)", mistakes=[
            (lambda got: "in_features=6" in got or "in_features=2" in got, "The layer says a wrong number of inputs: in_features is how many stay, not how many channels.",
             WEIGHT + REPEAT + CONSTANT + TAKEN.replace("    layer.in_features = int(keep.sum())\n", ""),
             WEIGHT + REPEAT.replace("keep = np", "channels, keep = keep, np") + CONSTANT + TAKEN.replace("layer.in_features = int(keep.sum())", "layer.in_features = int(channels.sum())"))])
        layer, conv = Linear(3, 2), Conv2d(3, 2, 3)
        weight = conv.weight.data.copy()
        cut_inputs(layer, np.array([True, False, True]), 0.0)
        cut_inputs(conv, np.array([False, True, True]), 0.0)
        expect([layer.weight.shape, conv.weight.shape, conv.in_channels], [(2, 2), (2, 2, 3, 3), 2])
        expect(conv.weight.data, weight[:, 1:])
        expect([type(layer.in_features).__name__, type(conv.in_channels).__name__], ["int", "int"], mistakes=[
            (lambda got: not {"int32", "int64"}.isdisjoint(got), "The size is a number of NumPy. `int(…)` makes one of Python.",
             WEIGHT + REPEAT + CONSTANT + TAKEN.replace("int(keep.sum())", "keep.sum()"))])

    def a_constant_goes_to_each_output():
        """A constant goes into the bias, and each output gets its own"""
        layer = Linear(3, 2)
        layer.weight.data[:], layer.bias.data[:] = [[1, 2], [10, 30], [4, 8]], [100, 200]
        expect(cut_inputs(layer, np.array([True, False, False]), 0.5), None, mistakes=[
            (raising(TypeError, "range"), "`axis` takes a number or a tuple of numbers, and no range. `tuple(…)` makes one of it.",
             WEIGHT + REPEAT + CONSTANT.replace("tuple(range(1, gone.ndim))", "range(1, gone.ndim)") + TAKEN)])
        expect(layer.bias.data.tolist(), [107.0, 219.0], mistakes=[
            ([120.0, 206.0], "You summed over the outputs. Of `gone`, the first axis are the outputs and the others what each of them hears: sum over all axes but the first.",
             WEIGHT + REPEAT + CONSTANT.replace("tuple(range(1, gone.ndim))", "0") + TAKEN),
            ([103.5, 209.5], "Those are means. The constant arrives through each weight, so they are summed.",
             WEIGHT + REPEAT + CONSTANT.replace("gone.sum(", "gone.mean(") + TAKEN),
            ([126.0, 226.0], "Both outputs got the same, the sum over all weights that go. Each output has weights of its own: sum over all axes but the first.",
             WEIGHT + REPEAT + ONE_FOR_ALL + TAKEN),
            ([100.0, 200.0], "The bias has not changed. What the neuron that goes would have sent, 0.5 times its weights, belongs there.",
             WEIGHT + REPEAT + TAKEN),
            ([7.0, 19.0], "The old bias is lost. What the constant contributes is added to it.",
             WEIGHT + REPEAT + CONSTANT.replace("moved if layer.bias is None else layer.bias.data + moved", "moved") + TAKEN),
            ([114.0, 238.0], "The weights were added without the constant, 0.5.",
             WEIGHT + REPEAT + CONSTANT.replace("constant * gone", "1 * gone") + TAKEN),
            ([93.0, 181.0], "The sign is turned round: the neuron would have added this, so it is added to the bias.",
             WEIGHT + REPEAT + CONSTANT.replace("layer.bias.data + moved", "layer.bias.data - moved") + TAKEN),
            ([100.5, 201.0], "Those are the weights that stay. What goes, `gone`, no longer contributes and is what the bias must take over.",
             WEIGHT + REPEAT.replace("weight[:, ~keep]", "weight[:, keep]") + CONSTANT + TAKEN)])
        conv = Conv2d(2, 2, 2, bias=False)
        conv.weight.data[:] = np.arange(16).reshape(2, 2, 2, 2)
        expect([cut_inputs(conv, np.array([True, False]), 2.0), conv.bias is None], [None, False], mistakes=[
            ([None, True], "This layer had no bias, and now it needs one: what the constant contributes, by itself.",
             WEIGHT + REPEAT + "if constant != 0 and layer.bias is not None:\n    moved = constant * gone.sum(axis=tuple(range(1, gone.ndim)))\n    layer.bias = like(layer.bias, layer.bias.data + moved)\n" + TAKEN),
            (raising(AttributeError, "NoneType"), "This layer had no bias, and now it needs one: what the constant contributes, by itself.",
             WEIGHT + REPEAT + CONSTANT.replace("like(layer.weight, moved if layer.bias is None else layer.bias.data + moved)", "like(layer.bias, layer.bias.data + moved)") + TAKEN)])
        expect(conv.bias.data.tolist(), [44.0, 108.0], mistakes=[
            (lambda got: np.shape(got) != (2,), "A kernel has rows and columns too. Sum over all axes but the first, `tuple(range(1, gone.ndim))`, so that one number is left for each output.",
             WEIGHT + REPEAT + CONSTANT.replace("tuple(range(1, gone.ndim))", "1") + TAKEN)])
        expect(Linear(2, 1, bias=False).bias, None)
        layer = Linear(2, 1, bias=False)
        cut_inputs(layer, np.array([True, False]), 0.0)
        expect(layer.bias, None, mistakes=[
            (lambda got: got is not None, "A bias of zeros was made although the constant is 0. There is nothing to take over then.",
             WEIGHT + REPEAT + CONSTANT.replace("if constant != 0:", "if True:") + TAKEN)])

    def the_small_network_is_the_large_one_with_zeros():
        """The small network computes what the large one does with zeros there"""
        rng = np.random.default_rng(0)
        model = Sequential(Conv2d(1, 4, 3, padding=1), BatchNorm2d(4), ReLU(), Flatten(), Linear(16, 3), Sigmoid(), Linear(3, 2)).eval()
        for parameter in model.parameters():
            parameter.data = rng.standard_normal(parameter.shape).astype(np.float32)
        twin, x = copy.deepcopy(model), Tensor(rng.standard_normal((5, 1, 2, 2)))
        gone = abs(model[1].weight.data).argsort()[:2]
        twin[1].weight.data[gone] = twin[1].bias.data[gone] = 0
        least = (model[4].weight.data ** 2).sum(axis=0).argsort()[:2]
        twin[4].weight.data[:, least] = twin[4].bias.data[least] = 0
        expect(np.abs(structured_prune(model, 0.5)(x).data - twin(x).data).max() < 1e-4, True, mistakes=[
            (False, "The small network gives other numbers than the large one with zeros in those places. It has a `Flatten` before a `Linear`, and a `Sigmoid`, which sends a constant: what the checks above ask of each must be true here too.",
             WEIGHT + REPEAT.replace("keep = np.repeat(keep, weight.shape[1] // keep.size)", "keep = np.repeat(keep, weight.shape[1] // keep.size) if keep.size == 3 else np.tile(keep, weight.shape[1] // keep.size)") + CONSTANT + TAKEN)])

    def sizes_that_do_not_belong_together():
        """Sizes that do not belong together are refused, and frozen weights stay frozen"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = Linear(6, 2)
        layer.weight.data[:] = np.arange(12).reshape(6, 2)
        layer.weight.requires_grad = False
        cut_inputs(layer, np.array([True, False]), 0.0)
        expect(layer.weight.data[:, 0].tolist(), [0.0, 2.0, 4.0], mistakes=[
            ([0.0, 4.0, 8.0], "Here too inputs 0, 2 and 4 stayed. The first three belong to the channel that is kept.",
             WEIGHT + TILE + CONSTANT + TAKEN)])
        expect([name for name, _ in layer.named_parameters()], ["weight", "bias"], mistakes=[
            (lambda got: True, "The layer does not find its weight any more: it must be a Parameter, as `like` makes one.",
             WEIGHT + REPEAT + CONSTANT + TAKEN.replace("like(layer.weight, layer.weight.data[keep])", "Tensor(layer.weight.data[keep])"))])
        expect(layer.weight.requires_grad, False, mistakes=[
            (True, "The weight was frozen and is learned now. `like(parameter, array)` keeps that.",
             WEIGHT + REPEAT + CONSTANT + TAKEN.replace("like(layer.weight, layer.weight.data[keep])", "Parameter(layer.weight.data[keep])"))])
        expect_raises(ValueError, lambda: cut_inputs(Linear(6, 2), np.array([True, False, True, True]), 0.0), mentions=["follows a layer of 4 outputs"], mistakes=[
            (lambda error: True, "Six inputs cannot come from four channels. Leave the refusal that was given.",
             "weight = outputs_first(layer)\n" + REPEAT + CONSTANT + TAKEN)])

    wrong = [
        (WEIGHT + TILE + ONE_FOR_ALL + TAKEN, "side by side"),
        (WEIGHT + REPEAT + CONSTANT + TAKEN.replace("data[:, keep]", "data[keep]"), "IndexError"),
    ]

    right = [
        WEIGHT + REPEAT + CONSTANT + TAKEN,
        (WEIGHT + "keep = np.tile(keep, (weight.shape[1] // keep.size, 1)).T.ravel()\ngone = weight[:, ~keep]\nif constant != 0:\n"
         "    moved = constant * gone.reshape(len(gone), -1).sum(axis=1)\n    if layer.bias is not None:\n        moved = layer.bias.data + moved\n"
         "    layer.bias = like(layer.weight, moved)\n" + TAKEN),
        (WEIGHT + "keep = keep[np.arange(weight.shape[1]) // (weight.shape[1] // keep.size)]\nif constant != 0:\n"
         "    moved = np.array([constant * row[~keep].sum() for row in weight])\n"
         "    layer.bias = like(layer.weight, moved + (0 if layer.bias is None else layer.bias.data))\n" + TAKEN),
    ]


class exercise_on_front:

    def larger_and_less_accurate():
        """A run that is larger and less accurate than another is off the front"""
        expect(on_front([100, 50, 60], [0.9, 0.8, 0.7]), np.array([True, True, False]), mistakes=[
            (np.array([False, False, True]), "Those are the runs that are beaten. Asked for are the others.",
             RUNS + PAIRS + BEATEN + "return beaten.any(axis=1)"),
            (np.array([True, False, False]), "Only one run is left. A run is off the front when another beats it in both, not when it is less accurate than the best.",
             RUNS + "return accuracies == accuracies.max()"),
            (np.array([False, True, False]), "Only one run is left, or none of the larger ones. A larger run stays when no smaller one is as accurate.",
             RUNS + "return sizes == sizes.min()"),
            (np.array([False, False, False]), "No run is left. No run beats itself, since it must be better in one of the two; and both must hold, no larger and no less accurate.",
             RUNS + PAIRS + "return ~(as_small & as_good).any(axis=1)",
             RUNS + PAIRS + "return ~(as_small | as_good).any(axis=1)",
             RUNS + PAIRS + "return ~(smaller | better).any(axis=1)"),
            (np.array([True, False, True]), "You asked which runs beat no other, with the wrong axis or with the comparisons turned round. Asked for is which are beaten by none.",
             RUNS + PAIRS + BEATEN + "return ~beaten.any(axis=0)",
             LOOPS.replace("s <= size and a >= accuracy and (s < size or a > accuracy)", "s >= size and a <= accuracy and (s > size or a < accuracy)")),
            (np.array([True, True, True]), "Nothing was beaten, though the third is larger than the second and less accurate.",
             RUNS + PAIRS + "beaten = smaller & better & ~as_small\nreturn ~beaten.any(axis=1)",
             RUNS + "return np.ones(len(sizes), dtype=bool)"),
            (np.array([0, 1]), "Those are the positions of the runs. Asked for is a boolean for each run.",
             RUNS + PAIRS + BEATEN + "return np.flatnonzero(~beaten.any(axis=1))"),
            (raising(ValueError, "truth value"), "Arrays are combined with `&`, `|` and `~`. The words and, or and not ask an array for one truth value.",
             RUNS + PAIRS + "beaten = as_small and as_good and (smaller or better)\nreturn ~beaten.any(axis=1)",
             RUNS + PAIRS + BEATEN + "return not beaten.any(axis=1)"),
            (raising(TypeError, "list"), "Sizes and accuracies may come as lists. `np.asarray(…)` makes arrays of them.",
             PAIRS + BEATEN + "return ~beaten.any(axis=1)")])
        expect(on_front([50, 60, 100], [0.9, 0.8, 0.7]), np.array([True, False, False]))

    def better_in_one_is_enough():
        """Better in one and equal in the other is enough to beat"""
        expect(on_front([50, 50], [0.8, 0.9]), np.array([False, True]), mistakes=[
            (np.array([True, True]), "The first is as large as the second and less accurate: equal in one and worse in the other is beaten.",
             RUNS + PAIRS + "return ~(smaller & better).any(axis=1)",
             RUNS + PAIRS + "return ~(smaller & as_good).any(axis=1)",
             RUNS + "front = np.zeros(len(sizes), dtype=bool)\nbest = -np.inf\nfor i in np.lexsort((accuracies, sizes)):\n    if accuracies[i] >= best:\n        front[i], best = True, accuracies[i]\nreturn front")])
        expect(on_front([50, 40], [0.9, 0.9]), np.array([False, True]), mistakes=[
            (np.array([True, True]), "The first is as accurate as the second and larger: equal in one and worse in the other is beaten.",
             RUNS + PAIRS + "return ~(as_small & better).any(axis=1)")])

    def twins_and_nothing():
        """Equal runs do not beat each other, and without runs the result is empty"""
        expect(on_front([50, 50, 20], [0.8, 0.8, 0.1]), np.array([True, True, True]), mistakes=[
            (lambda got: got[2] and not got[:2].all(), "Two runs are equal in both. Neither is better than the other, so both stay.",
             RUNS + "order = np.lexsort((-accuracies, sizes))\nfront = np.zeros(len(sizes), dtype=bool)\nbest = -np.inf\nfor i in order:\n    if accuracies[i] > best:\n        front[i], best = True, accuracies[i]\nreturn front",
             RUNS + "both = np.stack([sizes, -accuracies], axis=1)\nfront = np.array([not any((o <= b).all() for j, o in enumerate(both) if j != i) for i, b in enumerate(both)], dtype=bool)\nreturn front")])
        expect(on_front([], []), np.array([], dtype=bool), mistakes=[
            (raising(ValueError, "zero-size"), "Without runs there is no largest. The result is an empty array.",
             RUNS + PAIRS + BEATEN + "worst = accuracies.min()\nreturn ~beaten.any(axis=1)"),
            (lambda got: isinstance(got, np.ndarray) and got.dtype != bool, "An array made of an empty list has no booleans in it. `dtype=bool` says what it holds.",
             LOOPS.replace(", dtype=bool", ""))])

    def an_array_of_booleans():
        """An array of booleans, and the runs stay as they are"""
        expect(type(on_front([1], [0.5])).__name__, "ndarray", mistakes=[
            ("list", "The values are right, in a list. `np.array(…)` makes an array of it.",
             LOOPS.replace("np.array(", "(").replace(", dtype=bool)", ")"))])
        sizes, accuracies = np.array([3.0, 1.0, 2.0]), np.array([0.9, 0.5, 0.4])
        with expect_unchanged(sizes, accuracies):
            on_front(sizes, accuracies)

    wrong = [
        (RUNS + PAIRS + BEATEN + "return ~beaten", "(3, 3)"),
        (RUNS + "accuracies *= -1\nreturn np.array([not any((sizes <= s) & (accuracies <= a) & ((sizes < s) | (accuracies < a))) for s, a in zip(sizes, accuracies)], dtype=bool)", "changed its input"),
    ]

    right = [
        RUNS + PAIRS + BEATEN + "return ~beaten.any(axis=1)",
        LOOPS,
        ("front = np.ones(len(sizes), dtype=bool)\nfor i in range(len(sizes)):\n    for j in range(len(sizes)):\n"
         "        if sizes[j] <= sizes[i] and accuracies[j] >= accuracies[i] and (sizes[j], accuracies[j]) != (sizes[i], accuracies[i]):\n"
         "            front[i] = False\nreturn front"),
    ]


class exercise_lora_forward:

    def the_frozen_layer_and_what_is_added():
        """The frozen layer and what is added, times the scale"""
        layer = LoRALinear(Linear(2, 1), 1, alpha=2.0)
        layer.base.weight.data[:], layer.base.bias.data[:] = [[2], [3]], 2
        layer.down.data[:], layer.up.data[:] = [[1], [1]], [[5]]
        expect(layer(Tensor([[1, 2]])), Tensor([[40]]), mistakes=[
            (Tensor([[25]]), "The scale is missing: what is added is multiplied by `self.scale`, here 2.",
             AS_TENSOR + "return self.base(x) + x @ self.down @ self.up"),
            (Tensor([[10]]), "That is the frozen layer alone. The product with the thin matrices is to be added.",
             AS_TENSOR + "return self.base(x)"),
            (Tensor([[30]]), "That is what is added, without the frozen layer.",
             AS_TENSOR + "return x @ self.down @ self.up * self.scale"),
            (Tensor([[50]]), "The scale belongs to what is added, and not to the frozen layer.",
             AS_TENSOR + "return (self.base(x) + x @ self.down @ self.up) * self.scale"),
            (Tensor([[17.5]]), "You divided by the scale. What is added is multiplied by it.",
             AS_TENSOR + "return self.base(x) + x @ self.down @ self.up / self.scale"),
            (Tensor([[160]]), "What the thin matrices give went into the frozen layer. Both get x, and their results are added.",
             AS_TENSOR + "return self.base(x + x @ self.down @ self.up * self.scale)"),
            (lambda got: got.shape == (2, 2), "x must come first in the product: (…, in) @ (in, R) @ (R, out).",
             AS_TENSOR + "return self.base(x) + self.down @ self.up @ x * self.scale"),
            (Tensor([[38]]), "The bias of the frozen layer is missing. Call the layer: `self.base(x)`.",
             AS_TENSOR + "return x @ self.base.weight + x @ self.down @ self.up * self.scale")])
        expect(layer([[1.0, 2.0]]), Tensor([[40]]))

    def gradients_reach_the_thin_matrices():
        """Gradients reach both thin matrices and x, and not the frozen layer"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = LoRALinear(Linear(3, 2, rng=0), 2, rng=0)
        layer.up.data[:] = 1
        expect(layer(Tensor(np.ones((4, 3)))).sum().backward(), None, mistakes=[
            (raising(RuntimeError, "no way leads back"), "No gradient reaches the thin matrices: on the way one of them was taken out of the graph. Multiply the Parameters themselves, without `.data`.",
             AS_TENSOR + "return self.base(x) + x @ Tensor(self.down.data @ self.up.data * self.scale)")])
        expect([layer.down.grad is not None, layer.up.grad is not None, layer.base.weight.grad is None], [True, True, True], mistakes=[
            ([False, True, True], "No gradient reached down. Multiply the Parameter itself, without `.data`.",
             AS_TENSOR + "return self.base(x) + Tensor(x.data @ self.down.data) @ self.up * self.scale")])
        x = Tensor(np.ones((1, 3)), requires_grad=True)
        layer(x).sum().backward()
        expect(x.grad[0], (layer.base.weight.data + layer.down.data @ layer.up.data * layer.scale).sum(axis=1), rtol=1e-4, atol=1e-5, mistakes=[
            (raising(TypeError, "NoneType"), "No gradient reached x, and layers before this one would not learn. Both products take x itself.",
             "x = Tensor(x.data)\nreturn self.base(x) + x @ self.down @ self.up * self.scale"),
            (lambda got: True, "x gets only a part of its gradient: both products take x itself, without `.data`.",
             AS_TENSOR + "return self.base(x) + Tensor(x.data) @ self.down @ self.up * self.scale")])

    def in_the_cheap_order():
        """Any axes in front, and never an array as large as the weight"""
        layer = LoRALinear(Linear(4, 3, rng=0), 2, alpha=4.0, rng=0)
        layer.up.data[:] = np.arange(6).reshape(2, 3)
        x = np.random.default_rng(0).standard_normal((2, 5, 4)).astype(np.float32)
        expect(layer(x), Tensor(x @ layer.base.weight.data + x @ layer.down.data @ layer.up.data * 2), rtol=1e-4, atol=1e-5)
        large, one = LoRALinear(Linear(400, 400, rng=0), 2), Tensor(np.ones((1, 400)))
        expect(peak(lambda: large(one)) < 200_000, True, mistakes=[
            (False, "The result is right, and on the way down @ up was made, as large as the weight. x @ down first: it is thin.",
             AS_TENSOR + "return self.base(x) + x @ (self.down @ self.up) * self.scale")])

    wrong = [
        (AS_TENSOR + "return self.base(x) + x @ self.up @ self.down * self.scale", "matmul"),
        (AS_TENSOR + "self.base.weight.data += self.down.data @ self.up.data * self.scale\nreturn self.base(x)", "gradient"),
    ]

    right = [
        AS_TENSOR + "return self.base(x) + x @ self.down @ self.up * self.scale",
        AS_TENSOR + "added = (x @ self.down) @ (self.up * self.scale)\nreturn added + self.base(x)",
        AS_TENSOR + "thin = (x * self.scale) @ self.down\nreturn thin @ self.up + self.base(x)",
    ]

    equivalent = [
        ("left out: x = x if isinstance(x, Tensor) else Tensor(x)", "a list times a Tensor is a Tensor already, and the base takes a list"),
    ]


class exercise_merged:

    def the_same_in_one_product():
        """One Linear that computes the same"""
        layer = LoRALinear(Linear(2, 1), 1, alpha=2.0)
        layer.base.weight.data[:], layer.base.bias.data[:] = [[2], [3]], 2
        layer.down.data[:], layer.up.data[:] = [[1], [1]], [[5]]
        expect(type(layer.merged()).__name__, "Linear", mistakes=[
            (raising(TypeError, "ufuncs"), "`layer.weight.data` is an array, and a Tensor cannot be added into it. Multiply the arrays: `.data` of both.",
             COPY + ADD.replace("self.down.data @ self.up.data", "self.down @ self.up") + FREE + "return layer"),
            ("NoneType", "Nothing came back. Return the layer.",
             COPY + ADD + FREE),
            ("LoRALinear", "A LoRALinear came back. Copy `self.base`, which is a Linear.",
             "layer = copy.deepcopy(self)\nlayer.base.weight.data += self.down.data @ self.up.data * self.scale\nreturn layer"),
            (raising(ValueError, "matmul"), "The shapes (1, 1) and (2, 1) do not fit: down @ up, in this order.",
             COPY + ADD.replace("self.down.data @ self.up.data", "self.up.data @ self.down.data") + FREE + "return layer")])
        expect(layer.merged()(Tensor([[1, 2]])), Tensor([[40]]), mistakes=[
            (Tensor([[70]]), "The base itself has been changed, and each call adds once more. Change a copy.",
             "layer = self.base\n" + ADD + FREE + "return layer",
             "self.base.weight.data += self.down.data @ self.up.data * self.scale\nreturn copy.deepcopy(self.base)"),
            (Tensor([[25]]), "The scale is missing in what is added to the weight.",
             COPY + ADD.replace(" * self.scale", "") + FREE + "return layer"),
            (Tensor([[10]]), "That is the base alone. The product of the thin matrices is to be added to its weight.",
             COPY + FREE + "return layer"),
            (Tensor([[32]]), "The base's own weight is lost. The product is added to it.",
             COPY + ADD.replace("+=", "=") + FREE + "return layer"),
            (Tensor([[38]]), "The bias is lost. A copy of the base has it.",
             "layer = Linear(*self.base.weight.shape)\nlayer.weight.data = self.base.weight.data + self.down.data @ self.up.data * self.scale\nreturn layer")])

    def the_layer_stays_as_it_is():
        """This layer and its base stay as they are"""
        layer = LoRALinear(Linear(3, 2, rng=0), 2, rng=0)
        layer.up.data[:] = 1
        with expect_unchanged(layer.base.weight, layer.base.bias, layer.down, layer.up):
            layer.merged()
        merged = layer.merged()
        expect_copies(merged.weight, layer.base.weight)
        expect_copies(merged.bias, layer.base.bias, mistakes=[
            (lambda got: True, "Two layers have one bias now, and training one would change the other. copy.deepcopy copies it too.",
             "layer = Linear(*self.base.weight.shape)\nlayer.weight.data = self.base.weight.data + self.down.data @ self.up.data * self.scale\nlayer.bias = self.base.bias\nreturn layer",
             "layer = copy.copy(self.base)\nlayer.weight = Parameter(self.base.weight.data + self.down.data @ self.up.data * self.scale)\nreturn layer")])

    def all_can_be_learned_again():
        """All parameters can be learned again, and those of the base stay frozen"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = LoRALinear(Linear(3, 2, rng=0), 2, rng=0)
        merged = layer.merged()
        expect([p.requires_grad for p in merged.parameters()], [True, True], mistakes=[
            (lambda got: len(got) == 1, "The weight is a plain Tensor now, which the layer takes for a constant. Change the array in it, `layer.weight.data`, or make a Parameter.",
             COPY + "layer.weight = layer.weight + self.down @ self.up * self.scale\n" + FREE + "return layer"),
            (lambda got: not any(got), "The copy is frozen like the base, and could never be trained on. Set `requires_grad` of its parameters to True.",
             COPY + ADD + "return layer"),
            (lambda got: not all(got), "One of the parameters is frozen still: weight and bias, both can be learned again.",
             COPY + ADD + "layer.weight.requires_grad = True\nreturn layer")])
        expect([p.requires_grad for p in layer.base.parameters()], [False, False], mistakes=[
            (lambda got: any(got), "The base can be learned now. It is the copy that should.",
             COPY + ADD + FREE + FREE.replace("layer.", "self.base.") + "return layer")])
        bare = LoRALinear(Linear(3, 2, bias=False, rng=0), 1)
        expect(bare.merged().bias, None, mistakes=[
            (raising(AttributeError, "NoneType"), "This layer has no bias, it is None. `layer.parameters()` gives those that there are.",
             COPY + ADD + "layer.weight.requires_grad = layer.bias.requires_grad = True\nreturn layer")])

    wrong = [
        (COPY + ADD.replace("+=", "-=") + FREE + "return layer", "expected"),
    ]

    right = [
        COPY + ADD + FREE + "return layer",
        ("layer = copy.deepcopy(self.base)\nlayer.weight = Parameter(layer.weight.data + self.scale * (self.down.data @ self.up.data))\n"
         "if layer.bias is not None:\n    layer.bias.requires_grad = True\nreturn layer"),
        ("old = self.base\nlayer = Linear(*old.weight.shape, bias=old.bias is not None)\n"
         "layer.weight = Parameter(old.weight.data + (self.down.data * self.scale) @ self.up.data)\n"
         "if old.bias is not None:\n    layer.bias = Parameter(old.bias.data.copy())\nreturn layer"),
    ]
