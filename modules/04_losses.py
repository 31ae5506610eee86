"""Chapter 04: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.losses import (
    BCEWithLogitsLoss, BinaryCrossEntropyLoss, CrossEntropyLoss, LogSoftmax, MSELoss, log_sum_exp, log_sum_exp_parts,
)
from tinytorch.learn.expecting import expect, expect_cost, expect_raises, expect_unchanged

MSE = "p, t = check_pairs('MSELoss', predictions, targets)\n"
LOG_SOFTMAX = "array = float_array(x)\naxis = check_filled_axis('LogSoftmax', self.axis, array.shape)\n"
CE = "rows, labels = check_labels(logits, targets)\nm, r = log_sum_exp_parts(rows)\n"
PICKED = "picked = rows[np.arange(len(rows)), labels]\n"
BCE = ("p, t = check_pairs('BinaryCrossEntropyLoss', predictions, targets)\n"
       "check_probabilities('BinaryCrossEntropyLoss', 'predictions', p, '')\ncheck_probabilities('BinaryCrossEntropyLoss', 'targets', t, '')\n")
LOGS = ("with np.errstate(divide='ignore'):\n    yes = np.maximum(np.log(p), LOWEST_LOG)\n    no = np.maximum(np.log1p(-p), LOWEST_LOG)\n")
BCE_LOGITS = ("x, t = check_pairs('BCEWithLogitsLoss', logits, targets)\n"
              "check_probabilities('BCEWithLogitsLoss', 'targets', t, '0 is no and 1 is yes')\n")
SOFTPLUS = "softplus = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))\n"


class exercise_mse:

    def the_mean_of_the_squared_differences():
        """The mean of the squared differences"""
        expect(MSELoss()(Tensor([1, 2, 3]), Tensor([1, 2, 6])), Tensor(3), mistakes=[
            (Tensor(9), "That is the sum. Divide by the number of elements, so that more examples do not make a larger loss.",
             MSE + "return wrap(np.square(p - t).sum(), p, t)"),
            (Tensor(-1), "You left out the square. Without it, too much and too little cancel.",
             MSE + "return wrap((p - t).mean(), p, t)"),
            (Tensor(1), "You took the size of the differences. Here each is multiplied by itself: 3 costs 9.",
             MSE + "return wrap(np.abs(p - t).mean(), p, t)"),
            (Tensor(3 ** 0.5), "You took a square root at the end. The loss is the mean itself.",
             MSE + "return wrap(np.sqrt(np.square(p - t).mean()), p, t)"),
            (lambda got: got.shape == (3,), "You returned one number for each element. The loss is their mean, a single number.",
             MSE + "return wrap(np.square(p - t), p, t)")])

    def over_all_elements_however_many_axes_there_are():
        """Over all elements, however many axes there are"""
        expect(MSELoss()(Tensor([[1, 2, 3], [4, 5, 6]]), Tensor([[1, 2, 3], [4, 5, 12]])), Tensor(6), mistakes=[
            (Tensor(18), "You divided by the number of rows. The mean is over all 6 elements.",
             MSE + "return wrap(np.square(p - t).sum() / len(p), p, t)"),
            (lambda got: got.ndim > 0, "You took the mean along one axis. Without an axis, mean() goes over all elements.",
             MSE + "return wrap(np.square(p - t).mean(axis=-1), p, t)")])

    def shapes_that_differ_are_refused():
        """Shapes that differ are refused"""
        expect_raises(ValueError, lambda: MSELoss()(Tensor([[1], [2], [3]]), Tensor([1, 2, 3])), mentions=["predictions (3, 1)", "targets (3,)"], mistakes=[
            (lambda error: "predictions (3,)" in str(error), "The message names the wrong side: check_pairs takes the predictions first, then the targets.",
             "t, p = check_pairs('MSELoss', targets, predictions)\nreturn wrap(np.square(p - t).mean(), p, t)"),
            (Tensor(4 / 3), "(3, 1) and (3,) broadcast to a grid of 9 differences. Let check_pairs look at the shapes first.",
             "difference = predictions - targets\nreturn (difference * difference).mean()")])

    def the_dtype_stays_and_so_do_the_arguments():
        """The dtype stays, and so do the arguments"""
        predictions, targets = Tensor([1, 3], dtype=np.float64), Tensor([1, 1], dtype=np.float64)
        with expect_unchanged(predictions, targets):
            MSELoss()(predictions, targets)
        expect(MSELoss()(predictions, targets).dtype.name, "float64", mistakes=[
            ("float32", "Tensor(...) makes float32 of NumPy's float64. wrap(result, predictions, targets) keeps the dtype.",
             MSE + "return Tensor(np.square(p - t).mean())")])

    wrong = [
        (MSE + "p -= t\nreturn wrap(np.square(p).mean(), p, t)", "The call changed its input"),
        (MSE + "return np.square(p - t).mean()", "Wrap the number"),
    ]

    right = [
        MSE + "difference = p - t\nreturn wrap((difference ** 2).mean(), p, t)",
        MSE + "difference = (p - t).ravel()\nreturn wrap(np.dot(difference, difference) / difference.size, p, t)",
        MSE + "squares = (t - p) * (t - p)\nreturn wrap(squares.sum() / squares.size, p, t)",
    ]

    equivalent = [
        ("difference = predictions - targets  ->  difference = targets - predictions", "a square is the same for a number and for minus that number"),
        ("return wrap(np.square(difference).mean(), predictions, targets)  ->  return wrap(np.square(difference).mean(), targets, predictions)", "wrap asks whether any operand has the result's dtype, in either order"),
    ]


class exercise_log_sum_exp_parts:

    def two_parts_for_each_row():
        """Two parts for each row"""
        x = np.array([[0.0, 0.0], [1.0, 3.0]])
        expect(log_sum_exp_parts(x), (np.array([[0.0], [3.0]]), np.array([[0.69314718], [0.12692801]])), mistakes=[
            (lambda got: not isinstance(got, tuple), "Return the two parts, with a comma between them. Adding them up is the caller's business.",
             "largest = array.max(axis=axis, keepdims=True)\nreturn largest + np.log(np.exp(array - largest).sum(axis=axis, keepdims=True))"),
            (lambda got: np.size(got[0]) == 1, "You took the largest number of the whole array. Each row has its own: give max the axis.",
             "largest = array.max(keepdims=True)\nreturn largest, np.log(np.exp(array - largest).sum(axis=axis, keepdims=True))"),
            (lambda got: np.shape(got[0]) == (2,) or np.shape(got[1]) == (2,), "The axis is gone. keepdims=True leaves it there with size 1, for max and for sum.",
             "largest = array.max(axis=axis)\nreturn largest, np.log(np.exp(array.T - largest).T.sum(axis=axis))",
             "largest = array.max(axis=axis, keepdims=True)\nreturn largest, np.log(np.exp(array - largest).sum(axis=axis))"),
            (lambda got: np.allclose(got[1], [[0.69314718], [3.12692801]]), "Your second part is the whole logarithm. Subtract the largest number before exp.",
             "return array.max(axis=axis, keepdims=True), np.log(np.exp(array).sum(axis=axis, keepdims=True))"),
            (lambda got: np.allclose(got[1], [[2.0], [1.13533528]]), "Your second part is the sum. Its logarithm is asked for.",
             "largest = array.max(axis=axis, keepdims=True)\nreturn largest, np.exp(array - largest).sum(axis=axis, keepdims=True)")])

    def numbers_whose_exp_no_dtype_can_hold():
        """Numbers whose exp no dtype can hold"""
        x = np.array([[1000, 1000], [-1000, -1000]], dtype=np.float32)
        expect(log_sum_exp_parts(x), (np.array([[1000], [-1000]], dtype=np.float32), np.full((2, 1), 0.6931472, dtype=np.float32)), mistakes=[
            (lambda got: not np.isfinite(got[1]).all(), "exp(1000) is infinite and exp(-1000) is 0. Subtract the largest number before you take exp, not after.",
             "largest = array.max(axis=axis, keepdims=True)\nreturn largest, np.log(np.exp(array).sum(axis=axis, keepdims=True)) - largest")])

    def along_any_axis_and_the_array_stays_as_it_was():
        """Along any axis, and the array stays as it was"""
        x = np.array([[0.0, 5.0], [0.0, 5.0]])
        with expect_unchanged(x):
            log_sum_exp_parts(x)
        expect(log_sum_exp_parts(x, axis=0), (np.array([[0.0, 5.0]]), np.full((1, 2), 0.69314718)), mistakes=[
            (lambda got: np.shape(got[0]) == (2, 1) or np.shape(got[1]) == (2, 1), "You went along the last axis. Which axis it is, the argument says.",
             "largest = array.max(axis=-1, keepdims=True)\nreturn largest, np.log(np.exp(array - largest).sum(axis=-1, keepdims=True))")])
        expect(log_sum_exp_parts(np.array([0.0, 0.0])), (np.array([0.0]), np.array([0.69314718])), mistakes=[
            (ValueError, "One row by itself has one axis, and the last one is meant when none is named: keep axis=-1 as it stands in the def line.",
             ("def log_sum_exp_parts(array, axis=1):\n    largest = array.max(axis=axis, keepdims=True)\n"
              "    return largest, np.log(np.exp(array - largest).sum(axis=axis, keepdims=True))"))])

    wrong = [
        ("largest = array.max(axis=axis, keepdims=True)\narray -= largest\nreturn largest, np.log(np.exp(array).sum(axis=axis, keepdims=True))", "The call changed its input"),
    ]

    right = [
        "m = np.max(array, axis=axis, keepdims=True)\nreturn m, np.log(np.sum(np.exp(array - m), axis=axis, keepdims=True))",
        "m = np.expand_dims(array.max(axis), axis)\nrest = np.log(np.exp(array - m).sum(axis))\nreturn (m, np.expand_dims(rest, axis))",
        "m = array.max(axis=axis, keepdims=True)\npowers = np.subtract(array, m)\nnp.exp(powers, out=powers)\ntotal = powers.sum(axis=axis, keepdims=True)\nnp.log(total, out=total)\nreturn m, total",
    ]


class exercise_log_softmax:

    def logarithms_of_probabilities():
        """Logarithms of probabilities"""
        expect(LogSoftmax()(Tensor([[0, 0], [1, 3]])), Tensor([[-0.6931472, -0.6931472], [-2.126928, -0.12692802]]), mistakes=[
            (lambda got: np.allclose(got.data.sum(axis=-1), 1), "These are the probabilities. Their logarithms are asked for.",
             LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(np.exp(array - m - r), array)"),
            (Tensor([[0, 0], [-2, 0]]), "You subtracted the largest number only. The second part goes off as well.",
             LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(array - m, array)"),
            (lambda got: (got.data > 0).all(), "The sign is turned round. A probability is at most 1, so its logarithm is at most 0.",
             LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(m - array + r, array)")])

    def nothing_rounds_to_0_on_the_way():
        """Nothing rounds to 0 on the way"""
        expect(LogSoftmax()(Tensor([0, 1000])), Tensor([-1000, 0]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "exp(1000) is infinite. log_sum_exp_parts takes the largest number out first.",
             LOG_SOFTMAX + "powers = np.exp(array)\nreturn wrap(np.log(powers / powers.sum(axis=axis, keepdims=True)), array)"),
            (lambda got: np.isneginf(got.data).any(), "A probability became 0 on the way. Subtract the two parts; do not make probabilities first.",
             (LOG_SOFTMAX + "powers = np.exp(array - array.max(axis=axis, keepdims=True))\n"
              "return wrap(np.log(powers / powers.sum(axis=axis, keepdims=True)), array)"))])

    def the_digits_of_large_numbers_are_kept():
        """The digits of large numbers are kept"""
        expect(LogSoftmax()(Tensor([10_000_000, 10_000_000])), Tensor([-0.6931472, -0.6931472]), mistakes=[
            (Tensor([-1, -1]), "You added the two parts before subtracting them: 10000000.69 rounds to 10000001. Subtract them one by one.",
             LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(array - (m + r), array)")])

    def along_the_axis_that_was_asked_for():
        """Along the axis that was asked for"""
        expect(LogSoftmax(axis=0)(Tensor([[0, 5], [0, 5]])), Tensor(np.full((2, 2), -0.6931472)), mistakes=[
            (lambda got: np.allclose(got.data[:, 0], -5.006715), "You went along the last axis. Which axis it is, self.axis says.",
             "array = float_array(x)\nm, r = log_sum_exp_parts(array)\nreturn wrap(array - m - r, array)")])
        expect_raises(ValueError, lambda: LogSoftmax(axis=2)(Tensor([[0, 5]])), mentions=["axis 2", "(1, 2)"], mistakes=[
            (lambda error: "out of bounds" in str(error), "NumPy refused the axis with its own sentence. Let check_filled_axis look at it first.",
             "array = float_array(x)\nm, r = log_sum_exp_parts(array, self.axis)\nreturn wrap(array - m - r, array)")])

    def float64_stays_and_x_stays_as_it_was():
        """float64 stays, and x stays as it was"""
        x = Tensor([1, 3], dtype=np.float64)
        with expect_unchanged(x):
            LogSoftmax()(x)
        expect(LogSoftmax()(x).dtype.name, "float64", mistakes=[("float32", "Tensor(...) makes float32 of NumPy's float64. wrap(result, array) keeps the dtype.",
            LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn Tensor(array - m - r)")])

    wrong = [
        (LOG_SOFTMAX + "return wrap(array - np.log(np.exp(array).sum(axis=axis, keepdims=True)), array)", "expected"),
        (LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\narray -= m\narray -= r\nreturn wrap(array, array)", "The call changed its input"),
    ]

    right = [
        LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(array - m - r, array)",
        LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(-(r + (m - array)), x)",
        LOG_SOFTMAX + "shifted = array - array.max(axis=axis, keepdims=True)\nreturn wrap(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)), array)",
    ]


class exercise_cross_entropy:

    def the_mean_price_of_the_labels():
        """The mean price of the labels"""
        logits = Tensor([[2, 1, 0], [0, 3, 1]])
        expect(CrossEntropyLoss()(logits, [0, 2]), Tensor(1.2887257), mistakes=[
            (Tensor(2.5774515), "That is the sum. The loss is the mean over the examples.",
             CE + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).sum(), rows)"),
            (Tensor(-1.2887257), "The sign is turned round. A probability is at most 1, so minus its logarithm is at least 0.",
             CE + PICKED + "return wrap((picked - m[:, 0] - r[:, 0]).mean(), rows)"),
            (Tensor(-1.211274), "The largest number is missing: the first of the two parts belongs to the logarithm too.",
             CE + PICKED + "return wrap((r[:, 0] - picked).mean(), rows)"),
            (Tensor(0.42957533), "You divided by the number of logits. The mean is over the 2 examples.",
             CE + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).sum() / rows.size, rows)"),
            (Tensor(2.038726), "rows[:, labels] takes columns 0 and 2 out of every row, a grid of 2 × 2. One element from each row takes two lists of indices.",
             CE + "return wrap((r - (rows[:, labels] - m)).mean(), rows)"),
            (lambda got: got.shape == (2,), "You returned one number for each example. The loss is their mean.",
             CE + PICKED + "return wrap(r[:, 0] - (picked - m[:, 0]), rows)"),
            (Tensor(0.2887257), "You took the largest logit of each row. The price is that of the label, whichever logit is the largest.",
             CE + "return wrap(r.mean(), rows)"),
            (Tensor(1.092318), "You applied softmax first. The logits go in as they are; softmax is part of the formula.",
             ("rows, labels = check_labels(logits, targets)\nrows = np.exp(rows - rows.max(axis=-1, keepdims=True))\nrows = rows / rows.sum(axis=-1, keepdims=True)\n"
              "m, r = log_sum_exp_parts(rows)\n" + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)"))])

    def a_sure_model_right_and_wrong():
        """A sure model, right and wrong"""
        expect(CrossEntropyLoss()(Tensor([[1000, 0], [0, 1000]]), [0, 0]), Tensor(500), mistakes=[
            (lambda got: not np.isfinite(got.item()), "A step was infinite. Work with the two parts, where the largest number is taken out before exp.",
             "rows, labels = check_labels(logits, targets)\n" + PICKED + "return wrap((np.log(np.exp(rows).sum(axis=-1)) - picked).mean(), rows)"),
            (lambda got: got.item() < 100, "A small number was added inside the logarithm. It hides the infinity and limits the loss; with the two parts it is not needed.",
             ("rows, labels = check_labels(logits, targets)\np = np.exp(rows - rows.max(axis=-1, keepdims=True))\np = p / p.sum(axis=-1, keepdims=True)\n"
              "return wrap(-np.log(p[np.arange(len(rows)), labels] + 1e-8).mean(), rows)"))])

    def the_digits_of_large_logits_are_kept():
        """The digits of large logits are kept"""
        expect(CrossEntropyLoss()(Tensor([[10_000_000, 10_000_000]]), [1]), Tensor(0.6931472), mistakes=[
            (Tensor(1), "You added the two parts first: 10000000.69 rounds to 10000001. Subtract the largest number from the label's logit, then that from the rest.",
             CE + PICKED + "return wrap((m[:, 0] + r[:, 0] - picked).mean(), rows)")])

    def more_axes_in_front_and_float64():
        """More axes in front, and float64"""
        expect(CrossEntropyLoss()(Tensor(np.zeros((2, 3, 4))), np.zeros((2, 3), dtype=int)), Tensor(1.3862944), mistakes=[
            ((IndexError, ValueError), "The logits may have more axes in front. Use the rows and labels that check_labels returns.",
             "rows, labels = logits.data, np.asarray(targets)\nm, r = log_sum_exp_parts(rows)\n" + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)")])
        expect(CrossEntropyLoss()(Tensor([[0, 0]], dtype=np.float64), [0]).dtype.name, "float64", mistakes=[
            ("float32", "Tensor(...) makes float32 of NumPy's float64. wrap(result, rows) keeps the dtype.",
             CE + PICKED + "return Tensor((r[:, 0] - (picked - m[:, 0])).mean())")])

    def a_label_that_is_no_class_is_refused():
        """A label that is no class is refused"""
        expect_raises(ValueError, lambda: CrossEntropyLoss()(Tensor([[0, 1], [2, 3]]), [1, -1]), mentions=["targets[1]", "-1"], mistakes=[
            (Tensor(0.3132617), "The label -1 picked the last class. Let check_labels look at the labels first.",
             ("rows, labels = logits.data.reshape(-1, logits.shape[-1]), np.asarray(targets).reshape(-1)\nm, r = log_sum_exp_parts(rows)\n" + PICKED
              + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)"))])

    def all_examples_at_once():
        """All examples at once"""
        for N, at_most in ((2_000, 10.0), (20_000, 4.0)):
            logits, labels = Tensor(np.ones((N, 2))), np.arange(N) % 2
            expect(CrossEntropyLoss()(logits, labels).shape, ())
            expect_cost(lambda: CrossEntropyLoss()(logits, labels), lambda: log_sum_exp(logits.data), at_most)

    wrong = [
        (CE + PICKED + "return wrap((r - (picked - m)).mean(), rows)", "times as long"),
        (CE + "total = 0\nfor n in range(len(rows)):\n    total += r[n, 0] - (rows[n, labels[n]] - m[n, 0])\nreturn wrap(total / len(rows), rows)", "times as long"),
    ]

    right = [
        CE + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)",
        CE + "picked = np.take_along_axis(rows, labels[:, None], axis=1)\nreturn wrap((m - picked + r).mean(), rows)",
        "rows, labels = check_labels(logits, targets)\nlogs = log_softmax(Tensor(rows, dtype=rows.dtype)).data\nreturn wrap(-logs[np.arange(len(rows)), labels].mean(), rows)",
        CE + PICKED + "gap = m.reshape(-1) - picked\nreturn wrap(np.mean(gap + r.reshape(-1)), logits)",
    ]


class exercise_bce:

    def both_answers_count():
        """Both answers count"""
        expect(BinaryCrossEntropyLoss()(Tensor([0.25, 0.5]), Tensor([0, 1])), Tensor(0.49041465), mistakes=[
            (Tensor(0.9808293), "That is the sum. The loss is the mean over all elements.",
             BCE + LOGS + "return wrap(-(t * yes + (1 - t) * no).sum(), p, t)"),
            (Tensor(-0.49041465), "The minus in front is missing. Logarithms of probabilities are 0 or less, and a loss is 0 or more.",
             BCE + LOGS + "return wrap((t * yes + (1 - t) * no).mean(), p, t)"),
            (Tensor(1.0397208), "Yes and no have changed places: log(p) belongs to t, and log(1 - p) to 1 - t.",
             BCE + LOGS + "return wrap(-(t * no + (1 - t) * yes).mean(), p, t)"),
            (Tensor(0.34657359), "Only the yes counts here. A no that was given a high probability costs something too.",
             BCE + LOGS + "return wrap(-(t * yes).mean(), p, t)"),
            (lambda got: got.shape == (2,), "You returned one number for each element. The loss is their mean.",
             BCE + LOGS + "return wrap(-(t * yes + (1 - t) * no), p, t)")])

    def log_0_is_100():
        """log(0) is -100"""
        expect(BinaryCrossEntropyLoss()(Tensor([0, 1]), Tensor([1, 1])), Tensor(50), mistakes=[
            (lambda got: np.isnan(got.item()), "0 times minus infinity is nan. Raise each logarithm to LOWEST_LOG before it is multiplied.",
             BCE + "return wrap(-(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(), p, t)"),
            (lambda got: np.isinf(got.item()), "A logarithm is minus infinity. np.maximum(..., LOWEST_LOG) raises it to -100.",
             BCE + "return wrap(-np.where(t == 1, np.log(p), np.log1p(-p)).mean(), p, t)"),
            (lambda got: got.item() < 49, "The probability was moved away from 0 first, so the price of a sure and wrong answer is too low. Limit the logarithm instead.",
             BCE + "p = np.clip(p, 1e-7, 1 - 1e-7)\nreturn wrap(-(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(), p, t)")])
        expect(BinaryCrossEntropyLoss()(Tensor([1, 0]), Tensor([1, 0])), Tensor(0))

    def a_probability_close_to_0_keeps_its_digits():
        """A probability close to 0 keeps its digits"""
        expect(BinaryCrossEntropyLoss()(Tensor([1e-9]), Tensor([0])), Tensor(1e-9), rtol=1e-3, atol=1e-15, mistakes=[
            (Tensor(0), "1 - 0.000000001 is 1 in float32, and the logarithm of 1 is 0. np.log1p(-predictions) never stores that difference.",
             (BCE + "with np.errstate(divide='ignore'):\n    yes = np.maximum(np.log(p), LOWEST_LOG)\n    no = np.maximum(np.log(1 - p), LOWEST_LOG)\n"
              "return wrap(-(t * yes + (1 - t) * no).mean(), p, t)"))])

    def a_target_may_be_a_probability_nothing_else_float64():
        """A target may be a probability and nothing else; float64 stays"""
        p, t = Tensor([0.5, 0.9], dtype=np.float64), Tensor([0.25, 0.5], dtype=np.float64)
        with expect_unchanged(p, t):
            BinaryCrossEntropyLoss()(p, t)
        expect(BinaryCrossEntropyLoss()(p, t), Tensor(0.94856001, dtype=np.float64), mistakes=[
            (lambda got: got.dtype.name == "float32", "Tensor(...) makes float32 of NumPy's float64. wrap(result, predictions, targets) keeps the dtype.",
             BCE + LOGS + "return Tensor(-(t * yes + (1 - t) * no).mean())"),
            (lambda got: got.item() > 0, "A target between 0 and 1 was taken for a whole no or a whole yes. Multiply by t and by 1 - t; do not choose.",
             BCE + LOGS + "return wrap(-np.where(t > 0.4, yes, no).mean(), p, t)")])
        expect_raises(ValueError, lambda: BinaryCrossEntropyLoss()(Tensor([0.5, 1.5]), Tensor([0, 1])), mentions=["predictions[1] is 1.5"], mistakes=[
            (Tensor(np.nan), "A prediction of 1.5 is no probability, and its price is the logarithm of a negative number. Keep the given line that checks the predictions.",
             (BCE + LOGS).replace("check_probabilities('BinaryCrossEntropyLoss', 'predictions', p, '')\n", "") + "return wrap(-(t * yes + (1 - t) * no).mean(), p, t)")])
        expect_raises(ValueError, lambda: BinaryCrossEntropyLoss()(Tensor([0.5, 0.5]), Tensor([0, 2])), mentions=["targets[1] is 2"], mistakes=[
            (Tensor(0.6931472), "A target of 2 is neither a yes nor a no nor a probability. Keep the given line that checks the targets.",
             (BCE + LOGS).replace("check_probabilities('BinaryCrossEntropyLoss', 'targets', t, '')\n", "") + "return wrap(-(t * yes + (1 - t) * no).mean(), p, t)")])

    wrong = [
        (BCE + LOGS + "yes *= t\nt -= 1\nreturn wrap((t * no - yes).mean(), p, t)", "The call changed its input"),
    ]

    right = [
        BCE + LOGS + "return wrap(-(t * yes + (1 - t) * no).mean(), p, t)",
        (BCE + "with np.errstate(divide='ignore'):\n    yes, no = np.log(p), np.log1p(-p)\nyes[yes < LOWEST_LOG] = LOWEST_LOG\nno[no < LOWEST_LOG] = LOWEST_LOG\n"
         "return wrap(np.mean(-t * yes - (1 - t) * no), p, t)"),
        BCE + "with np.errstate(divide='ignore'):\n    logs = np.clip([np.log1p(-p), np.log(p)], LOWEST_LOG, 0)\nreturn wrap(-(np.stack([1 - t, t]) * logs).sum() / p.size, p, t)",
    ]

    equivalent = [
        ("with np.errstate(divide='ignore'):  ->  if True:", "the numbers are the same; NumPy only prints a warning as well"),
        ("with np.errstate(divide='ignore'):  ->  with np.errstate():", "the numbers are the same; NumPy only prints a warning as well"),
        ("return wrap(losses.mean(), predictions, targets)  ->  return wrap(losses.mean(), targets, predictions)", "wrap asks whether any operand has the result's dtype, in either order"),
    ]


class exercise_bce_logits:

    def the_price_of_a_yes_and_of_a_no():
        """The price of a yes and of a no"""
        expect(BCEWithLogitsLoss()(Tensor([0, 2]), Tensor([0, 1])), Tensor(0.41003753), mistakes=[
            (Tensor(0.8200751), "That is the sum. The loss is the mean over all elements.",
             BCE_LOGITS + SOFTPLUS + "return wrap((softplus - t * x).sum(), x, t)"),
            (Tensor(1.41003753), "The term with t is missing: this is the price of a no, for both.",
             BCE_LOGITS + SOFTPLUS + "return wrap(softplus.mean(), x, t)"),
            (Tensor(-0.58996247), "max(x, 0) is missing. Without it this is the logarithm for -|x|, not for x.",
             BCE_LOGITS + "return wrap((np.log1p(np.exp(-np.abs(x))) - t * x).mean(), x, t)"),
            (Tensor(2.41003753), "t x was added. It is subtracted: a high logit is cheap when the answer is yes.",
             BCE_LOGITS + SOFTPLUS + "return wrap((softplus + t * x).mean(), x, t)"),
            (lambda got: got.shape == (2,), "You returned one number for each element. The loss is their mean.",
             BCE_LOGITS + SOFTPLUS + "return wrap(softplus - t * x, x, t)")])

    def no_logit_is_too_large():
        """No logit is too large"""
        expect(BCEWithLogitsLoss()(Tensor([-1000, 1000]), Tensor([1, 1])), Tensor(500), mistakes=[
            (Tensor(50), "Sigmoid made a probability of 0, and the limit of -100 cut the price off. Start from the logit.",
             BCE_LOGITS + "p = 1 / (1 + np.exp(-x))\nreturn BinaryCrossEntropyLoss()(Tensor(p), Tensor(t))"),
            (lambda got: not np.isfinite(got.item()), "exp(1000) is infinite. Take exp of -|x|, which is never above 1.",
             BCE_LOGITS + "return wrap((np.log1p(np.exp(x)) - t * x).mean(), x, t)")])

    def a_price_close_to_0_keeps_its_digits():
        """A price close to 0 keeps its digits"""
        expect(BCEWithLogitsLoss()(Tensor([-20]), Tensor([0])), Tensor(2.0611537e-9), rtol=1e-3, atol=1e-15, mistakes=[
            (Tensor(0), "1 + exp(-20) is 1 in float32, and the logarithm of 1 is 0. np.log1p(...) adds the 1 without rounding.",
             BCE_LOGITS + "return wrap((np.log(1 + np.exp(-np.abs(x))) + np.maximum(x, 0) - t * x).mean(), x, t)")])

    def float64_stays_so_do_the_arguments_a_target():
        """float64 stays, and so do the arguments; a target of 2 is refused"""
        x, t = Tensor([1, -2], dtype=np.float64), Tensor([0.5, 0], dtype=np.float64)
        with expect_unchanged(x, t):
            BCEWithLogitsLoss()(x, t)
        expect(BCEWithLogitsLoss()(x, t), Tensor(0.47009484949, dtype=np.float64), mistakes=[
            (lambda got: got.dtype.name == "float32", "Tensor(...) makes float32 of NumPy's float64. wrap(result, logits, targets) keeps the dtype.",
             BCE_LOGITS + SOFTPLUS + "return Tensor((softplus - t * x).mean())")])
        expect_raises(ValueError, lambda: BCEWithLogitsLoss()(Tensor([0, 3]), Tensor([0, 2])), mentions=["targets[1] is 2"], mistakes=[
            (Tensor(-1.1291327), "A target of 2 is neither a yes nor a no nor a probability, and the loss came out below 0. Keep the given line that checks the targets.",
             (BCE_LOGITS + SOFTPLUS).replace("check_probabilities('BCEWithLogitsLoss', 'targets', t, '0 is no and 1 is yes')\n", "") + "return wrap((softplus - t * x).mean(), x, t)")])

    wrong = [
        (BCE_LOGITS + SOFTPLUS + "x *= t\nreturn wrap((softplus - x).mean(), x, t)", "The call changed its input"),
    ]

    right = [
        BCE_LOGITS + SOFTPLUS + "return wrap((softplus - t * x).mean(), x, t)",
        BCE_LOGITS + "return wrap((np.logaddexp(0, x) - t * x).mean(), x, t)",
        BCE_LOGITS + "prices = np.where(x > 0, x, 0) + np.log1p(np.exp(np.where(x > 0, -x, x))) - t * x\nreturn wrap(np.mean(prices), x, t)",
    ]

    equivalent = [
        ("return wrap(losses.mean(), logits, targets)  ->  return wrap(losses.mean(), targets, logits)", "wrap asks whether any operand has the result's dtype, in either order"),
    ]
