"""Chapter 06: what readers write. See test_chapters.py for how it is used.

WRONG: exercise -> list of (body, fragment of the feedback that names the mistake).
RIGHT: exercise -> list of bodies that differ in their way and must all pass.
"""

ZEROS = "gradient = np.zeros_like(x)\n"
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

WRONG = {
    "numerical_gradient": [
        (ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / eps\n" + END, "The two values are 2 eps apart"),
        (ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (below - above) / (2 * eps)\n" + END, "The sign is turned round"),
        (ZEROS + "for index in np.ndindex(x.shape):\n    gradient[index] = (float(f(x + eps)) - float(f(x - eps))) / (2 * eps)\n" + END, "All elements were moved at once"),
        (ZEROS + LOOP + UP + BACK + "    gradient[index] = (above - float(f(x))) / eps\n" + END, "That is one-sided, from x to x + eps"),
        (ZEROS + LOOP + DOWN + BACK + "    gradient[index] = (float(f(x)) - below) / eps\n" + END, "That is one-sided, from x - eps to x"),
        ("eps = 1e-6\n" + ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END, "The step is an argument"),
        (ZEROS + LOOP + UP + DOWN + "    gradient[index] = (above - below) / (2 * eps)\n" + END, "The first was not put back"),
        (ZEROS + "x[...] = x + 0.0\n" + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\nx += 1\n" + END, "Afterwards x must be as it was"),
        (ZEROS + "for index in np.ndindex(x.shape):\n    up, down = x.copy(), x.copy()\n    up[index] += eps\n    down[index] -= eps\n"
         "    gradient[index] = (float(f(up)) - float(f(down))) / (2 * eps)\n" + END, "You moved elements of a copy"),
        (ZEROS + LOOP.replace("np.ndindex(x.shape)", "range(len(x))").replace("x[index]\n", "np.copy(x[index])\n") + UP + DOWN + BACK
         + "    gradient[index] = (above - below) / (2 * eps)\n" + END, "x[i] is a whole row here"),
        (ZEROS + LOOP.replace("np.ndindex(x.shape)", "np.ndindex(len(x), *x.shape[1:])") + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END,
         "An array of shape () has no length"),
        (ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / 2 * eps\n" + END, "Put 2 * eps into parentheses"),
        (ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n    " + END, "Does something leave the loop too early?"),
        (ZEROS + "for index in np.ndindex(x.shape):\n    gradient[index] = (f(x[index] + eps) - f(x[index] - eps)) / (2 * eps)\n" + END, "f was called with a single number"),
        (ZEROS + "for index in np.ndindex(x.shape):\n    x[index] += eps\n    above = f(x)\n    x[index] -= 2 * eps\n    below = f(x)\n    x[index] += eps\n"
         "    gradient[index] = (above - below) / (2 * eps)\n" + END, "x is off in the last digit"),
    ],
    "gradient_gap": [
        ("gap = (received - expected) / (1 + np.abs(expected))\nreturn np.where(np.isnan(gap), np.inf, gap)", "A distance has no sign"),
        ("gap = np.abs(received - expected)\nreturn np.where(np.isnan(gap), np.inf, gap)", "That is the plain distance"),
        ("gap = np.abs(received - expected) / np.abs(expected)\nreturn np.where(np.isnan(gap), np.inf, gap)", "The 1 is for slopes near 0"),
        ("with np.errstate(all='ignore'):\n    gap = np.abs(received - expected) / (1 + expected)\nreturn np.where(np.isnan(gap), np.inf, gap)", "The size of the expected slope is its absolute value"),
        ("gap = np.abs(received - expected) / (1 + np.abs(received))\nreturn np.where(np.isnan(gap), np.inf, gap)", "The judge's own slope is the measure"),
        ("with np.errstate(all='ignore'):\n    gap = np.abs(received - expected) / np.abs(expected)\nreturn np.where(np.isnan(gap), np.inf, gap)", "Where the expected slope is 0 you divided by 0"),
        (GAP + "return gap", "NaN is left"),
        (GAP + "return np.nan_to_num(gap)", "A gap of 0 says that the gradient is right"),
        (GAP + "return np.where(np.isnan(received), np.inf, gap)", "NaN is left"),
        ("gap = np.abs(received - expected) / 1 + np.abs(expected)\nreturn np.where(np.isnan(gap), np.inf, gap)", "Division comes before addition"),
        (GAP + "return np.full_like(gap, np.inf) if np.isnan(gap).any() else gap", "All gaps are infinite"),
        ("if np.isnan(received).any() or np.isnan(expected).any():\n    return np.inf\n" + GAP + "return gap", "All gaps are infinite"),
    ],
    "unbroadcast": [
        (EQUAL + "return grad.sum(axis=tuple(range(len(shape), grad.ndim)))", "Shapes are lined up at the right"),
        (EQUAL + FRONT + "return grad.mean(axis=tuple(range(added)))", "You averaged"),
        (EQUAL + FRONT + "return grad[(0,) * added]", "You kept one row"),
        (EQUAL + "return grad", "The broadcasting is not undone: the result must have the shape (3,)"),
        (EQUAL + FRONT + "return grad.sum(axis=tuple(range(added)), keepdims=True)", "Sum it away without keepdims"),
        (EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched)", "The axis of size 1 was lost"),
        (EQUAL + FRONT + "return grad.sum(axis=tuple(range(added))) if added else grad", "where shape has 1 and grad has 3, the 3 are summed"),
        (EQUAL + FRONT + "if added:\n    return grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched, keepdims=True)", "Undo the first, then the second"),
        (EQUAL + FRONT + "if added and 1 in shape:\n    return grad.sum(axis=tuple(range(added + 5)))\ngrad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED
         + "return grad.sum(axis=stretched, keepdims=True)", "Undo the first, then the second"),
        (FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched, keepdims=True)", "A sum over no axis makes a copy"),
        ("return grad if grad.shape == shape else grad.reshape(shape)", "A reshape keeps all six numbers"),
        (EQUAL + FRONT + "return grad.sum(axis=list(range(added)))", "sum wants a tuple"),
    ],
    "multiply": [
        ("return self.both(lambda: grad_output * operand(left), lambda: grad_output * operand(right), left, right)", "Each side got its own numbers"),
        ("return self.both(lambda: operand(right), lambda: operand(left), left, right)", "Those are the slopes alone"),
        ("return self.both(lambda: grad_output, lambda: grad_output, left, right)", "That is the way back of a sum"),
        ("return None, grad_output * operand(right), grad_output * operand(left)", "self.both calls unbroadcast for you"),
        ("return None, unbroadcast(grad_output * right.data, left.shape), unbroadcast(grad_output * left.data, right.shape)", "A side may be a plain number"),
        ("return None, unbroadcast(grad_output * operand(right), np.shape(left)), unbroadcast(grad_output * operand(left), np.shape(right))", "The number 3 wants no gradient"),
        ("needs = self.needs\nreturn (None, unbroadcast(grad_output * operand(right), left.shape) if needs[1] else None,\n"
         "        unbroadcast(grad_output * operand(left), right.shape))", "The right side wants no gradient here"),
        ("return unbroadcast(grad_output * operand(right), left.shape), unbroadcast(grad_output * operand(left), right.shape)", "There are three arguments"),
        ("return None, grad_output * right, grad_output * left", "Gradients are arrays: take the operands"),
        ("return None, left * right, right * left", "Gradients are arrays: take the operands"),
        ("return None, *self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)", "the whole tuple, with None"),
        ("return None, self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)", "the whole tuple, with None"),
        ("first, second = self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)\nreturn None, first, second", "the whole tuple, with None"),
        ("return self.both(grad_output * operand(right), grad_output * operand(left), left, right)", "Write `lambda:` before each product"),
    ],
    "right_gradient": [
        ("return unbroadcast(np.matmul(rows, grad), columns.shape)", "rows must be turned"),
        ("return unbroadcast(np.matmul(grad, np.swapaxes(rows, -1, -2)), columns.shape)", "so M must be the inner size"),
        ("return np.matmul(np.swapaxes(grad, -1, -2), rows)", "That is the transpose of the answer"),
        ("return unbroadcast(rows.T @ grad, columns.shape)", "np.swapaxes(rows, -1, -2) turns each matrix"),
        ("return np.matmul(np.swapaxes(rows, -1, -2), grad)", "Add them up: unbroadcast"),
        ("full = np.matmul(np.swapaxes(rows, -1, -2), grad)\nreturn full.mean(axis=tuple(range(full.ndim - columns.ndim))) if full.ndim > columns.ndim else full", "added, not averaged"),
        ("return grad @ np.swapaxes(columns, -1, -2)", "That is the gradient of the left side"),
        ("return unbroadcast(rows.transpose(0, 2, 1) @ grad, columns.shape)", "These axes are those of a stack"),
        ("return (np.swapaxes(rows, -1, -2) @ grad).sum(axis=0)", "nothing is to be added"),
    ],
    "cross_entropy_backward": [
        (SOFTMAX + ONE_HOT + "return None, (grad * grad_output).reshape(logits.shape)", "Divide by N"),
        (SOFTMAX + ONE_HOT + SCALED.replace("(grad * ", "(-grad * "), "softmax minus one-hot"),
        (SOFTMAX + SCALED, "Subtract 1 at the label of each row"),
        (SOFTMAX + ONE_HOT + SCALED.replace("len(rows)", "rows.size"), "You divided by the number of logits"),
        (SOFTMAX + "grad[:, labels] -= 1\n" + SCALED, "takes two lists of indices"),
        (SOFTMAX.replace("np.exp(rows - rows.max(axis=1, keepdims=True))", "np.exp(rows)") + ONE_HOT + SCALED, "exp(1000) is infinite"),
        (SOFTMAX.replace("grad = np.exp(rows - rows.max(axis=1, keepdims=True))", "rows -= rows.max(axis=1, keepdims=True)\ngrad = np.exp(rows)") + ONE_HOT + SCALED, "The logits themselves were changed"),
        (SOFTMAX + ONE_HOT + "return None, grad * (grad_output / len(rows))", "as they came in"),
        (SOFTMAX + ONE_HOT + "return None, (grad / len(rows)).reshape(logits.shape)", "Multiply with grad_output"),
        (SOFTMAX + "grad[labels] -= 1\n" + SCALED, "grad[labels] whole rows"),
        (SOFTMAX + "grad[np.arange(len(rows))][labels] -= 1\n" + SCALED, "changes a copy"),
        (SOFTMAX.replace("grad.sum(axis=1, keepdims=True)", "grad.sum()") + ONE_HOT + SCALED, "and by N last"),
        (SOFTMAX.replace("grad.sum(axis=1, keepdims=True)", "grad.sum(axis=1, keepdims=True) * len(rows)") + ONE_HOT + SCALED, "and by N last"),
        (SOFTMAX.replace("grad.sum(axis=1, keepdims=True)", "grad.sum(axis=1)") + ONE_HOT + SCALED, "makes a column of the sums"),
        (SOFTMAX.replace("axis=1", "axis=0") + ONE_HOT + SCALED, "a softmax down the columns"),
    ],
    "topological_order": [
        (RECURSIVE + "return order", "That is the order of the computation"),
        ("return [root]", "Only the root is there"),
        (RECURSIVE + "order.remove(root)\nreturn order[::-1]", "The root itself is missing"),
        ("order, waiting = [], [root]\nwhile waiting:\n    node = waiting.pop(0)\n    order.append(node)\n    waiting.extend(node.parents())\nreturn order", "belongs to the order once"),
        ("order, seen, waiting = [], {root}, [root]\nwhile waiting:\n    node = waiting.pop(0)\n    order.append(node)\n    for parent in node.parents():\n"
         "        if parent not in seen:\n            seen.add(parent)\n            waiting.append(parent)\nreturn order", "before all of it has arrived"),
        ("order, seen, waiting = [], set(), [root]\nwhile waiting:\n    node = waiting.pop()\n    if node not in seen:\n        seen.add(node)\n        order.append(node)\n"
         "        waiting.extend(node.parents())\nreturn order", "before all of it has arrived"),
        (RECURSIVE + "return order[::-1]", "The function calls itself, once for each link"),
        ("order, waiting = [], [(root, False)]\nwhile waiting:\n    node, done = waiting.pop()\n    if done:\n        if node not in order:\n            order.append(node)\n    else:\n"
         "        waiting.append((node, True))\n        waiting.extend((parent, False) for parent in node.parents())\nreturn order[::-1]", "was gone through on each of them"),
        ("order, seen, waiting = [], {root}, [(root, False)]\nwhile waiting:\n    node, done = waiting.pop()\n    if done:\n        order.append(node)\n        continue\n    waiting.append((node, True))\n"
         "    for parent in node.parents():\n        if parent not in seen:\n            seen.add(parent)\n            waiting.append((parent, False))\nreturn order[::-1]", "before all of it has arrived"),
    ],
    "propagate": [
        (WALK.replace("arriving.pop(node)", "arriving[node]") + ADDED + RELEASED, "Take it out with pop"),
        (WALK + "        arriving[key] = arriving.get(key) + grad\n" + RELEASED, "add_gradients can deal with that"),
        (WALK + "        arriving[key] = grad\n" + RELEASED, "one took the place of another"),
        (WALK + "        arriving.setdefault(key, grad)\n" + RELEASED, "one took the place of another"),
        (WALK + "        if key in arriving:\n            arriving[key] += grad\n        else:\n            arriving[key] = grad\n" + RELEASED, "+= wrote into it"),
        (WALK + ADDED + "return arriving\n", "The Function still holds its arguments"),
        (WALK + ADDED + "    node.release()\nreturn arriving\n", "Do not release it"),
        (WALK + ADDED + RELEASED.replace("return arriving\n", ""), "Return arriving at the end"),
        (WALK.replace("origin(tensor)", "tensor") + ADDED + RELEASED, "another key than origin(tensor)"),
        ("for node in order:\n    if not retain_graph:\n        node.release()\n    for tensor, grad in input_gradients(node, arriving.pop(node)):\n        key = origin(tensor)\n" + ADDED + "return arriving\n",
         "The Function was released before it was asked"),
        (WALK + ADDED + "if not retain_graph:\n    for node in order:\n        node.release()\nreturn arriving\n", "Release each as soon as it is done"),
        ("for node in order:\n    for tensor, grad in input_gradients(node, arriving.pop(node)):\n        add_gradients(arriving.get(origin(tensor)), grad)\n" + RELEASED, "must be put into arriving"),
        (WALK + ADDED + RELEASED.replace("return arriving", "    return arriving"), "the walk ended too early"),
        (WALK.replace("in order", "in reversed(order)") + ADDED + RELEASED, "or the order was changed"),
    ],
    "enable_autograd": [
        (ONCE + TENSORS + PARAMETERS + METHODS + GUARDS, "Install each entry of GRADIENTS"),
        (ONCE + TENSORS + METHODS + INSTALLED + GUARDS, "A Parameter wants a gradient without being asked"),
        (ONCE + TENSORS + "make = Parameter.__init__\ndef init(self, *args, **options):\n    make(self, *args, **options)\n    self.requires_grad = True\n"
         "put(Parameter, __init__=init)\n" + METHODS + INSTALLED + GUARDS, "A Parameter wants a gradient without being asked"),
        (ONCE + PARAMETERS + METHODS + INSTALLED + GUARDS, "has no attribute"),
        (ONCE + "make = Tensor.__init__\ndef init(self, *args, **options):\n    make(self, *args, **options)\n    self.requires_grad = isinstance(self, Parameter)\n    self.grad = self._grad_fn = None\n"
         "put(Tensor, __init__=init)\n" + METHODS + INSTALLED + GUARDS, "The attribute was given to new tensors only"),
        (ONCE + TENSORS + PARAMETERS + INSTALLED + GUARDS, "has no attribute 'backward'"),
        (ONCE + TENSORS + PARAMETERS + METHODS + INSTALLED, "guard_ways_out() sees to that as well"),
        (ONCE + TENSORS + PARAMETERS + METHODS + INSTALLED + "put(Tensor, __init__=recording_init(Tensor.__init__))\n", "Call guard_ways_out()"),
        (TENSORS + PARAMETERS + METHODS + INSTALLED + GUARDS, "every operation is recorded twice"),
        (ONCE + TENSORS + PARAMETERS + "Tensor.backward, Tensor.zero_grad, Tensor.detach = backward, zero_grad, detach\n" + INSTALLED + GUARDS, "backward stayed after disable_autograd()"),
        (ONCE + TENSORS + "put(Tensor, requires_grad=True)\n" + METHODS + INSTALLED + GUARDS, "even a detached one"),
        (ONCE + TENSORS + "Parameter.requires_grad = True\n" + METHODS + INSTALLED + GUARDS, "Parameter.requires_grad stayed"),
        (ONCE + TENSORS + PARAMETERS + METHODS + "for owner, name, function in GRADIENTS:\n    setattr(owner, name, function)\n" + GUARDS, "The Function took the place of the operation"),
        (ONCE + TENSORS + PARAMETERS + METHODS + "for owner, name, function in GRADIENTS:\n    put(owner, name=function)\n" + GUARDS, "Install each entry of GRADIENTS"),
    ],
}

RIGHT = {
    "numerical_gradient": [
        ZEROS + LOOP + UP + DOWN + BACK + "    gradient[index] = (above - below) / (2 * eps)\n" + END,
        ZEROS + "with np.nditer(x, flags=['multi_index']) as steps:\n    places = [steps.multi_index for _ in steps]\nfor place in places:\n    old = x[place]\n"
        "    x[place] = old + eps\n    slope = f(x)\n    x[place] = old - eps\n    slope = slope - f(x)\n    x[place] = old\n    gradient[place] = slope / (eps + eps)\n" + END,
        "flat, slopes = x.reshape(-1), []\nfor i in range(x.size):\n    old, values = flat[i], []\n    for side in (1, -1):\n        flat[i] = old + side * eps\n"
        "        values.append(float(f(x)))\n    flat[i] = old\n    slopes.append((values[0] - values[1]) / (2 * eps))\nreturn np.array(slopes).reshape(x.shape)",
    ],
    "gradient_gap": [
        GAP + "return np.where(np.isnan(gap), np.inf, gap)",
        GAP + "gap[np.isnan(gap)] = np.inf\nreturn gap",
        "return np.nan_to_num(abs(expected - received) / (abs(expected) + 1), nan=np.inf, posinf=np.inf)",
    ],
    "unbroadcast": [
        EQUAL + FRONT + "grad = grad.sum(axis=tuple(range(added)))\n" + STRETCHED + "return grad.sum(axis=stretched, keepdims=True)",
        EQUAL + FRONT + "full = (1,) * added + tuple(shape)\naxes = tuple(i for i, size in enumerate(full) if size != grad.shape[i])\n"
        "return grad.sum(axis=axes, keepdims=True).reshape(shape)",
        EQUAL + "while grad.ndim > len(shape):\n    grad = grad.sum(axis=0)\nfor axis, size in enumerate(shape):\n    if size != grad.shape[axis]:\n"
        "        grad = grad.sum(axis=axis, keepdims=True)\nreturn grad",
    ],
    "multiply": [
        "return self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)",
        "a, b = operand(left), operand(right)\nreturn self.both(lambda: b * grad_output, lambda: a * grad_output, left, right)",
        "_, first, second = self.needs\nreturn (None, unbroadcast(grad_output * operand(right), left.shape) if first else None,\n"
        "        unbroadcast(grad_output * operand(left), right.shape) if second else None)",
    ],
    "right_gradient": [
        "return unbroadcast(np.matmul(np.swapaxes(rows, -1, -2), grad), columns.shape)",
        "return unbroadcast(rows.swapaxes(-2, -1) @ grad, columns.shape)",
        "return unbroadcast(np.swapaxes(np.swapaxes(grad, -1, -2) @ rows, -1, -2), columns.shape)",
        "return unbroadcast(np.einsum('...mk,...mn->...kn', rows, grad), columns.shape)",
    ],
    "cross_entropy_backward": [
        SOFTMAX + ONE_HOT + SCALED,
        SOFTMAX + "one_hot = np.eye(rows.shape[1], dtype=rows.dtype)[labels]\nreturn None, ((grad - one_hot) / len(rows) * grad_output).reshape(logits.shape)",
        SOFTMAX + ONE_HOT + "return (grad * (grad_output / len(rows))).reshape(logits.shape)",
    ],
    "topological_order": [
        PAIRS + "return order[::-1]",
        PAIRS + "order.reverse()\nreturn order",
        "uses, waiting, seen = {root: 0}, [root], {root}\nwhile waiting:\n    for parent in waiting.pop().parents():\n        uses[parent] = uses.get(parent, 0) + 1\n"
        "        if parent not in seen:\n            seen.add(parent)\n            waiting.append(parent)\norder, ready = [], [root]\nwhile ready:\n    node = ready.pop()\n"
        "    order.append(node)\n    for parent in node.parents():\n        uses[parent] -= 1\n        if uses[parent] == 0:\n            ready.append(parent)\nreturn order",
    ],
    "propagate": [
        WALK + ADDED + RELEASED,
        "for node in order:\n    grad_output = arriving.pop(node)\n    for tensor, grad in input_gradients(node, grad_output):\n        key = origin(tensor)\n"
        "        arriving[key] = arriving[key] + grad if key in arriving else grad\n    if retain_graph:\n        continue\n    node.release()\nreturn arriving",
        "for node in order:\n    pairs = input_gradients(node, arriving[node])\n    del arriving[node]\n    for tensor, grad in pairs:\n"
        "        arriving[origin(tensor)] = add_gradients(arriving.get(origin(tensor), None), grad)\n    if not retain_graph:\n        node.release()\nreturn arriving",
    ],
    "enable_autograd": [
        ONCE + TENSORS + PARAMETERS + METHODS + INSTALLED + GUARDS,
        ONCE + TENSORS + GUARDS + "for owner, name, function in GRADIENTS:\n    install(owner, name, function)\n" + METHODS + PARAMETERS,
        "if not REPLACED:\n" + "".join("    " + line + "\n" for line in (TENSORS + INSTALLED + METHODS + PARAMETERS + GUARDS).splitlines()),
    ],
}
