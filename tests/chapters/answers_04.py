"""Chapter 04: what readers write. See test_chapters.py for how it is used.

WRONG: exercise -> list of (body, fragment of the feedback that names the mistake).
RIGHT: exercise -> list of bodies that differ in their way and must all pass.
"""

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

WRONG = {
    "mse": [
        (MSE + "return wrap(np.square(p - t).sum(), p, t)", "That is the sum"),
        (MSE + "return wrap((p - t).mean(), p, t)", "You left out the square"),
        (MSE + "return wrap(np.abs(p - t).mean(), p, t)", "You took the size of the differences"),
        (MSE + "return wrap(np.sqrt(np.square(p - t).mean()), p, t)", "You took a square root"),
        (MSE + "return wrap(np.square(p - t), p, t)", "one number for each element"),
        (MSE + "return wrap(np.square(p - t).sum() / len(p), p, t)", "You divided by the number of rows"),
        (MSE + "return wrap(np.square(p - t).mean(axis=-1), p, t)", "You took the mean along one axis"),
        ("difference = predictions - targets\nreturn (difference * difference).mean()", "Let check_pairs look at the shapes first"),
        (MSE + "return Tensor(np.square(p - t).mean())", "makes float32 of NumPy's float64"),
        (MSE + "p -= t\nreturn wrap(np.square(p).mean(), p, t)", "The call changed its input"),
        (MSE + "return np.square(p - t).mean()", "Wrap the number"),
    ],
    "log_sum_exp_parts": [
        ("largest = array.max(axis=axis, keepdims=True)\nreturn largest + np.log(np.exp(array - largest).sum(axis=axis, keepdims=True))", "Return the two parts"),
        ("largest = array.max(keepdims=True)\nreturn largest, np.log(np.exp(array - largest).sum(axis=axis, keepdims=True))", "You took the largest number of the whole array"),
        ("largest = array.max(axis=axis)\nreturn largest, np.log(np.exp(array.T - largest).T.sum(axis=axis))", "The axis is gone"),
        ("largest = array.max(axis=axis, keepdims=True)\nreturn largest, np.log(np.exp(array - largest).sum(axis=axis))", "The axis is gone"),
        ("return array.max(axis=axis, keepdims=True), np.log(np.exp(array).sum(axis=axis, keepdims=True))", "Your second part is the whole logarithm"),
        ("largest = array.max(axis=axis, keepdims=True)\nreturn largest, np.exp(array - largest).sum(axis=axis, keepdims=True)", "Your second part is the sum"),
        ("largest = array.max(axis=axis, keepdims=True)\nreturn largest, np.log(np.exp(array).sum(axis=axis, keepdims=True)) - largest", "before you take exp, not after"),
        ("largest = array.max(axis=-1, keepdims=True)\nreturn largest, np.log(np.exp(array - largest).sum(axis=-1, keepdims=True))", "Which axis it is, the argument says"),
        ("largest = array.max(axis=axis, keepdims=True)\narray -= largest\nreturn largest, np.log(np.exp(array).sum(axis=axis, keepdims=True))", "The call changed its input"),
    ],
    "log_softmax": [
        (LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(np.exp(array - m - r), array)", "These are the probabilities"),
        (LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(array - m, array)", "You subtracted the largest number only"),
        (LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(m - array + r, array)", "The sign is turned round"),
        (LOG_SOFTMAX + "return wrap(array - np.log(np.exp(array).sum(axis=axis, keepdims=True)), array)", "expected"),
        (LOG_SOFTMAX + "powers = np.exp(array)\nreturn wrap(np.log(powers / powers.sum(axis=axis, keepdims=True)), array)", "exp(1000) is infinite"),
        (LOG_SOFTMAX + "powers = np.exp(array - array.max(axis=axis, keepdims=True))\n"
         "return wrap(np.log(powers / powers.sum(axis=axis, keepdims=True)), array)", "do not make probabilities first"),
        (LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(array - (m + r), array)", "You added the two parts before"),
        ("array = float_array(x)\nm, r = log_sum_exp_parts(array)\nreturn wrap(array - m - r, array)", "Which axis it is, self.axis says"),
        ("array = float_array(x)\nm, r = log_sum_exp_parts(array, self.axis)\nreturn wrap(array - m - r, array)", "Let check_filled_axis look at it first"),
        (LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn Tensor(array - m - r)", "makes float32 of NumPy's float64"),
        (LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\narray -= m\narray -= r\nreturn wrap(array, array)", "The call changed its input"),
    ],
    "cross_entropy": [
        (CE + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).sum(), rows)", "That is the sum"),
        (CE + PICKED + "return wrap((picked - m[:, 0] - r[:, 0]).mean(), rows)", "The sign is turned round"),
        (CE + PICKED + "return wrap((r[:, 0] - picked).mean(), rows)", "The largest number is missing"),
        (CE + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).sum() / rows.size, rows)", "You divided by the number of logits"),
        (CE + "return wrap((r - (rows[:, labels] - m)).mean(), rows)", "rows[:, labels] takes columns 0 and 2"),
        (CE + PICKED + "return wrap((r - (picked - m)).mean(), rows)", "times as long"),
        (CE + PICKED + "return wrap(r[:, 0] - (picked - m[:, 0]), rows)", "one number for each example"),
        (CE + "return wrap(r.mean(), rows)", "You took the largest logit of each row"),
        ("rows, labels = check_labels(logits, targets)\nrows = np.exp(rows - rows.max(axis=-1, keepdims=True))\nrows = rows / rows.sum(axis=-1, keepdims=True)\n"
         "m, r = log_sum_exp_parts(rows)\n" + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)", "You applied softmax first"),
        ("rows, labels = check_labels(logits, targets)\n" + PICKED + "return wrap((np.log(np.exp(rows).sum(axis=-1)) - picked).mean(), rows)",
         "where the largest number is taken out before exp"),
        ("rows, labels = check_labels(logits, targets)\np = np.exp(rows - rows.max(axis=-1, keepdims=True))\np = p / p.sum(axis=-1, keepdims=True)\n"
         "return wrap(-np.log(p[np.arange(len(rows)), labels] + 1e-8).mean(), rows)", "A small number was added inside the logarithm"),
        (CE + PICKED + "return wrap((m[:, 0] + r[:, 0] - picked).mean(), rows)", "You added the two parts first"),
        ("rows, labels = logits.data, np.asarray(targets)\nm, r = log_sum_exp_parts(rows)\n" + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)",
         "Use the rows and labels that check_labels returns"),
        ("rows, labels = logits.data.reshape(-1, logits.shape[-1]), np.asarray(targets).reshape(-1)\nm, r = log_sum_exp_parts(rows)\n" + PICKED
         + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)", "The label -1 picked the last class"),
        (CE + PICKED + "return Tensor((r[:, 0] - (picked - m[:, 0])).mean())", "makes float32 of NumPy's float64"),
        (CE + "total = 0\nfor n in range(len(rows)):\n    total += r[n, 0] - (rows[n, labels[n]] - m[n, 0])\nreturn wrap(total / len(rows), rows)", "times as long"),
    ],
    "bce": [
        (BCE + LOGS + "return wrap(-(t * yes + (1 - t) * no).sum(), p, t)", "That is the sum"),
        (BCE + LOGS + "return wrap((t * yes + (1 - t) * no).mean(), p, t)", "The minus in front is missing"),
        (BCE + LOGS + "return wrap(-(t * no + (1 - t) * yes).mean(), p, t)", "Yes and no have changed places"),
        (BCE + LOGS + "return wrap(-(t * yes).mean(), p, t)", "Only the yes counts here"),
        (BCE + LOGS + "return wrap(-(t * yes + (1 - t) * no), p, t)", "one number for each element"),
        (BCE + "return wrap(-(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(), p, t)", "0 times minus infinity is nan"),
        (BCE + "return wrap(-np.where(t == 1, np.log(p), np.log1p(-p)).mean(), p, t)", "A logarithm is minus infinity"),
        (BCE + "p = np.clip(p, 1e-7, 1 - 1e-7)\nreturn wrap(-(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(), p, t)", "The probability was moved away from 0"),
        (BCE + "with np.errstate(divide='ignore'):\n    yes = np.maximum(np.log(p), LOWEST_LOG)\n    no = np.maximum(np.log(1 - p), LOWEST_LOG)\n"
         "return wrap(-(t * yes + (1 - t) * no).mean(), p, t)", "never stores that difference"),
        (BCE + LOGS + "return wrap(-np.where(t > 0.4, yes, no).mean(), p, t)", "was taken for a whole no or a whole yes"),
        (BCE + LOGS + "return Tensor(-(t * yes + (1 - t) * no).mean())", "makes float32 of NumPy's float64"),
        (BCE + LOGS + "yes *= t\nt -= 1\nreturn wrap((t * no - yes).mean(), p, t)", "The call changed its input"),
    ],
    "bce_logits": [
        (BCE_LOGITS + SOFTPLUS + "return wrap((softplus - t * x).sum(), x, t)", "That is the sum"),
        (BCE_LOGITS + SOFTPLUS + "return wrap(softplus.mean(), x, t)", "The term with t is missing"),
        (BCE_LOGITS + "return wrap((np.log1p(np.exp(-np.abs(x))) - t * x).mean(), x, t)", "max(x, 0) is missing"),
        (BCE_LOGITS + SOFTPLUS + "return wrap((softplus + t * x).mean(), x, t)", "t x was added"),
        (BCE_LOGITS + SOFTPLUS + "return wrap(softplus - t * x, x, t)", "one number for each element"),
        (BCE_LOGITS + "p = 1 / (1 + np.exp(-x))\nreturn BinaryCrossEntropyLoss()(Tensor(p), Tensor(t))", "Start from the logit"),
        (BCE_LOGITS + "return wrap((np.log1p(np.exp(x)) - t * x).mean(), x, t)", "Take exp of -|x|"),
        (BCE_LOGITS + "return wrap((np.log(1 + np.exp(-np.abs(x))) + np.maximum(x, 0) - t * x).mean(), x, t)", "adds the 1 without rounding"),
        (BCE_LOGITS + SOFTPLUS + "return Tensor((softplus - t * x).mean())", "makes float32 of NumPy's float64"),
        (BCE_LOGITS + SOFTPLUS + "x *= t\nreturn wrap((softplus - x).mean(), x, t)", "The call changed its input"),
    ],
}

RIGHT = {
    "mse": [
        MSE + "difference = p - t\nreturn wrap((difference ** 2).mean(), p, t)",
        MSE + "difference = (p - t).ravel()\nreturn wrap(np.dot(difference, difference) / difference.size, p, t)",
        MSE + "squares = (t - p) * (t - p)\nreturn wrap(squares.sum() / squares.size, p, t)",
    ],
    "log_sum_exp_parts": [
        "m = np.max(array, axis=axis, keepdims=True)\nreturn m, np.log(np.sum(np.exp(array - m), axis=axis, keepdims=True))",
        "m = np.expand_dims(array.max(axis), axis)\nrest = np.log(np.exp(array - m).sum(axis))\nreturn (m, np.expand_dims(rest, axis))",
        "m = array.max(axis=axis, keepdims=True)\npowers = np.subtract(array, m)\nnp.exp(powers, out=powers)\ntotal = powers.sum(axis=axis, keepdims=True)\nnp.log(total, out=total)\nreturn m, total",
    ],
    "log_softmax": [
        LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(array - m - r, array)",
        LOG_SOFTMAX + "m, r = log_sum_exp_parts(array, axis)\nreturn wrap(-(r + (m - array)), x)",
        LOG_SOFTMAX + "shifted = array - array.max(axis=axis, keepdims=True)\nreturn wrap(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)), array)",
    ],
    "cross_entropy": [
        CE + PICKED + "return wrap((r[:, 0] - (picked - m[:, 0])).mean(), rows)",
        CE + "picked = np.take_along_axis(rows, labels[:, None], axis=1)\nreturn wrap((m - picked + r).mean(), rows)",
        "rows, labels = check_labels(logits, targets)\nlogs = log_softmax(Tensor(rows, dtype=rows.dtype)).data\nreturn wrap(-logs[np.arange(len(rows)), labels].mean(), rows)",
        CE + PICKED + "gap = m.reshape(-1) - picked\nreturn wrap(np.mean(gap + r.reshape(-1)), logits)",
    ],
    "bce": [
        BCE + LOGS + "return wrap(-(t * yes + (1 - t) * no).mean(), p, t)",
        BCE + "with np.errstate(divide='ignore'):\n    yes, no = np.log(p), np.log1p(-p)\nyes[yes < LOWEST_LOG] = LOWEST_LOG\nno[no < LOWEST_LOG] = LOWEST_LOG\n"
        "return wrap(np.mean(-t * yes - (1 - t) * no), p, t)",
        BCE + "with np.errstate(divide='ignore'):\n    logs = np.clip([np.log1p(-p), np.log(p)], LOWEST_LOG, 0)\nreturn wrap(-(np.stack([1 - t, t]) * logs).sum() / p.size, p, t)",
    ],
    "bce_logits": [
        BCE_LOGITS + SOFTPLUS + "return wrap((softplus - t * x).mean(), x, t)",
        BCE_LOGITS + "return wrap((np.logaddexp(0, x) - t * x).mean(), x, t)",
        BCE_LOGITS + "prices = np.where(x > 0, x, 0) + np.log1p(np.exp(np.where(x > 0, -x, x))) - t * x\nreturn wrap(np.mean(prices), x, t)",
    ],
}
