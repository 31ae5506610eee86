"""Chapter 06: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.autograd import (
    CrossEntropyLoss, Function, MatMul, Parameter, REPLACED, ReLU, check_gradient, disable_autograd,
    enable_autograd, gradient_gap, numerical_gradient, propagate, topological_order, unbroadcast,
)
from tinytorch.learn.expecting import expect, expect_raises, raising

GIVEN = ("if getattr(x, 'dtype', None) != np.float64:\n    raise TypeError(f\"numerical_gradient: x holds {getattr(x, 'dtype', type(x).__name__)}; the \"\n"
         "                    \"difference of two near values needs float64, so pass x.astype(np.float64)\")\n")
ZEROS = GIVEN + "gradient = np.zeros_like(x)\n"
LOOP = "for index in np.ndindex(x.shape):\n    value = x[index]\n"
UP = "    x[index] = value + eps\n    above = float(f(x))\n"
DOWN = "    x[index] = value - eps\n    below = float(f(x))\n"
BACK = "    x[index] = value\n"
END = "return gradient\n"
GAP = "gap = np.abs(received - expected) / (1 + np.abs(expected))\n"
FRONT = "added = grad.ndim - len(shape)\n"
EQUAL = "if grad.shape == shape:\n    return grad\n"
STRETCHED = "stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and grad.shape[axis] != 1)\n"
SOFTMAX = ("rows = operand(logits).reshape(-1, logits.shape[-1])\nlabels = read_numbers(targets).reshape(-1)\n"
           "grad = np.exp(rows - rows.max(axis=1, keepdims=True))\ngrad /= grad.sum(axis=1, keepdims=True)\n")
ONE_HOT = "grad[np.arange(len(rows)), labels] -= 1\n"
SCALED = "return None, (grad * (grad_output / len(rows))).reshape(logits.shape)\n"
WALK = "for node in order:\n    for tensor, grad in input_gradients(node, arriving.pop(node)):\n        key = origin(tensor)\n"
ADDED = "        arriving[key] = add_gradients(arriving.get(key), grad)\n"
RELEASED = "    if not retain_graph:\n        node.release()\nreturn arriving\n"
RECURSIVE = ("order, seen = [], set()\ndef visit(node):\n    if node not in seen:\n        seen.add(node)\n"
             "        for parent in node.parents():\n            visit(parent)\n        order.append(node)\nvisit(root)\n")
PAIRS = ("order, seen, waiting = [], set(), [(root, False)]\nwhile waiting:\n    node, done = waiting.pop()\n    if done:\n"
         "        order.append(node)\n    elif node not in seen:\n        seen.add(node)\n        waiting.append((node, True))\n"
         "        waiting.extend((parent, False) for parent in node.parents())\n")
ONCE = "if REPLACED:\n    return\n"
TENSORS = "put(Tensor, requires_grad=False, grad=None, _grad_fn=None)\n"
PARAMETERS = "put(Parameter, requires_grad=True)\n"
METHODS = "put(Tensor, backward=backward, zero_grad=zero_grad, detach=detach)\n"
INSTALLED = "for entry in GRADIENTS:\n    install(*entry)\n"
GUARDS = "guard_ways_out()\n"


class exercise_numerical_gradient:

    def one_slope_for_each_element():
        """One slope for each element"""
        expect(numerical_gradient(lambda x: (x * x).sum(), np.array([1.0, 3.0])), np.array([2.0, 6.0]), mistakes=[
            (np.array([4.0, 12.0]), "You divided by eps. The two values are 2 eps apart.",
             ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / eps\n" + END),
            (np.array([-2.0, -6.0]), "The sign is turned round: above minus below.",
             ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (below - above) / (2 * eps)\n" + END),
            (np.array([2.0, 0.0]), "Only the first element has a slope. Does something leave the loop too early?",
             ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n    " + END),
            (lambda got: 0 < abs(got[0]) < 1e-9, "`/ 2 * eps` divides by 2 and then multiplies by eps. Put 2 * eps into parentheses.",
             ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / 2 * eps\n" + END),
            (np.array([8.0, 8.0]), "All elements were moved at once. Move one, and put it back before the next.",
             ZEROS + "for index in np.ndindex(x.shape):\n    gradient[index] = (float(f(x + eps)) - float(f(x - eps))) / (2 * eps)\n" + END)])

    def both_sides_count_with_the_step_that_was_asked():
        """Both sides count, with the step that was asked for"""
        expect(numerical_gradient(lambda x: (x ** 3).sum(), np.array([2.0]), eps=0.5), np.array([12.25]), mistakes=[
            (np.array([15.25]), "That is one-sided, from x to x + eps. Take the step to both sides.",
             ZEROS + LOOP + UP + BACK + "    gradient[index] = (above - float(f(x))) / eps\n" + END),
            (np.array([9.25]), "That is one-sided, from x - eps to x. Take the step to both sides.",
             ZEROS + LOOP + DOWN + BACK + "    gradient[index] = (float(f(x)) - below) / eps\n" + END),
            (np.array([12.0]), "The step is an argument: eps is 0.5 here, and with it the answer is 12.25.",
             "eps = 1e-6\n" + ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END)])

    def without_eps_the_step_is_a_millionth():
        """Without eps, the step is a millionth"""
        moved = []
        numerical_gradient(lambda x: moved.append(x[0]) or x.sum(), np.array([0.0]))
        expect(max(moved) * 1e6, 1.0, mistakes=[
            (lambda got: True, "The default of eps is another one. Take the `def` line as it was given.",
             "def numerical_gradient(f, x, eps=1e-3):\n" + "".join("    " + line + "\n" for line in (ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END).splitlines()))])

    def float64_is_taken_and_float32_refused():
        """float64 is taken, and float32 refused"""
        expect(numerical_gradient(lambda x: (x * x).sum(), np.float64([1, 3])), np.array([2.0, 6.0]))
        expect_raises(TypeError, lambda: numerical_gradient(lambda x: (x * x).sum(), np.float32([1, 3])), mentions=["float32"], mistakes=[
            (lambda error: "float32" not in str(error), "The refusal does not say what x holds. The first lines that were given do.",
             "if x.dtype != np.float64:\n    raise TypeError('no')\n" + ZEROS.replace(GIVEN, "") + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END),
            (np.float32([1.9073486, 5.722046]), "In float32 the difference of two near values is mostly rounding: here every slope is off. The first lines that were given refuse it.",
             "gradient = np.zeros_like(x)\n" + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END)])

    def the_next_element_meets_the_others_where_they():
        """The next element meets the others where they were"""
        x = np.array([2.0, 3.0])
        expect(numerical_gradient(lambda x: x[0] * x[1], x, eps=0.5), np.array([3.0, 2.0]), mistakes=[
            (IndexError, "f was called with a single number. It takes the whole array, in which one element has moved.",
             ZEROS + "for index in np.ndindex(x.shape):\n    gradient[index] = (f(x[index] + eps) - f(x[index] - eps)) / (2 * eps)\n" + END),
            (lambda got: got[0] == 3 and got[1] not in (0, 2), "The slope of x[0] * x[1] for the second element is the first one, 2. The first was not put back.",
             ZEROS + LOOP + UP + DOWN + "    gradient[index] = (above - below) / (2 * eps)\n" + END)])
        expect(x.tolist(), [2.0, 3.0], mistakes=[(lambda got: True, "Afterwards x must be as it was.",
            ZEROS + "x[...] = x + 0.0\n" + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\nx += 1\n" + END)])
        x = np.array([0.7, 3.0])
        numerical_gradient(lambda x: x.sum(), x)
        expect((x == np.array([0.7, 3.0])).all(), True, mistakes=[
            (False, "x is off in the last digit: up, down and up again is not quite where it began. Keep the value and write it back.",
             (ZEROS + "for index in np.ndindex(x.shape):\n    x[index] += eps\n    above = f(x)\n    x[index] -= 2 * eps\n    below = f(x)\n    x[index] += eps\n"
              "    gradient[index] = (above - below) / (2 * eps)\n" + END))])

    def the_array_itself_is_moved_whatever_its_shape():
        """The array itself is moved, whatever its shape"""
        x = np.array([[1.0, 2.0], [3.0, 4.0]])
        expect(numerical_gradient(lambda same: (x * x).sum(), x), np.array([[2.0, 4.0], [6.0, 8.0]]), mistakes=[
            (lambda got: not got.any(), "Nothing in x itself has moved. Here f looks at the very array and not at what it is given, so move the elements in x.",
             (ZEROS + "for index in np.ndindex(x.shape):\n    up, down = x.copy(), x.copy()\n    up[index] += eps\n    down[index] -= eps\n"
              "    gradient[index] = (float(f(up)) - float(f(down))) / (2 * eps)\n" + END)),
            (lambda got: got[0, 0] == got[0, 1], "x[i] is a whole row here. Go through single elements with np.ndindex(x.shape).",
             (ZEROS + LOOP.replace("np.ndindex(x.shape)", "range(len(x))").replace("x[index]\n", "np.copy(x[index])\n") + UP + DOWN + BACK
              + "    gradient[index] = (above - below) / (2 * eps)\n" + END))])
        expect(numerical_gradient(lambda x: x * x, np.array(3.0)).item(), 6.0, mistakes=[
            (TypeError, "An array of shape () has no length. np.ndindex(x.shape) goes through it too, once.",
             ZEROS + LOOP.replace("np.ndindex(x.shape)", "np.ndindex(len(x), *x.shape[1:])") + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END)])

    right = [
        ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END,
        (ZEROS + "with np.nditer(x, flags=['multi_index']) as steps:\n    places = [steps.multi_index for _ in steps]\nfor place in places:\n    old = x[place]\n"
         "    x[place] = old + eps\n    slope = f(x)\n    x[place] = old - eps\n    slope = slope - f(x)\n    x[place] = old\n    gradient[place] = slope / (eps + eps)\n" + END),
        (GIVEN + "flat, slopes = x.reshape(-1), []\nfor i in range(x.size):\n    old, values = flat[i], []\n    for side in (1, -1):\n        flat[i] = old + side * eps\n"
         "        values.append(float(f(x)))\n    flat[i] = old\n    slopes.append((values[0] - values[1]) / (2 * eps))\nreturn np.array(slopes).reshape(x.shape)"),
    ]

    equivalent = [
        ("gradient = np.zeros_like(x)  ->  gradient = np.ones_like(x)", "every element is written before anybody reads it"),
    ]


class exercise_gradient_gap:

    def relative_to_1_the_size_of_what_is_expected():
        """Relative to 1 + the size of what is expected"""
        expect(gradient_gap(np.array([2.0, 1.0]), np.array([3.0, -1.0])), np.array([0.25, 1.0]), mistakes=[
            (np.array([-0.25, 1.0]), "A distance has no sign. Take the absolute value of the difference.",
             "gap = (received - expected) / (1 + np.abs(expected))\nreturn np.where(np.isnan(gap), np.inf, gap)"),
            (np.array([1.0, 2.0]), "That is the plain distance. Divide it by 1 + the size of the expected slope.",
             "gap = np.abs(received - expected)\nreturn np.where(np.isnan(gap), np.inf, gap)"),
            (np.array([1 / 3, 2.0]), "You divided by the size alone. The 1 is for slopes near 0.",
             "gap = np.abs(received - expected) / np.abs(expected)\nreturn np.where(np.isnan(gap), np.inf, gap)"),
            (np.array([0.25, np.inf]), "1 + (-1) is 0. The size of the expected slope is its absolute value.",
             "with np.errstate(all='ignore'):\n    gap = np.abs(received - expected) / (1 + expected)\nreturn np.where(np.isnan(gap), np.inf, gap)"),
            (np.array([4.0, 3.0]), "Division comes before addition. Put 1 + the size into parentheses.",
             "gap = np.abs(received - expected) / 1 + np.abs(expected)\nreturn np.where(np.isnan(gap), np.inf, gap)"),
            (np.array([1 / 3, 1.0]), "You divided by 1 + the received one. The judge's own slope is the measure.",
             "gap = np.abs(received - expected) / (1 + np.abs(received))\nreturn np.where(np.isnan(gap), np.inf, gap)")])

    def a_slope_of_0_is_no_problem():
        """A slope of 0 is no problem"""
        expect(gradient_gap(np.array([0.0, 0.5]), np.array([0.0, 0.0])), np.array([0.0, 0.5]), mistakes=[
            (lambda got: not np.isfinite(got).all(), "Where the expected slope is 0 you divided by 0.",
             "with np.errstate(all='ignore'):\n    gap = np.abs(received - expected) / np.abs(expected)\nreturn np.where(np.isnan(gap), np.inf, gap)")])

    def nan_never_passes():
        """NaN never passes"""
        expect(gradient_gap(np.array([np.nan, 1.0, 3.0]), np.array([2.0, np.nan, 3.0])), np.array([np.inf, np.inf, 0.0]), mistakes=[
            (lambda got: np.isinf(got).all(), "All gaps are infinite. Only those with NaN are: np.where asks each element for itself.",
             GAP + "return np.full_like(gap, np.inf) if np.isnan(gap).any() else gap",
             "if np.isnan(received).any() or np.isnan(expected).any():\n    return np.inf\n" + GAP + "return gap"),
            (lambda got: np.isnan(got).any(), "NaN is left. It is not larger than any limit, so it would pass. Make it infinite.",
             GAP + "return gap",
             GAP + "return np.where(np.isnan(received), np.inf, gap)"),
            (lambda got: (got[:2] == 0).any(), "A gap of 0 says that the gradient is right. NaN is as wrong as can be: infinity.",
             GAP + "return np.nan_to_num(gap)")])

    right = [
        GAP + "return np.where(np.isnan(gap), np.inf, gap)",
        GAP + "gap[np.isnan(gap)] = np.inf\nreturn gap",
        "return np.nan_to_num(abs(expected - received) / (abs(expected) + 1), nan=np.inf, posinf=np.inf)",
    ]

    equivalent = [
        ("gap = np.abs(received - expected) / (1 + np.abs(expected))  ->  gap = np.abs(expected - received) / (1 + np.abs(expected))", "a distance is the same from both ends"),
    ]


class exercise_unbroadcast:

    def an_axis_was_put_in_front():
        """An axis was put in front"""
        grad = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        expect(unbroadcast(grad, (3,)), np.array([5.0, 7.0, 9.0]), mistakes=[
            (np.array([6.0, 15.0]), "You summed along the last axis. Shapes are lined up at the right, so the axis that was added is the first.",
             EQUAL + "return grad.sum(axis=tuple(range(len(shape), grad.ndim)))"),
            (np.array([2.5, 3.5, 4.5]), "Gradients that arrive on several ways are added. You averaged.",
             EQUAL + FRONT + "return grad.mean(axis=tuple(range(added)))"),
            (np.array([1.0, 2.0, 3.0]), "You kept one row. What arrived through the other row is lost.",
             EQUAL + FRONT + "return grad[(0,) * added]"),
            (lambda got: got.shape == (2, 3), "The broadcasting is not undone: the result must have the shape (3,).",
             EQUAL + "return grad"),
            (ValueError, "A reshape keeps all six numbers. Those that belong to one element are to be summed.",
             "return grad if grad.shape == shape else grad.reshape(shape)"),
            (TypeError, "For several axes, sum wants a tuple: axis=tuple(…).",
             EQUAL + FRONT + "return grad.sum(axis=list(range(added)))"),
            (lambda got: got.shape == (1, 3), "The axis in front was never there. Sum it away without keepdims.",
             EQUAL + FRONT + "return grad.sum(axis=tuple(range(added)), keepdims=True)")])

    def an_axis_of_size_1_was_stretched():
        """An axis of size 1 was stretched"""
        grad = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        expect(unbroadcast(grad, (2, 1)), np.array([[6.0], [15.0]]), mistakes=[
            (lambda got: got.shape == (2,), "The axis of size 1 was lost. keepdims=True keeps it.",
             EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched)"),
            (lambda got: got.shape == (2, 3), "The broadcasting is not undone: where shape has 1 and grad has 3, the 3 are summed.",
             EQUAL + FRONT + "return grad.sum(axis=tuple(range(added))) if added else grad")])
        expect(unbroadcast(np.array([[1.0, 2.0], [3.0, 4.0]]), (2, 1)), np.array([[3.0], [7.0]]), mistakes=[
            (lambda got: got.shape == (2, 2), "An axis of size 1 that was read twice is stretched too. Compare its size in grad with 1.",
             EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED.replace("!= 1)", "> 2)") + "return grad.sum(axis=stretched, keepdims=True)")])
        expect(unbroadcast(grad, (1, 3)), np.array([[5.0, 7.0, 9.0]]), mistakes=[
            (lambda got: got.shape == (2, 3), "Here the first axis was stretched. Look at every axis, not only at the last one.",
             EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\nif shape and shape[-1] == 1:\n    grad = grad.sum(axis=-1, keepdims=True)\nreturn grad")])
        expect(unbroadcast(grad, (1, 1)), np.array([[21.0]]), mistakes=[
            (lambda got: got.shape != (1, 1), "Two axes were stretched here, and one of them is left. Go on after the first.",
             EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\nfor axis, size in enumerate(shape):\n    if size == 1 and grad.shape[axis] != 1:\n        return grad.sum(axis=axis, keepdims=True)\nreturn grad")])

    def both_at_once_and_down_to_a_single_number():
        """Both at once, and down to a single number"""
        expect(unbroadcast(np.ones((4, 2, 3)), (2, 1)), np.array([[12.0], [12.0]]), mistakes=[
            (lambda got: got.shape == (2,), "The axis of size 1 was lost. keepdims=True keeps it.",
             EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched)"),
            (raising(ValueError, "reshape"), "A reshape keeps all 24 numbers. Those that belong to one element are to be summed.",
             "return grad if grad.shape == shape else grad.reshape(shape)"),
            (lambda got: got.shape != (2, 1), "There is an axis in front and a stretched one. Undo the first, then the second.",
             EQUAL + FRONT + "if added:\n    return grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched, keepdims=True)",
             (EQUAL + FRONT + "if added and 1 in shape:\n    return grad.sum(axis=tuple(range(added + 5)))\ngrad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED
              + "return grad.sum(axis=stretched, keepdims=True)")),
            (ValueError, "There is an axis in front and a stretched one. Undo the first, then the second.",
             EQUAL + "return grad.sum(axis=tuple(range(len(shape), grad.ndim)))")])
        expect(np.shape(unbroadcast(np.ones((2, 3)), ())), ())
        expect(float(np.sum(unbroadcast(np.ones((2, 3)), ()))), 6.0)

    def where_nothing_was_broadcast_nothing_is_computed():
        """Where nothing was broadcast nothing is computed"""
        grad = np.ones((1, 3))
        expect(unbroadcast(grad, (1, 3)) is grad, True, mistakes=[
            (False, "Equal shapes: return grad itself. A sum over no axis makes a copy, for every operation of a model.",
             FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched, keepdims=True)")])

    right = [
        EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched, keepdims=True)",
        (EQUAL + FRONT + "full = (1,) * added + tuple(shape)\naxes = tuple(i for i, size in enumerate(full) if size != grad.shape[i])\n"
         "return grad.sum(axis=axes, keepdims=True).reshape(shape)"),
        (EQUAL + "while grad.ndim > len(shape):\n    grad = grad.sum(axis=0)\nfor axis, size in enumerate(shape):\n    if size != grad.shape[axis]:\n"
         "        grad = grad.sum(axis=axis, keepdims=True)\nreturn grad"),
    ]

    equivalent = [
        ("left out: if grad.shape == shape:", "with equal shapes no axis is added or stretched, and the end returns grad itself"),
        ("left out: return grad (2)", "with equal shapes no axis is added or stretched, and the end returns grad itself"),
    ]


class exercise_multiply:

    def each_side_gets_the_gradient_times_the_other():
        """Each side gets the gradient times the other"""
        enable_autograd()
        x, y = Tensor([2, 3], requires_grad=True), Tensor([5, 7], requires_grad=True)
        def gradients():
            (x * y).backward([1, 10])
            return [x.grad.tolist(), y.grad.tolist()]
        expect(gradients(), [[5.0, 70.0], [2.0, 30.0]], mistakes=[
            (raising(RuntimeError, "gave Tensor"), "A Tensor was returned. Gradients are arrays: take the operands through operand(...).",
             "return None, grad_output * right, grad_output * left",
             "return None, left * right, right * left"),
            (TypeError, "self.both takes two functions, and calls them only where they are needed. Write `lambda:` before each product.",
             "return self.both(grad_output * operand(right), grad_output * operand(left), left, right)"),
            (raising(RuntimeError, "no gradient for argument 1"), "What self.both returns is the whole tuple, with None for the operation in front. Return it as it is.",
             "return None, *self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)",
             "return None, self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)",
             "first, second = self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)\nreturn None, first, second"),
            (raising(RuntimeError, "gave tuple"), "What self.both returns is the whole tuple, with None for the operation in front. Return it as it is.",
             "return None, *self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)"),
            (ValueError, "What self.both returns is the whole tuple, with None for the operation in front. Return it as it is.",
             "return None, *self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)"),
            (raising(RuntimeError, "no gradient for argument 2"), "There are three arguments, and the first is the operation. Return None for it, then the two gradients.",
             "return unbroadcast(grad_output * operand(right), left.shape), unbroadcast(grad_output * operand(left), right.shape)"),
            ([[2.0, 30.0], [5.0, 70.0]], "Each side got its own numbers. The slope for left is right.",
             "return self.both(lambda: grad_output * operand(left), lambda: grad_output * operand(right), left, right)"),
            ([[5.0, 7.0], [2.0, 3.0]], "Those are the slopes alone. Multiply them with the gradient that arrives, grad_output.",
             "return self.both(lambda: operand(right), lambda: operand(left), left, right)"),
            ([[1.0, 10.0], [1.0, 10.0]], "That is the way back of a sum. In a product each slope is the other side.",
             "return self.both(lambda: grad_output, lambda: grad_output, left, right)")])

    def a_side_may_be_0():
        """A side may be 0"""
        enable_autograd()
        x, y = Tensor([0, 3], requires_grad=True), Tensor([5, 0], requires_grad=True)
        def gradients():
            (x * y).sum().backward()
            return [x.grad.tolist(), y.grad.tolist()]
        expect(gradients(), [[5.0, 0.0], [0.0, 3.0]], mistakes=[
            (lambda got: np.isnan(got).any() or np.isinf(got).any(), "The other side was got back by a division, and 0 / 0 has no answer. The other side is there as an argument: take it as it is.",
             ("def slope(own, other):\n    with np.errstate(all='ignore'):\n        return grad_output * (operand(left) * operand(right)) / operand(own)\n"
              "return self.both(lambda: slope(left, right), lambda: slope(right, left), left, right)"),
             ("with np.errstate(all='ignore'):\n    return self.both(lambda: grad_output * self.output / operand(left), lambda: grad_output * self.output / operand(right), left, right)"))])

    def broadcasting_is_undone():
        """Broadcasting is undone"""
        enable_autograd()
        x, b = Tensor([[1, 2, 3], [4, 5, 6]], requires_grad=True), Tensor([10, 20, 30], requires_grad=True)
        def gradients():
            (x * b).sum().backward()
            return [x.grad.shape, b.grad.tolist()]
        expect(gradients(), [(2, 3), [5.0, 7.0, 9.0]], mistakes=[
            (raising(RuntimeError, "of shape (2, 3) for argument 2"), "The broadcasting is not undone. self.both calls unbroadcast for you.",
             "return None, grad_output * operand(right), grad_output * operand(left)")])

    def a_plain_number_and_a_side_that_wants_nothing():
        """A plain number, and a side that wants nothing"""
        enable_autograd()
        x, plain = Tensor([2.0], requires_grad=True), Tensor([4.0])
        expect([(3 * x)._grad_fn.backward(np.ones(1), np.multiply, 3, x)[1:]], [(None, np.array([3.0]))], mistakes=[
            (AttributeError, "A side may be a plain number, which has no .data and no shape. operand(...) gives its value, grad_output times that is an array, and self.both leaves out the side that needs nothing.",
             "return None, unbroadcast(grad_output * right.data, left.shape), unbroadcast(grad_output * left.data, right.shape)"),
            (lambda got: len(got[0]) == 2 and got[0][0] is not None, "The number 3 wants no gradient. Compute only what self.needs asks for; self.both sees to it.",
             "return None, unbroadcast(grad_output * operand(right), np.shape(left)), unbroadcast(grad_output * operand(left), np.shape(right))")])
        expect((x * plain)._grad_fn.backward(np.ones(1), np.multiply, x, plain)[2] is None, True, mistakes=[
            (False, "The right side wants no gradient here, and yet it was computed. Only what is needed: self.both sees to it.",
             ("needs = self.needs\nreturn (None, unbroadcast(grad_output * operand(right), left.shape) if needs[1] else None,\n"
              "        unbroadcast(grad_output * operand(left), right.shape))"))])

    def a_tensor_times_itself():
        """A tensor times itself"""
        enable_autograd()
        x = Tensor([2, 3], requires_grad=True)
        (x * x).sum().backward()
        expect(x.grad.tolist(), [4.0, 6.0])

    right = [
        "return self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)",
        "a, b = operand(left), operand(right)\nreturn self.both(lambda: b * grad_output, lambda: a * grad_output, left, right)",
        ("_, first, second = self.needs\nreturn (None, unbroadcast(grad_output * operand(right), left.shape) if first else None,\n"
         "        unbroadcast(grad_output * operand(left), right.shape) if second else None)"),
    ]


class exercise_right_gradient:

    def one_matrix():
        """One matrix"""
        grad, rows, columns = np.array([[1.0, 0, 0], [0, 2, 0]]), np.array([[1.0, 2], [3, 4]]), np.ones((2, 3))
        expect(MatMul().right_gradient(grad, rows, columns), np.array([[1.0, 6, 0], [2, 8, 0]]), mistakes=[
            (np.array([[1.0, 4, 0], [3, 8, 0]]), "rows must be turned: an element of column k of rows met row k of columns.",
             "return unbroadcast(np.matmul(rows, grad), columns.shape)"),
            (raising(ValueError, "axes"), "These axes are those of a stack. np.swapaxes(rows, -1, -2) counts from the end, and so serves a single matrix too.",
             "return unbroadcast(rows.transpose(0, 2, 1) @ grad, columns.shape)"),
            (lambda got: got.ndim == 1, "One matrix was used once here, so nothing is to be added. unbroadcast looks at the shapes before it adds.",
             "return (np.swapaxes(rows, -1, -2) @ grad).sum(axis=0)"),
            (ValueError, "The inner sizes do not fit. The result is (K, N); rows is (M, K) and grad is (M, N), so M must be the inner size.",
             "return unbroadcast(np.matmul(grad, np.swapaxes(rows, -1, -2)), columns.shape)"),
            (lambda got: got.shape == (2, 2), "That is the gradient of the left side, in the shape of rows. The right side has the shape (K, N).",
             "return grad @ np.swapaxes(columns, -1, -2)"),
            (lambda got: got.shape == (3, 2), "That is the transpose of the answer. It must have the shape of columns, (K, N).",
             "return np.matmul(np.swapaxes(grad, -1, -2), rows)")])

    def a_stack_of_matrices():
        """A stack of matrices"""
        rows, columns, grad = np.arange(30.0).reshape(5, 3, 2), np.ones((5, 2, 4)), np.ones((5, 3, 4))
        expect(MatMul().right_gradient(grad, rows, columns).shape, (5, 2, 4), mistakes=[
            (raising(ValueError, "(size 3 is different from 5)"), "With a stack .T reverses all axes. np.swapaxes(rows, -1, -2) turns each matrix.",
             "return unbroadcast(rows.T @ grad, columns.shape)"),
            (raising(ValueError, "reshape"), "The result has as many matrices as the stack. One product of long matrices adds them up, which is right only where one matrix serves all of them.",
             "return (rows.reshape(-1, rows.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])).reshape(columns.shape)"),
            (lambda got: len(got) == 2, "That is one gradient for the whole stack. Each matrix of columns met its own rows, and gets its own.",
             "return rows.reshape(-1, rows.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])")])
        expect(MatMul().right_gradient(grad, rows, columns)[1, :, 0].tolist(), [24.0, 27.0])

    def one_matrix_for_a_whole_stack():
        """One matrix for a whole stack"""
        rows, columns, grad = np.ones((5, 3, 2)), np.ones((2, 4)), np.ones((5, 3, 4))
        expect(MatMul().right_gradient(grad, rows, columns), np.full((2, 4), 15.0), mistakes=[
            (lambda got: got.shape == (5, 2, 4), "The one matrix was used 5 times, so 5 gradients arrive. Add them up: unbroadcast.",
             "return np.matmul(np.swapaxes(rows, -1, -2), grad)"),
            (np.full((2, 4), 3.0), "The one matrix was used 5 times. The 5 gradients are added, not averaged.",
             "full = np.matmul(np.swapaxes(rows, -1, -2), grad)\nreturn full.mean(axis=tuple(range(full.ndim - columns.ndim))) if full.ndim > columns.ndim else full")])
        expect(MatMul().right_gradient(grad, rows, np.ones((1, 2, 4))), np.full((1, 2, 4), 15.0), mistakes=[
            (lambda got: got.shape == (5, 2, 4), "columns is a stack of one matrix here, (1, 2, 4), which was read 5 times. Summing the axes in front is not enough: unbroadcast undoes this as well.",
             "full = np.matmul(np.swapaxes(rows, -1, -2), grad)\nreturn full.sum(axis=tuple(range(full.ndim - columns.ndim)))"),
            (lambda got: got.shape == (2, 4), "The gradient has the shape of columns, (1, 2, 4): the axis of size 1 stays. unbroadcast looks at that shape.",
             "full = np.matmul(np.swapaxes(rows, -1, -2), grad)\nreturn full.sum(axis=0) if full.ndim == 3 and columns.shape[0] != 5 else full")])

    def one_matrix_for_each_half_of_a_stack():
        """One matrix for each half of a stack"""
        rows, columns, grad = np.ones((2, 5, 3, 2)), np.ones((2, 1, 2, 4)), np.ones((2, 5, 3, 4))
        grad[1] = 10
        expect(MatMul().right_gradient(grad, rows, columns), np.array([15.0, 150.0])[:, None, None, None] * np.ones((2, 1, 2, 4)), mistakes=[
            (lambda got: got.shape != (2, 1, 2, 4), "The stack has two axes here, and only the second was stretched: each matrix of columns was used 5 times. unbroadcast compares axis by axis.",
             "full = np.matmul(np.swapaxes(rows, -1, -2), grad)\nreturn full.sum(axis=tuple(range(full.ndim - 2)), keepdims=True).reshape(columns.shape[-full.ndim:]) if columns.size == 8 else full"),
            (lambda got: got[0, 0, 0, 0] > 15, "The two matrices of columns were used with different rows, and each gets what arrived through its own. reshape mixes them: unbroadcast sums along the axis that was stretched.",
             "full = np.matmul(np.swapaxes(rows, -1, -2), grad)\nreturn full.reshape(-1, *columns.shape).sum(axis=0)")])

    def the_judge_agrees():
        """The judge agrees"""
        enable_autograd()
        x, w = np.random.default_rng(0).standard_normal((2, 3, 4)), np.random.default_rng(1).standard_normal((4, 2))
        expect(check_gradient(lambda x, w: x @ w, x, w), None)

    right = [
        "return unbroadcast(np.matmul(np.swapaxes(rows, -1, -2), grad), columns.shape)",
        "return unbroadcast(rows.swapaxes(-2, -1) @ grad, columns.shape)",
        "return unbroadcast(np.swapaxes(np.swapaxes(grad, -1, -2) @ rows, -1, -2), columns.shape)",
        "return unbroadcast(np.einsum('...mk,...mn->...kn', rows, grad), columns.shape)",
    ]

    equivalent = [
        ("left out: if columns.ndim == 2 and grad.ndim > 2:", "one product for a whole stack is the faster way to the same sum that the last line gives; which way is taken is left to the reader"),
        ("left out: rows = np.broadcast_to(rows, grad.shape[:-1] + rows.shape[-1:])", "with a single matrix on the right, the product has the stack of rows already"),
        ("left out: return as_rows(rows).T @ as_rows(grad)", "one product for a whole stack is the faster way to the same sum that the last line gives; which way is taken is left to the reader"),
        ("if columns.ndim == 2 and grad.ndim > 2:  ->  if columns.ndim == 2 and grad.ndim > 3:", "one product for a whole stack is the faster way to the same sum that the last line gives; which way is taken is left to the reader"),
        ("if columns.ndim == 2 and grad.ndim > 2:  ->  if columns.ndim == 2 and grad.ndim >= 2:", "a single matrix is its own rows, and the product is the same"),
        ("return unbroadcast(np.matmul(np.swapaxes(rows, -1, -2), grad), columns.shape)  ->  return unbroadcast(np.matmul(np.swapaxes(rows, -2, -1), grad), columns.shape)", "two axes change places, whichever is named first"),
    ]


class exercise_cross_entropy_backward:

    def what_was_said_minus_what_should_have_been():
        """What was said minus what should have been"""
        enable_autograd()
        logits = Tensor([[0, 0], [0, 0]], requires_grad=True)
        CrossEntropyLoss()(logits, [1, 0]).backward()
        expect(logits.grad.tolist(), [[0.25, -0.25], [-0.25, 0.25]], mistakes=[
            ([[0.5, -0.5], [-0.5, 0.5]], "The loss is a mean over the N rows. Divide by N.",
             SOFTMAX + ONE_HOT + "return None, (grad * grad_output).reshape(logits.shape)"),
            ([[-0.25, 0.25], [0.25, -0.25]], "The sign is turned round: softmax minus one-hot.",
             SOFTMAX + ONE_HOT + SCALED.replace("(grad * ", "(-grad * ")),
            ([[0.25, 0.25], [0.25, 0.25]], "That is the softmax alone. Subtract 1 at the label of each row, in the array itself: grad[a][b] -= 1 changes a copy.",
             SOFTMAX + SCALED,
             SOFTMAX + "grad[np.arange(len(rows))][labels] -= 1\n" + SCALED),
            ([[0.125, -0.125], [-0.125, 0.125]], "You divided by the number of logits. The mean is over the 2 rows.",
             SOFTMAX + ONE_HOT + SCALED.replace("len(rows)", "rows.size")),
            ([[-0.25, -0.25], [-0.25, -0.25]], "grad[:, labels] picks whole columns, grad[labels] whole rows. One element in each row takes two lists of indices.",
             SOFTMAX + "grad[:, labels] -= 1\n" + SCALED,
             SOFTMAX + "grad[labels] -= 1\n" + SCALED),
            ([[0.125, -0.375], [-0.375, 0.125]], "The softmax of each row adds up to 1 when the 1 is subtracted. Divide by the sums of the rows first, and by N last.",
             SOFTMAX.replace("grad.sum(axis=1, keepdims=True)", "grad.sum()") + ONE_HOT + SCALED,
             SOFTMAX.replace("grad.sum(axis=1, keepdims=True)", "grad.sum(axis=1, keepdims=True) * len(rows)") + ONE_HOT + SCALED)])

    def sure_logits_do_not_overflow_and_the_logits_stay():
        """Sure logits do not overflow, and the logits stay as they were"""
        enable_autograd()
        logits = Tensor([[1000, 0], [3, 3]], requires_grad=True)
        CrossEntropyLoss()(logits, [0, 1]).backward()
        expect(logits.grad.tolist(), [[0.0, 0.0], [0.25, -0.25]], mistakes=[
            (lambda got: np.allclose(got[1], [0.5, -0.25]), "The second row was divided by the sum of the first. keepdims=True makes a column of the sums, one for each row.",
             SOFTMAX.replace("grad.sum(axis=1, keepdims=True)", "grad.sum(axis=1)") + ONE_HOT + SCALED),
            (lambda got: 0.02 < got[0][1] < 0.03, "That is a softmax down the columns. The logits of one sample lie in a row: axis=1.",
             SOFTMAX.replace("axis=1", "axis=0") + ONE_HOT + SCALED),
            (lambda got: np.isnan(got).any(), "exp(1000) is infinite. Take the largest logit of each row out first.",
             SOFTMAX.replace("np.exp(rows - rows.max(axis=1, keepdims=True))", "np.exp(rows)") + ONE_HOT + SCALED)])
        expect(logits.data.tolist(), [[1000.0, 0.0], [3.0, 3.0]], mistakes=[
            (lambda got: True, "The logits themselves were changed: rows is a view of them. Compute into a new array.",
             SOFTMAX.replace("grad = np.exp(rows - rows.max(axis=1, keepdims=True))", "rows -= rows.max(axis=1, keepdims=True)\ngrad = np.exp(rows)") + ONE_HOT + SCALED)])

    def more_axes_in_front_and_what_arrives_counts():
        """More axes in front, and what arrives counts"""
        enable_autograd()
        logits = Tensor(np.zeros((2, 1, 2)), requires_grad=True)
        def gradient():
            (CrossEntropyLoss()(logits, [[1], [0]]) * 4).backward()
            return logits.grad.reshape(2, 2).tolist()
        expect(gradient(), [[1.0, -1.0], [-1.0, 1.0]], mistakes=[
            (RuntimeError, "The gradient must have the shape of the logits as they came in, (2, 1, 2).",
             SOFTMAX + ONE_HOT + "return None, grad * (grad_output / len(rows))"),
            ([[0.25, -0.25], [-0.25, 0.25]], "The loss was multiplied by 4 afterwards, so 4 arrives. Multiply with grad_output.",
             SOFTMAX + ONE_HOT + "return None, (grad / len(rows)).reshape(logits.shape)")])

    def two_texts_of_three_with_four_classes():
        """Two rows of three samples, with four classes"""
        enable_autograd()
        logits = Tensor(np.zeros((2, 3, 4)), requires_grad=True)
        def gradient():
            (CrossEntropyLoss()(logits, [[1, 0, 3], [2, 2, 0]]) * 24).backward()
            return logits.grad.reshape(6, 4).tolist()
        expect(gradient(), [[1, -3, 1, 1], [-3, 1, 1, 1], [1, 1, 1, -3], [1, 1, -3, 1], [1, 1, -3, 1], [-3, 1, 1, 1]], mistakes=[
            (lambda got: np.allclose(got[0], [3, -9, 3, 3]), "Three times too long. The loss is a mean over all samples, 6 here, and the first axis has only 2: divide by the number of rows.",
             SOFTMAX + ONE_HOT + SCALED.replace("len(rows)", "len(logits.data)")),
            (lambda got: np.allclose(got[0], [2, -6, 2, 2]), "Twice too long. The loss is a mean over all samples, 6 here: divide by the number of rows.",
             SOFTMAX + ONE_HOT + SCALED.replace("len(rows)", "logits.shape[1]")),
            (IndexError, "The logits of one sample lie in the last axis. Make rows of its length, (N, C), and take one element in each row: row i, column labels[i].",
             SOFTMAX.replace("reshape(-1, logits.shape[-1])", "reshape(logits.shape[-1], -1)") + ONE_HOT + SCALED,
             SOFTMAX + "grad[labels, np.arange(len(rows))] -= 1\n" + SCALED)])

    right = [
        SOFTMAX + ONE_HOT + SCALED,
        SOFTMAX + "one_hot = np.eye(rows.shape[1], dtype=rows.dtype)[labels]\nreturn None, ((grad - one_hot) / len(rows) * grad_output).reshape(logits.shape)",
        SOFTMAX + ONE_HOT + "return (grad * (grad_output / len(rows))).reshape(logits.shape)",
    ]

    equivalent = [
        ("rows = operand(logits).reshape(-1, logits.shape[-1])  ->  rows = operand(logits).reshape(-2, logits.shape[-1])", "NumPy takes any length below 0 for the one that it is to work out"),
        ("labels = read_numbers(targets).reshape(-1)  ->  labels = read_numbers(targets).reshape(-2)", "NumPy takes any length below 0 for the one that it is to work out"),
    ]


class exercise_topological_order:

    def the_result_first():
        """The result first"""
        enable_autograd()
        x = Tensor([2.0], requires_grad=True)
        expect([node.name for node in topological_order((x * 2 + 1)._grad_fn)], ["Add", "Multiply"], mistakes=[
            (["Multiply", "Add"], "That is the order of the computation. The way back begins with the result: turn it round.",
             RECURSIVE + "return order"),
            (["Add"], "Only the root is there. Its parents, and theirs, belong to the order too.",
             "return [root]"),
            (["Multiply"], "The root itself is missing. It comes first.",
             RECURSIVE + "order.remove(root)\nreturn order[::-1]")])

    def each_function_once():
        """Each Function once"""
        enable_autograd()
        y = Tensor([2.0], requires_grad=True) * 1
        for _ in range(10):
            y = y + y
        order = topological_order(y._grad_fn)
        expect(len(order), 11, mistakes=[
            (lambda got: got > 11, "There are 11 Functions. One that is reached on several ways belongs to the order once.",
             "order, waiting = [], [root]\nwhile waiting:\n    node = waiting.pop(0)\n    order.append(node)\n    waiting.extend(node.parents())\nreturn order")])

    def each_is_asked_once():
        """Each is asked once"""
        enable_autograd()
        y = Tensor([2.0], requires_grad=True) * 1
        for _ in range(12):
            y = y + y
        asked, parents = [], Function.parents
        Function.parents = lambda node: asked.append(node) or parents(node)
        try:
            order = topological_order(y._grad_fn)
        finally:
            Function.parents = parents
        expect(len(asked) <= 26, True, message=f"13 Functions were asked for their parents {len(asked):,} times in all.", mistakes=[
            (False, "A Function that is reached on several ways was gone through on each of them. Remember what was seen before you go on to its parents.",
             ("order, waiting = [], [(root, False)]\nwhile waiting:\n    node, done = waiting.pop()\n    if done:\n        if node not in order:\n            order.append(node)\n    else:\n"
              "        waiting.append((node, True))\n        waiting.extend((parent, False) for parent in node.parents())\nreturn order[::-1]"))])
        expect(len(order), 13)

    def each_after_all_that_use_it():
        """Each after all that use it"""
        enable_autograd()
        x = Tensor([2.0], requires_grad=True)
        a = x * 2
        b = a + 1
        c = b * b
        for y in (a + c, c + a, c * a + b):
            order = topological_order(y._grad_fn)
            early = [f"{parent.name} before {node.name}" for i, node in enumerate(order) for parent in node.parents() if order.index(parent) < i]
            expect(early, [], mistakes=[
                (lambda got: len(got) > 0, "A Function stands before one that uses its result, so it would pass its gradient on before all of it has arrived. Its place is after the last of those that use it: gone through depth first, a Function is finished when all its parents are, and the order is that of finishing, turned round.",
                 ("order, seen, waiting = [], {root}, [root]\nwhile waiting:\n    node = waiting.pop(0)\n    order.append(node)\n    for parent in node.parents():\n"
                  "        if parent not in seen:\n            seen.add(parent)\n            waiting.append(parent)\nreturn order"),
                 ("order, seen, waiting = [], set(), [root]\nwhile waiting:\n    node = waiting.pop()\n    if node not in seen:\n        seen.add(node)\n        order.append(node)\n"
                  "        waiting.extend(node.parents())\nreturn order"),
                 ("order, seen, waiting = [], {root}, [(root, False)]\nwhile waiting:\n    node, done = waiting.pop()\n    if done:\n        order.append(node)\n        continue\n    waiting.append((node, True))\n"
                  "    for parent in node.parents():\n        if parent not in seen:\n            seen.add(parent)\n            waiting.append((parent, False))\nreturn order[::-1]"))])

    def ten_thousand_deep():
        """Ten thousand deep"""
        enable_autograd()
        y = Tensor([1.0], requires_grad=True)
        for _ in range(10_000):
            y = y + 1
        expect(len(topological_order(y._grad_fn)), 10_000, mistakes=[
            (RecursionError, "The function calls itself, once for each link. Keep what is still to be done in a list.",
             RECURSIVE + "return order[::-1]")])

    right = [
        PAIRS + "return order[::-1]",
        PAIRS + "order.reverse()\nreturn order",
        ("uses, waiting, seen = {root: 0}, [root], {root}\nwhile waiting:\n    for parent in waiting.pop().parents():\n        uses[parent] = uses.get(parent, 0) + 1\n"
         "        if parent not in seen:\n            seen.add(parent)\n            waiting.append(parent)\norder, ready = [], [root]\nwhile ready:\n    node = ready.pop()\n"
         "    order.append(node)\n    for parent in node.parents():\n        uses[parent] -= 1\n        if uses[parent] == 0:\n            ready.append(parent)\nreturn order"),
    ]


class exercise_propagate:

    def one_operation():
        """One operation"""
        enable_autograd()
        x = Tensor([2.0], requires_grad=True)
        y = x * 3
        seed = np.array([1.0], dtype=np.float32)
        expect([(leaf is x, grad.tolist()) for leaf, grad in propagate([y._grad_fn], {y._grad_fn: seed}).items()], [(True, [3.0])], mistakes=[
            ([], "Nothing has arrived at x. What add_gradients returns must be put into arriving.",
             "for node in order:\n    for tensor, grad in input_gradients(node, arriving.pop(node)):\n        add_gradients(arriving.get(origin(tensor)), grad)\n" + RELEASED),
            (lambda got: len(got) == 2, "The entry of the Function is still there, and its array stays in memory. Take it out with pop.",
             WALK.replace("arriving.pop(node)", "arriving[node]") + ADDED + RELEASED),
            (raising(TypeError, "missing"), "The Function was released before it was asked, and its arguments are gone. Release it when its gradients are handed on.",
             "for node in order:\n    if not retain_graph:\n        node.release()\n    for tensor, grad in input_gradients(node, arriving.pop(node)):\n        key = origin(tensor)\n" + ADDED + "return arriving\n"),
            (raising(AttributeError, "'items'"), "Nothing came back. Return arriving at the end.",
             WALK + ADDED + RELEASED.replace("return arriving\n", "")),
            (raising(TypeError, "NoneType"), "Nothing had arrived at x before, so get gave None. add_gradients can deal with that, + cannot.",
             WALK + "        arriving[key] = arriving.get(key) + grad\n" + RELEASED)])

    def what_arrives_on_several_ways_is_added():
        """What arrives on several ways is added"""
        enable_autograd()
        x = Tensor([2.0], requires_grad=True)
        a = x * 2
        def slope():
            (a * a + a).backward()
            return x.grad.tolist()
        expect(slope(), [18.0], mistakes=[
            (KeyError, "Nothing has arrived at this Function. Either what add_gradients returned was not put into arriving, or it waits there under another key than origin(tensor), or the order was changed.",
             WALK.replace("origin(tensor)", "tensor") + ADDED + RELEASED,
             WALK.replace("in order", "in reversed(order)") + ADDED + RELEASED),
            (AttributeError, "There is still a Function among the leaves. Either the walk ended too early, or its entry was not taken out.",
             WALK + ADDED + RELEASED.replace("return arriving", "    return arriving")),
            (lambda got: got[0] < 18, "Three gradients arrive at a, and one took the place of another. Add each to what is there already.",
             WALK + "        arriving[key] = grad\n" + RELEASED,
             WALK + "        arriving.setdefault(key, grad)\n" + RELEASED)])

    def nobody_s_array_is_changed():
        """Nobody's array is changed"""
        enable_autograd()
        a, b = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
        (a + b + a).backward()
        expect([a.grad.tolist(), b.grad.tolist()], [[2.0], [1.0]], mistakes=[
            ([[2.0], [2.0]], "A sum hands the same array to both sides. += wrote into it, and the other side saw it. add_gradients makes a new one.",
             WALK + "        if key in arriving:\n            arriving[key] += grad\n        else:\n            arriving[key] = grad\n" + RELEASED)])

    def a_function_that_is_done_lets_go():
        """A Function that is done lets go"""
        enable_autograd()
        x = Tensor([2.0], requires_grad=True)
        y = x * 3
        propagate([y._grad_fn], {y._grad_fn: np.array([1.0], dtype=np.float32)})
        expect(y._grad_fn.released, True, mistakes=[
            (False, "The Function still holds its arguments, and the memory of the whole forward pass stays. node.release() when it is done.",
             WALK + ADDED + "return arriving\n",
             "def propagate(order, arriving, retain_graph=True):\n" + "".join("    " + line + "\n" for line in (WALK + ADDED + RELEASED).splitlines()))])
        for keep in (False, True):
            y = x * 3
            propagate([y._grad_fn], {y._grad_fn: np.array([1.0], dtype=np.float32)}, keep)
            expect(y._grad_fn.released, not keep, mistakes=[
                (False, "The Function still holds its arguments, and the memory of the whole forward pass stays. node.release() when it is done.",
                 WALK + ADDED + "return arriving\n"),
                (True, "retain_graph is true: somebody wants to walk this graph again. Do not release it.",
                 WALK + ADDED + "    node.release()\nreturn arriving\n")])
        class Look(Function):
            def forward(self, x):
                return Tensor(x.data)
            def backward(self, grad_output, x):
                seen.append(y._grad_fn.released)
                return grad_output
        seen, y = [], Look.apply(x) * 3
        y.backward()
        expect(seen, [True], mistakes=[
            ([False], "While one Function went back, the one before it still held its arguments. Release each as soon as it is done.",
             WALK + ADDED + "if not retain_graph:\n    for node in order:\n        node.release()\nreturn arriving\n")])

    right = [
        WALK + ADDED + RELEASED,
        ("for node in order:\n    grad_output = arriving.pop(node)\n    for tensor, grad in input_gradients(node, grad_output):\n        key = origin(tensor)\n"
         "        arriving[key] = arriving[key] + grad if key in arriving else grad\n    if retain_graph:\n        continue\n    node.release()\nreturn arriving"),
        ("for node in order:\n    pairs = input_gradients(node, arriving[node])\n    del arriving[node]\n    for tensor, grad in pairs:\n"
         "        arriving[origin(tensor)] = add_gradients(arriving.get(origin(tensor), None), grad)\n    if not retain_graph:\n        node.release()\nreturn arriving"),
    ]


class exercise_enable_autograd:

    def a_product_learns_its_slopes():
        """A product learns its slopes"""
        enable_autograd()
        expect(Tensor([3.0], requires_grad=True).requires_grad, True, mistakes=[
            (TypeError, "Tensor(…, requires_grad=True) is not understood. guard_ways_out() sees to that as well: call it.",
             ONCE + TENSORS + PARAMETERS + METHODS + INSTALLED)])
        x = Tensor([3.0], requires_grad=True)
        expect((x * x).requires_grad, True, mistakes=[
            (TypeError, "The Function took the place of the operation. install(…) puts a version there that calls the old one and records it.",
             ONCE + TENSORS + PARAMETERS + METHODS + "for owner, name, function in GRADIENTS:\n    setattr(owner, name, function)\n" + GUARDS),
            (RuntimeError, "The product was not recorded. Install each entry of GRADIENTS.",
             ONCE + TENSORS + PARAMETERS + METHODS + GUARDS,
             ONCE + TENSORS + PARAMETERS + METHODS + "for owner, name, function in GRADIENTS:\n    put(owner, name=function)\n" + GUARDS)])
        expect((x * x).backward(), None, mistakes=[
            (raising(AttributeError, "'backward'"), "Tensors got no `backward`. Give it to the class as the others: put(Tensor, backward=backward, …).",
             ONCE + TENSORS + PARAMETERS + INSTALLED + GUARDS,
             ONCE + TENSORS + PARAMETERS + METHODS.replace("backward=backward, ", "") + INSTALLED + GUARDS)])
        expect(x.grad.tolist(), [6.0])
        expect(x.zero_grad(), None, mistakes=[
            (raising(AttributeError, "'zero_grad'"), "Tensors got no `zero_grad`. Give it to the class as the others: put(Tensor, …, zero_grad=zero_grad, …).",
             ONCE + TENSORS + PARAMETERS + METHODS.replace("zero_grad=zero_grad, ", "") + INSTALLED + GUARDS)])
        expect([x.grad, x.detach().requires_grad], [None, False], mistakes=[
            (raising(AttributeError, "'detach'"), "Tensors got no `detach`. Give it to the class as the others: put(Tensor, …, detach=detach).",
             ONCE + TENSORS + PARAMETERS + METHODS.replace(", detach=detach", "") + INSTALLED + GUARDS),
            ([None, True], "Every tensor requires a gradient now, even a detached one. Only those of the class Parameter begin with True.",
             ONCE + TENSORS + "put(Tensor, requires_grad=True)\n" + METHODS + INSTALLED + GUARDS)])

    def a_layer_made_before_an_activation_a_loss():
        """A layer made before, an activation, a loss"""
        from tinytorch import Linear
        layer = Linear(2, 2)
        enable_autograd()
        expect([parameter.requires_grad for parameter in layer.parameters()], [True, True], mistakes=[
            ([False, False], "A Parameter wants a gradient without being asked: put(Parameter, requires_grad=True).",
             ONCE + TENSORS + METHODS + INSTALLED + GUARDS,
             (ONCE + TENSORS + "make = Parameter.__init__\ndef init(self, *args, **options):\n    make(self, *args, **options)\n    self.requires_grad = True\n"
              "put(Parameter, __init__=init)\n" + METHODS + INSTALLED + GUARDS)),
            (AttributeError, "The attribute was given to new tensors only. put gives it to the class, so that old ones have it too.",
             (ONCE + "make = Tensor.__init__\ndef init(self, *args, **options):\n    make(self, *args, **options)\n    self.requires_grad = isinstance(self, Parameter)\n    self.grad = self._grad_fn = None\n"
              "put(Tensor, __init__=init)\n" + METHODS + INSTALLED + GUARDS))])
        CrossEntropyLoss()(ReLU()(layer(Tensor([[1, 2]])) * 0 + 1), [0]).backward()
        expect(layer.weight.grad.shape, (2, 2))

    def numpy_is_refused_where_a_gradient_would_be_lost():
        """NumPy is refused where a gradient would be lost"""
        enable_autograd()
        x = Tensor([1.0], requires_grad=True)
        expect_raises(RuntimeError, lambda: np.asarray(x), mentions=["lose the way back"], mistakes=[
            (np.array([1.0]), "NumPy took the numbers out without a word, and the gradient would be lost. Call guard_ways_out().",
             ONCE + TENSORS + PARAMETERS + METHODS + INSTALLED + "put(Tensor, __init__=recording_init(Tensor.__init__))\n")])

    def twice_is_once_and_it_can_be_taken_back():
        """Twice is once, and it can be taken back"""
        enable_autograd()
        count = len(REPLACED)
        enable_autograd()
        expect(hasattr(Tensor, "backward"), True)
        expect(len(REPLACED), count, mistakes=[(lambda got: got > count, "The second call did everything again, so every operation is recorded twice. Leave at once if REPLACED holds something.",
            TENSORS + PARAMETERS + METHODS + INSTALLED + GUARDS)])
        disable_autograd()
        expect(hasattr(Tensor, "backward"), False, mistakes=[
            (True, "backward stayed after disable_autograd(). Give attributes with put, which remembers what stood there.",
             ONCE + TENSORS + PARAMETERS + "Tensor.backward, Tensor.zero_grad, Tensor.detach = backward, zero_grad, detach\n" + INSTALLED + GUARDS)])
        expect(hasattr(Parameter, "requires_grad"), False, mistakes=[
            (True, "Parameter.requires_grad stayed after disable_autograd(). Give it with put.",
             ONCE + TENSORS + "Parameter.requires_grad = True\n" + METHODS + INSTALLED + GUARDS)])

    wrong = [
        (ONCE + PARAMETERS + METHODS + INSTALLED + GUARDS, "has no attribute"),
        (ONCE + TENSORS + PARAMETERS + INSTALLED + GUARDS, "has no attribute 'backward'"),
    ]

    right = [
        ONCE + TENSORS + PARAMETERS + METHODS + INSTALLED + GUARDS,
        ONCE + TENSORS + GUARDS + "for owner, name, function in GRADIENTS:\n    install(owner, name, function)\n" + METHODS + PARAMETERS,
        "if not REPLACED:\n" + "".join("    " + line + "\n" for line in (TENSORS + INSTALLED + METHODS + PARAMETERS + GUARDS).splitlines()),
    ]
