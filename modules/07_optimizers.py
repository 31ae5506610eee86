"""Chapter 07: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.optimizers import Adam, AdamW, Optimizer, SGD, mix_in, move
from tinytorch.learn.expecting import expect, expect_raises, raising

LOOP = "for place, (param, grad) in enumerate(zip(self.params, self.gradients())):\n"
SKIP = "    if grad is None:\n        continue\n"
COUNT = "    self.steps[place] += 1\n"
OWN = "    buffers = [self.buffers[name][place] for name in self.buffer_names]\n"
CALL = "    self.update(param.data, grad, self.scratch_like(param.data), self.steps[place], *buffers)\n"
DECAY = "grad = with_decay(grad, data, self.weight_decay, scratch)\n"
AGAIN = "if velocity is not None:\n    velocity *= self.momentum\n    velocity += grad\n    grad = velocity\n"
BETAS = "beta1, beta2 = self.betas\n"
MEAN = BETAS + "mix_in(m, self.decayed(grad, data, scratch), beta1, scratch)\n"
SQUARES = "np.square(self.decayed(grad, data, scratch), out=scratch)\nmix_in(v, scratch, beta2, scratch)\n"
ROOT = "np.sqrt(v / (1 - beta2**step), out=scratch)\nscratch += self.eps\n"
LENGTH = "self.lr / (1 - beta1**step)"


def step_along(length):
    """The end of Adam: m divided by the root, and a step of this length."""
    return f"np.divide(m, scratch, out=scratch)\nmove(data, scratch, {length}, scratch)"


class exercise_move:

    def the_array_itself_moves_against_the_direction():
        """The array itself moves, against the direction"""
        data, direction, scratch = np.array([1.0, 2.0]), np.array([10.0, -4.0]), np.zeros(2)
        move(data, direction, 0.1, scratch)
        expect(data, np.array([0.0, 2.4]), mistakes=[
            (np.array([1.0, 2.0]), "data is as it was. `data = …` gives the name a new array; the one that the model holds must change, with -= or out=data.",
             "data = data - lr * direction",
             "return data - lr * direction",
             "np.multiply(direction, lr, out=scratch)\nnp.subtract(data, scratch, out=scratch)"),
            (np.array([2.0, 1.6]), "You went along the direction. The step goes against it: subtract.",
             "np.multiply(direction, lr, out=scratch)\ndata += scratch"),
            (np.array([0.0, -2.4]), "The difference is turned round. It is data minus the step.",
             "np.multiply(direction, lr, out=scratch)\nnp.subtract(scratch, data, out=data)"),
            (np.array([-9.0, 6.0]), "The step has the full length of the direction. Multiply by lr first.",
             "data -= direction")])

    def the_direction_stays_as_it_was():
        """The direction stays as it was"""
        data, direction, scratch = np.array([1.0, 2.0]), np.array([10.0, -4.0]), np.zeros(2)
        move(data, direction, 0.1, scratch)
        expect(direction, np.array([10.0, -4.0]), mistakes=[
            (np.array([1.0, -0.4]), "The direction was multiplied by lr itself. It may be a gradient that others still read: write the product into scratch.",
             "direction *= lr\ndata -= direction")])
        expect(data, np.array([0.0, 2.4]))

    def the_direction_may_be_the_scratch():
        """The direction may be the scratch"""
        data, scratch = np.array([1.0, 2.0]), np.array([10.0, -4.0])
        apart = data.copy()
        move(apart, scratch.copy(), 0.1, np.zeros(2))
        move(data, scratch, 0.1, scratch)
        expect(data, np.array([0.0, 2.4]), mistakes=[
            (lambda got: np.allclose(apart, [0.0, 2.4]), "direction and scratch are the same array here, and you wrote into scratch before direction was read. One call can do both: it reads each number before it writes there.",
             "scratch[...] = lr\nscratch *= direction\ndata -= scratch")])

    def nothing_new_is_allocated():
        """Nothing new is allocated"""
        import tracemalloc
        data, direction, scratch = np.ones((3, 100_000), dtype=np.float32)
        tracemalloc.start()
        try:
            move(data, direction, 0.1, scratch)
            held = tracemalloc.get_traced_memory()[1] / data.nbytes
        finally:
            tracemalloc.stop()
        expect(held < 0.5, True, message=f"At its peak the call held {held:.1f} new arrays as large as data; 0 are asked for.",
               mistakes=[(False, "lr * direction makes a new array. np.multiply(…, out=scratch) writes the product into one that is there.",
                   "data -= lr * direction",
                   "data[...] = data - lr * direction")])
        expect(float(data[0]), 0.9)

    right = [
        "np.multiply(direction, lr, out=scratch)\ndata -= scratch",
        "np.multiply(lr, direction, scratch)\nnp.subtract(data, scratch, out=data)",
        "np.multiply(direction, -lr, out=scratch)\ndata += scratch",
    ]


class exercise_zero_grad:

    def all_gradients_are_none():
        """All gradients are None"""
        from tinytorch import enable_autograd
        enable_autograd()
        a, b = Tensor([1, 2], requires_grad=True), Tensor([3], requires_grad=True)
        optimizer = SGD([a, b], lr=0.1)
        a.grad, b.grad = np.float32([5, 6]), np.float32([7])
        optimizer.zero_grad()
        expect([param.grad is None for param in (a, b)], [True, True], mistakes=[
            ([True, False], "Only the first parameter's gradient is forgotten. Does something leave the loop too early?",
             "for param in self.params:\n    param.grad = None\n    return",
             "self.params[0].grad = None"),
            (lambda got: a.grad is not None and a.grad.any(), "The gradients are as they were. Giving a loop variable a new value changes no Tensor; set the attribute `.grad`.",
             "for param in self.params:\n    grad = param.grad\n    grad = None"),
            (lambda got: True, "The gradients are zeros now, and take as much memory as before. Make them None.",
             "for param in self.params:\n    param.grad = np.zeros_like(param.data)")])

    def parameters_without_a_gradient_are_no_problem():
        """Parameters without a gradient are no problem"""
        from tinytorch import enable_autograd
        enable_autograd()
        a, b = Tensor([1, 2], requires_grad=True), Tensor([3], requires_grad=True)
        b.grad = np.float32([1])
        expect(SGD([a, b], lr=0.1).zero_grad(), None, mistakes=[
            (TypeError, "The gradient may be None already, before the first backward. Then nothing can be written into it.",
             "for param in self.params:\n    param.grad[...] = 0")])
        expect(b.grad, None)

    right = [
        "for param in self.params:\n    param.grad = None",
        "for i in range(len(self.params)):\n    self.params[i].zero_grad()",
        "[param.zero_grad() for param in self.params]",
        "for param in self.params:\n    if param.grad is not None:\n        param.grad = None",
    ]


class exercise_step:

    def each_parameter_with_its_own_gradient_count_and():
        """Each parameter with its own gradient, count and buffers"""
        from tinytorch import enable_autograd
        enable_autograd()
        class Walk(Optimizer):
            buffer_names = ("seen",)
            def update(self, data, grad, scratch, step, seen):
                if isinstance(seen, list):
                    raise TypeError(f"the buffer is a list of {len(seen)}")
                seen += grad
                np.multiply(seen, step * step, out=scratch)
                data -= scratch
        def walked(steps):
            a, b = Tensor([0], requires_grad=True), Tensor([0], requires_grad=True)
            a.grad, b.grad = np.float32([1]), np.float32([10])
            optimizer = Walk([a, b], lr=1)
            for _ in range(steps):
                optimizer.step()
            return a.item(), b.item()
        expect(walked(1), (-1.0, -10.0), mistakes=[
            ((0.0, 0.0), "Nothing moved: update got the number 0. Count the step before the update.",
             LOOP + SKIP + OWN + CALL + COUNT),
            (raising(RuntimeError, "on a Tensor"), "update got the Tensor. It changes an array in place: give it param.data.",
             LOOP + SKIP + COUNT + OWN + CALL.replace("param.data, grad", "param, grad")),
            ((-1.0, 0.0), "Only the first parameter moved. Does something leave the loop too early?",
             LOOP + SKIP + COUNT + OWN + CALL + "    return"),
            ((-1.0, -40.0), "The second parameter was told that this is its second update. Count each parameter for itself, in self.steps[place].",
             LOOP + SKIP + "    self.steps = [count + 1 for count in self.steps]\n" + OWN + CALL),
            ((-1.0, -11.0), "Both parameters wrote into the same buffer. Each has its own, at position `place` of self.buffers[name].",
             LOOP + SKIP + COUNT + OWN.replace("[place]", "[0]") + CALL),
            (raising(TypeError, "a list of 1"), "update takes each buffer as an argument of its own: put a star before the list.",
             LOOP + SKIP + COUNT + OWN + CALL.replace("*buffers", "buffers")),
            (raising(TypeError, "positional argument"), "update got too few arguments. It takes five, and each buffer as one more.",
             LOOP + SKIP + COUNT + OWN + CALL.replace(", *buffers", "")),
            (raising(TypeError, "a list of 2"), "self.buffers[name] is a list with one array for each parameter. Take the one at position `place`.",
             LOOP + SKIP + COUNT + OWN.replace("[place]", "") + CALL)])
        expect(walked(2), (-9.0, -90.0), mistakes=[
            ((-3.0, -30.0), "The second update came with the number 1 again. self.steps[place] must go on counting.",
             LOOP + SKIP + "    self.steps[place] = 1\n" + OWN + CALL),
            ((-5.0, -50.0), "The second update found the buffer at 0: it got a copy, which is gone after the step. Hand over the array itself.",
             LOOP + SKIP + COUNT + OWN.replace("[place]", "[place].copy()") + CALL)])

    def parameters_of_different_shapes_use_one_scratch():
        """Parameters of different shapes use one scratch"""
        from tinytorch import enable_autograd
        enable_autograd()
        def step_with_two_shapes():
            a, b = Tensor(np.zeros((2, 3)), requires_grad=True), Tensor(np.zeros(4), requires_grad=True)
            a.grad, b.grad = np.ones((2, 3), np.float32), np.ones(4, np.float32)
            SGD([a, b], lr=0.5, momentum=0.5).step()
            return a.data.sum() + b.data.sum()
        expect(step_with_two_shapes(), -5.0, mistakes=[
            (raising(ValueError, "truth value"), "A whole array is neither true nor false. Ask whether grad is None.",
             LOOP + SKIP.replace("grad is None", "not grad") + COUNT + OWN + CALL),
            (raising(TypeError, "multiply sequence"), "update got a list in the place of a buffer. It wants the array of this parameter, as an argument of its own.",
             LOOP + SKIP + COUNT + OWN + CALL.replace("*buffers", "buffers")),
            ((TypeError, ValueError), "The scratch is a block of bytes. self.scratch_like(param.data) gives it in the parameter's shape and dtype.",
             LOOP + SKIP + COUNT + OWN + CALL.replace("self.scratch_like(param.data)", "self.scratch"))])

    def the_scratch_is_one_for_all():
        """The scratch is one for all"""
        from tinytorch import enable_autograd
        enable_autograd()
        used = []
        class Look(Optimizer):
            def update(self, data, grad, scratch, step):
                used.append(scratch)
        a, b = Tensor([1, 2], requires_grad=True), Tensor([3], requires_grad=True)
        a.grad, b.grad = np.float32([1, 1]), np.float32([1])
        Look([a, b], lr=1).step()
        expect([scratch.shape for scratch in used], [(2,), (1,)], mistakes=[
            ([], "This rule has no buffers, and its update was not called. Call it once for each parameter, not once for each buffer.",
             LOOP + SKIP + COUNT + "    for name in self.buffer_names:\n        self.update(param.data, grad, self.scratch_like(param.data), self.steps[place], self.buffers[name][place])")])
        expect(np.shares_memory(used[0], used[1]), True, mistakes=[
            (False, "Each parameter got a new array for a scratch. self.scratch_like(…) lends the same memory to all of them.",
             LOOP + SKIP + COUNT + OWN + CALL.replace("self.scratch_like(param.data)", "np.empty_like(param.data)"))])

    def a_frozen_parameter_stays_where_it_is():
        """A frozen parameter stays where it is"""
        from tinytorch import enable_autograd
        enable_autograd()
        a, b, c = (Tensor([1], requires_grad=True) for _ in range(3))
        optimizer = SGD([a, b, c], lr=0.5)
        a.grad, c.grad, b.requires_grad = np.float32([1]), np.float32([1]), False
        expect(optimizer.step(), None, mistakes=[
            (raising(TypeError, "multiply sequence"), "update got a list in the place of a buffer. It wants the array of this parameter, as an argument of its own.",
             LOOP + SKIP + COUNT + OWN + CALL.replace("*buffers", "buffers")),
            (raising(TypeError, "dtype('O')"), "The gradient of a frozen parameter is None in the list of self.gradients(). Leave that parameter out.",
             LOOP + COUNT + OWN + CALL)])
        expect((a.item(), b.item(), c.item(), optimizer.steps), (0.5, 1.0, 0.5, [1, 0, 1]), mistakes=[
            (lambda got: got[3] == [1, 0, 0], "The parameter after the frozen one was left out as well. `continue` goes on to the next one; `break` and `return` end the loop.",
             LOOP + SKIP.replace("continue", "break") + COUNT + OWN + CALL),
            (lambda got: got[3] == [1, 1, 1], "The frozen parameter was counted. It had no update.",
             LOOP + COUNT + SKIP + OWN + CALL)])

    def a_parameter_without_a_gradient_stays_where_it_is():
        """A parameter that no gradient reached stays; without any gradient the step says so"""
        from tinytorch import enable_autograd
        enable_autograd()
        a, b = Tensor([1], requires_grad=True), Tensor([1], requires_grad=True)
        optimizer = SGD([a, b], lr=0.5)
        expect_raises(RuntimeError, lambda: optimizer.step(), mentions=["no parameter has a gradient"], mistakes=[
            (None, "No parameter has a gradient. Go through self.gradients(), which says so; reading param.grad passes over it in silence.",
             "for place, param in enumerate(self.params):\n    grad = param.grad\n" + SKIP + COUNT + OWN + CALL)])
        expect((a.item(), b.item(), optimizer.steps), (1.0, 1.0, [0, 0]))
        a.grad = np.float32([1])
        optimizer.step()
        expect((a.item(), b.item(), optimizer.steps), (0.5, 1.0, [1, 0]))

    right = [
        LOOP + SKIP + COUNT + OWN + CALL,
        (LOOP + "    if grad is not None:\n        self.steps[place] = self.steps[place] + 1\n        own = [buffers[place] for buffers in self.buffers.values()]\n"
         "        self.update(param.data, grad, self.scratch_like(grad), self.steps[place], *own)"),
        ("grads = self.gradients()\nfor place in range(len(self.params)):\n    if grads[place] is not None:\n        data = self.params[place].data\n"
         "        self.steps[place] += 1\n        self.update(data, grads[place], self.scratch_like(data), self.steps[place],\n"
         "                    *(self.buffers[name][place] for name in self.buffer_names))"),
    ]


class exercise_sgd:

    def without_momentum_a_plain_step():
        """Without momentum, a plain step"""
        from tinytorch import enable_autograd
        enable_autograd()
        def walk(grads, **settings):
            w = Tensor([1], requires_grad=True)
            optimizer = SGD([w], **settings)
            for grad in grads:
                w.grad = np.float32([grad])
                optimizer.step()
            return w.item()
        expect(walk([10], lr=0.1), 0.0, mistakes=[
            (TypeError, "Without momentum, velocity is None. Ask for that before you compute with it.",
             DECAY + "velocity *= self.momentum\nvelocity += grad\nmove(data, velocity, self.lr, scratch)"),
            (2.0, "You went along the gradient. The step goes against it.",
             DECAY + AGAIN + "move(data, grad, -self.lr, scratch)"),
            (1.0, "data did not move. `data = …` gives the name a new array; move changes the one that the model holds.",
             DECAY + AGAIN + "data = data - self.lr * grad")])

    def with_momentum_the_velocity_is_remembered():
        """With momentum, the velocity is remembered"""
        from tinytorch import enable_autograd
        enable_autograd()
        def walk(grads, **settings):
            w = Tensor([1], requires_grad=True)
            optimizer = SGD([w], **settings)
            for grad in grads:
                w.grad = np.float32([grad])
                optimizer.step()
            return w.item()
        expect(walk([1, 1, 1], lr=0.1, momentum=0.5), 0.575, mistakes=[
            (0.7, "Every step was lr times the gradient, as without momentum. Either the step went along grad, or `velocity = …` made a new array, and the buffer is 0 again in the next step, or `if velocity:` asked its number, which is 0 at first.",
             DECAY + "if velocity is not None:\n    velocity = self.momentum * velocity + grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)",
             DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    velocity += grad\nmove(data, grad, self.lr, scratch)",
             DECAY + "if velocity:\n    velocity *= self.momentum\n    velocity += grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)"),
            (0.7875, "Of each gradient only a half arrives. Either it was weighted with 1 - momentum, as in an average, or it was added before the velocity lost its part. Shrink first, then add the gradient whole.",
             DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    velocity += (1 - self.momentum) * grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)",
             DECAY + "if velocity is not None:\n    velocity += grad\n    velocity *= self.momentum\n    grad = velocity\nmove(data, grad, self.lr, scratch)"),
            (0.9575, "The learning rate went in twice, into the velocity and into the step. It belongs into the step only.",
             DECAY + AGAIN.replace("+= grad", "+= self.lr * grad") + "move(data, grad, self.lr, scratch)"),
            (0.4, "The velocity never loses anything. Multiply it by momentum before the gradient is added.",
             DECAY + "if velocity is not None:\n    velocity += grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)"),
            (1.425, "The signs do not fit: it went uphill. Add the gradient to the velocity and move against it.",
             DECAY + AGAIN.replace("+= grad", "-= grad") + "move(data, grad, self.lr, scratch)")])

    def the_learning_rate_stays_outside_the_velocity():
        """The learning rate stays outside the velocity"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([1], requires_grad=True)
        optimizer = SGD([w], lr=0.1, momentum=0.5)
        for lr in (0.1, 0.0):
            w.grad, optimizer.lr = np.float32([1]), lr
            optimizer.step()
        expect(w.item(), 0.9, mistakes=[
            (0.85, "With lr = 0 the second step must not move. You put lr into the velocity, so the old lr lives on in it.",
             DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    velocity += self.lr * grad\n    data -= velocity\nelse:\n    move(data, grad, self.lr, scratch)")])

    def with_weight_decay_as_well():
        """With weight decay as well"""
        from tinytorch import enable_autograd
        enable_autograd()
        def walk(decay):
            w = Tensor([1], requires_grad=True)
            optimizer = SGD([w], lr=0.1, momentum=0.5, weight_decay=decay)
            for _ in range(2):
                w.grad = np.float32([1])
                optimizer.step()
            return w.item()
        expect(walk(0.5), 0.6325, mistakes=[
            (0.75, "The decay is missing. with_decay returns the gradient with the decay in it: go on with what it returns.",
             AGAIN + "move(data, grad, self.lr, scratch)"),
            (0.76, "The decay was added twice. The given line does it.",
             DECAY + DECAY + AGAIN + "move(data, grad, self.lr, scratch)"),
            (lambda got: abs(walk(0) - 0.75) < 1e-3, "The gradient lies in scratch here, because with_decay put it there. Do not write into scratch before the gradient is used.",
             DECAY + "if velocity is not None:\n    np.multiply(velocity, self.momentum, out=scratch)\n    np.add(scratch, grad, out=velocity)\n    grad = velocity\nmove(data, grad, self.lr, scratch)")])

    def a_parameter_of_several_numbers():
        """A parameter of several numbers"""
        from tinytorch import enable_autograd
        enable_autograd()
        def walk():
            w = Tensor([1, 2], requires_grad=True)
            w.grad = np.float32([3, 4])
            SGD([w], lr=0.1, weight_decay=0.5).step()
            return w.data
        expect(walk(), np.float32([0.65, 1.5]), mistakes=[
            (raising(ValueError, "ambiguous"), "The decay is one number and data an array: with_decay takes the gradient, the weights, the decay and the scratch, in this order.",
             DECAY.replace("data, self.weight_decay", "self.weight_decay, data") + AGAIN + "move(data, grad, self.lr, scratch)"),
            (lambda got: np.allclose(got, [0.7, 1.6]), "The decay is missing. with_decay returns the gradient with the decay in it: go on with what it returns.",
             AGAIN + "move(data, grad, self.lr, scratch)")])

    def the_gradient_stays_as_it_was():
        """The gradient stays as it was"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([1], requires_grad=True)
        optimizer = SGD([w], lr=0.1, momentum=0.5)
        for _ in range(2):
            w.grad = np.float32([1])
            optimizer.step()
        expect(w.grad, np.float32([1]), mistakes=[
            (lambda got: True, "You changed the gradient itself. The velocity is the array to write into.",
             DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    grad += velocity\n    velocity[...] = grad\nmove(data, grad, self.lr, scratch)")])
        expect(w.data, np.float32([0.75]))

    right = [
        DECAY + AGAIN + "move(data, grad, self.lr, scratch)",
        DECAY + "if velocity is None:\n    move(data, grad, self.lr, scratch)\nelse:\n    velocity[...] = self.momentum * velocity + grad\n    data -= self.lr * velocity",
        (DECAY + "if velocity is not None:\n    np.multiply(velocity, self.momentum, out=velocity)\n    np.add(velocity, grad, out=velocity)\n"
         "    move(data, velocity, self.lr, scratch)\n    return\nmove(data, grad, self.lr, scratch)"),
        ("if velocity is None:\n    data -= self.lr * (grad + self.weight_decay * data)\n    return\nvelocity *= -self.momentum\nvelocity -= grad + self.weight_decay * data\n"
         "velocity *= -1\ndata -= self.lr * velocity"),
    ]

    equivalent = [
        ("move(data, grad, self.lr, scratch)  ->  move(data, self.lr, grad, scratch)", "move multiplies the two, and a product is the same in either order"),
    ]


class exercise_mix_in:

    def beta_for_the_old_the_rest_for_the_new():
        """beta for the old, the rest for the new"""
        average, value, scratch = np.array([0.0, 4.0]), np.array([8.0, 4.0]), np.zeros(2)
        mix_in(average, value, 0.75, scratch)
        expect(average, np.array([2.0, 4.0]), mistakes=[
            (np.array([0.0, 4.0]), "average is as it was. `average = …` gives the name a new array; the buffer itself must change.",
             "average = beta * average + (1 - beta) * value"),
            (np.array([6.0, 4.0]), "The shares are swapped. beta is the share of the average that was there, 1 - beta that of the value.",
             "np.multiply(value, beta, out=scratch)\naverage *= 1 - beta\naverage += scratch"),
            (np.array([1.5, 3.75]), "The value was added before the average lost its part, and lost it too. Shrink the average first.",
             "np.multiply(value, 1 - beta, out=scratch)\naverage += scratch\naverage *= beta"),
            (np.array([8.0, 7.0]), "You added the whole value. Its share is 1 - beta, so that the shares add up to 1.",
             "average *= beta\naverage += value")])

    def the_value_stays_as_it_was_and_may_be_the_scratch():
        """The value stays as it was, and may be the scratch"""
        average, value, scratch = np.array([0.0, 4.0]), np.array([8.0, 4.0]), np.zeros(2)
        mix_in(average, value, 0.75, scratch)
        apart = average
        expect(value, np.array([8.0, 4.0]), mistakes=[
            (np.array([2.0, 1.0]), "You scaled the value itself. It may be a gradient that others still read: write its share into scratch.",
             "value *= 1 - beta\naverage *= beta\naverage += value")])
        average, scratch = np.array([0.0, 4.0]), np.array([8.0, 4.0])
        mix_in(average, scratch, 0.75, scratch)
        expect(average, np.array([2.0, 4.0]), mistakes=[
            (lambda got: np.allclose(apart, [2.0, 4.0]), "value and scratch are the same array here, and you wrote into scratch before value was read. np.multiply(value, …, out=scratch) does both in one call.",
             "scratch[...] = 1 - beta\nscratch *= value\naverage *= beta\naverage += scratch",
             "np.multiply(average, beta, out=scratch)\nnp.multiply(value, 1 - beta, out=average)\naverage += scratch")])

    def nothing_new_is_allocated():
        """Nothing new is allocated"""
        import tracemalloc
        average, value, scratch = np.ones((3, 100_000), dtype=np.float32)
        value += 1
        tracemalloc.start()
        try:
            mix_in(average, value, 0.75, scratch)
            held = tracemalloc.get_traced_memory()[1] / average.nbytes
        finally:
            tracemalloc.stop()
        expect(held < 0.5, True, message=f"At its peak the call held {held:.1f} new arrays as large as average; 0 are asked for.",
               mistakes=[(False, "Each * and + between arrays makes a new one. Use *=, += and out=.",
                   "average[...] = beta * average + (1 - beta) * value",
                   "average *= beta\naverage += (1 - beta) * value")])
        expect(float(average[0]), 1.25)

    right = [
        "np.multiply(value, 1 - beta, out=scratch)\naverage *= beta\naverage += scratch",
        "np.subtract(value, average, out=scratch)\nscratch *= 1 - beta\naverage += scratch",
        "np.multiply(value, (1 - beta) / beta, out=scratch)\naverage += scratch\naverage *= beta",
    ]


class exercise_adam:

    def the_first_step_has_the_length_lr_whatever_the():
        """The first step has the length lr, whatever the gradient"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([1, 1], requires_grad=True)
        w.grad = np.float32([1000, 0.001])
        Adam([w], lr=0.1).step()
        expect(w, Tensor([0.9, 0.9]), rtol=1e-3, mistakes=[
            (lambda got: np.allclose(got.data, 0.6838, rtol=1e-3), "The step is 3.16 times lr: neither average is corrected. Divide m by 1 - beta1**step and v by 1 - beta2**step.",
             MEAN + SQUARES + "np.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along("self.lr")),
            (lambda got: np.allclose(got.data, 0.99, rtol=1e-3), "The step is a tenth of lr: v is corrected and m is not. Divide m by 1 - beta1**step.",
             MEAN + SQUARES + ROOT + step_along("self.lr")),
            (lambda got: np.allclose(got.data, -2.162, rtol=1e-2), "The step is 31.6 times lr: m is corrected and v is not. Divide v by 1 - beta2**step, under the root.",
             MEAN + SQUARES + "np.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along(LENGTH)),
            (lambda got: got.data[1] < -50, "You divided by v. Divide by its root, which has the size of a gradient.",
             MEAN + SQUARES + "np.divide(v, 1 - beta2**step, out=scratch)\nscratch += self.eps\n" + step_along(LENGTH)),
            (lambda got: np.allclose(got.data, [-2.162, 0.9968], rtol=1e-3), "v averages the gradients. It averages their squares.",
             MEAN + "mix_in(v, np.abs(self.decayed(grad, data, scratch)), beta2, scratch)\n" + ROOT + step_along(LENGTH),
             MEAN + "mix_in(v, self.decayed(grad, data, scratch), beta2, scratch)\n" + ROOT + step_along(LENGTH)),
            (lambda got: np.allclose(got.data, 0, atol=1e-3), "The step is ten times lr: v holds squares that are a hundred times too small. They are the squares of the gradient, not of m.",
             MEAN + "np.square(m, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n" + ROOT + step_along(LENGTH)),
            (lambda got: np.allclose(got.data, 0.999, rtol=1e-4), "The step is a hundredth of lr: m was multiplied by 1 - beta1**step. Divide by it.",
             MEAN + SQUARES + ROOT + step_along("self.lr * (1 - beta1**step)")),
            (lambda got: np.allclose(got.data, -9, rtol=1e-3), "The quotient is upside down. m is divided by the root.",
             MEAN + SQUARES + ROOT + "np.divide(scratch, m, out=scratch)\nmove(data, scratch, " + LENGTH + ", scratch)"),
            (lambda got: np.allclose(got.data, 0.92559, rtol=1e-4), "step counts this update already: it is 1 here. Do not add to it.",
             MEAN + SQUARES + ROOT.replace("**step", "**(step + 1)") + step_along(LENGTH.replace("**step", "**(step + 1)"))),
            (Tensor([1.1, 1.1]), "You went along the gradient. The step goes against it.",
             MEAN + SQUARES + ROOT + step_along("-" + LENGTH)),
            (Tensor([1, 1]), "data did not move. `data = …` gives the name a new array; change the one that the model holds.",
             MEAN + SQUARES + ROOT + f"data = data - {LENGTH} * m / scratch")])

    def both_averages_are_remembered():
        """Both averages are remembered"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([1], requires_grad=True)
        optimizer = Adam([w], lr=0.1)
        for grad in (2, 0):
            w.grad = np.float32([grad])
            optimizer.step()
        expect(optimizer.buffers["m"][0], np.float32([0.18]), mistakes=[
            (np.float32([0]), "m is still 0. `m = …` makes a new array that is gone after the step; change the buffer itself.",
             (BETAS + "grad = self.decayed(grad, data, scratch)\nm = beta1 * m + (1 - beta1) * grad\nv = beta2 * v + (1 - beta2) * grad * grad\n"
              f"data -= {LENGTH} * m / (np.sqrt(v / (1 - beta2**step)) + self.eps)")),
            (lambda got: 0.06 < got[0] < 0.07, "The quotient was written into the buffer m. It is for this step only, and scratch is the place for it.",
             MEAN + SQUARES + ROOT + "np.divide(m, scratch, out=m)\nmove(data, m, " + LENGTH + ", scratch)"),
            (lambda got: got[0] > 1, "The correction was written into the buffer m. It is for this step only: m itself goes on uncorrected.",
             MEAN + SQUARES + "m /= 1 - beta1**step\n" + ROOT + step_along("self.lr"))])
        expect(optimizer.buffers["v"][0], np.float32([0.003996]), mistakes=[
            (np.float32([0]), "v is still 0. `v = …` makes a new array that is gone after the step; change the buffer itself.",
             MEAN + "decayed = self.decayed(grad, data, scratch)\nv = beta2 * v + (1 - beta2) * decayed * decayed\n" + ROOT + step_along(LENGTH)),
            (np.float32([0.36]), "v was mixed with beta1. It has its own, beta2, and a longer memory.",
             MEAN + SQUARES.replace("beta2", "beta1") + ROOT.replace("beta2", "beta1") + step_along(LENGTH)),
            (lambda got: 30 < got[0] < 32, "The root was written into the buffer v. It is for this step only: v itself goes on as it was.",
             MEAN + SQUARES + "v /= 1 - beta2**step\nnp.sqrt(v, out=v)\nnp.divide(m, v + self.eps, out=scratch)\nmove(data, scratch, " + LENGTH + ", scratch)"),
            (lambda got: got[0] > 100, "The correction was written into the buffer v. It is for this step only: v itself goes on uncorrected.",
             MEAN + SQUARES + "v /= 1 - beta2**step\nnp.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along(LENGTH))])

    def each_step_is_corrected_with_its_own_number():
        """Each step is corrected with its own number"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([0], requires_grad=True)
        optimizer = Adam([w], lr=0.5)
        after = []
        for _ in range(4):
            w.grad = np.float32([2])
            optimizer.step()
            after.append(w.item())
        expect(w.item(), -2.0, rtol=1e-3, mistakes=[
            (lambda got: abs(after[0] + 0.5) < 1e-3, "With a gradient that stays the same, every step is lr, and four steps of 0.5 make 2. Correct with the powers beta1**step and beta2**step, both for this step's number.",
             MEAN + SQUARES + ROOT.replace("**step", "") + step_along("self.lr / (1 - beta1)"),
             MEAN + SQUARES + ROOT.replace("**step", " * step") + step_along(LENGTH))])

    def the_betas_are_those_that_were_given():
        """The betas are those that were given"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([0], requires_grad=True)
        optimizer = Adam([w], lr=1, betas=(0.5, 0.75))
        for grad in (1, 3):
            w.grad = np.float32([grad])
            optimizer.step()
        expect([optimizer.buffers["m"][0].item(), optimizer.buffers["v"][0].item()], [1.75, 2.4375], mistakes=[
            (lambda got: np.isclose(got[0], 0.39) or np.isclose(got[1], 0.009999), "Here beta1 is 0.5 and beta2 is 0.75. Take both from self.betas; 0.9 and 0.999 are only what they are by default.",
             MEAN.replace("beta1, scratch", "0.9, scratch") + SQUARES + ROOT + step_along(LENGTH),
             MEAN + SQUARES.replace("beta2", "0.999") + ROOT + step_along(LENGTH),
             "self.betas = (0.9, 0.999)\n" + MEAN + SQUARES + ROOT + step_along(LENGTH))])
        expect(w.item(), -1 - 1.75 / 0.75 / np.sqrt(2.4375 / 0.4375), mistakes=[
            (lambda got: True, "m and v are right, and the step is not. The corrections have the same betas, those of self.betas.",
             MEAN + SQUARES + ROOT.replace("beta2", "0.999") + step_along(LENGTH),
             MEAN + SQUARES + ROOT + step_along("self.lr / (1 - 0.9**step)"))])

    def eps_is_added_to_the_root():
        """eps is added to the root"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([0], requires_grad=True)
        w.grad = np.float32([3])
        Adam([w], lr=1, eps=1).step()
        expect(w.item(), -0.75, mistakes=[
            (lambda got: abs(got + 0.9487) < 1e-3, "eps stands under the root here. It is added to the root: 3 / (3 + 1).",
             MEAN + SQUARES + "np.sqrt(v / (1 - beta2**step) + self.eps, out=scratch)\n" + step_along(LENGTH)),
            (lambda got: abs(got + 0.0866) < 1e-3, "eps was added before v was corrected. The root of the corrected v comes first, then eps.",
             MEAN + SQUARES + "np.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along(f"np.sqrt(1 - beta2**step) * {LENGTH}")),
            (lambda got: abs(got + 1) < 1e-3, "eps is missing. Without it, a gradient of 0 gives 0 / 0.",
             MEAN + SQUARES + "np.sqrt(v / (1 - beta2**step), out=scratch)\n" + step_along(LENGTH))])

    def a_weight_decay_is_part_of_the_gradient():
        """A weight decay is part of the gradient"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([1], requires_grad=True)
        w.grad = np.float32([0])
        Adam([w], lr=0.1, weight_decay=0.5).step()
        expect(w.item(), 0.9, rtol=1e-3, mistakes=[
            (lambda got: abs(got) < 1e-3, "The step is ten times too long. Either m was squared, or the gradient with the decay, which lay in scratch until mix_in wrote over it: ask self.decayed once more.",
             (BETAS + "grad = self.decayed(grad, data, scratch)\nmix_in(m, grad, beta1, scratch)\nnp.square(grad, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n"
              + ROOT + step_along(LENGTH))),
            (lambda got: got < -1e3, "The squares are those of grad, without the decay. v takes the squares of what self.decayed returns.",
             MEAN + "np.square(grad, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n" + ROOT + step_along(LENGTH)),
            (1.0, "The decay is missing. Use what self.decayed returns, for m and for v.",
             BETAS + "mix_in(m, grad, beta1, scratch)\nnp.square(grad, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n" + ROOT + step_along(LENGTH))])

    def the_gradient_stays_as_it_was():
        """The gradient stays as it was"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([1], requires_grad=True)
        w.grad = np.float32([3])
        Adam([w], lr=0.1).step()
        expect(w.grad, np.float32([3]), mistakes=[
            (lambda got: True, "You changed the gradient itself. Compute in scratch.",
             MEAN + "grad *= grad\nmix_in(v, grad, beta2, scratch)\n" + ROOT + step_along(LENGTH))])
        expect(w.data, np.float32([0.9]))

    right = [
        MEAN + SQUARES + ROOT + step_along(LENGTH),
        (BETAS + "g = self.decayed(grad, data, scratch).copy()\nm[...] = beta1 * m + (1 - beta1) * g\nv[...] = beta2 * v + (1 - beta2) * g**2\n"
         "data -= self.lr * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + self.eps)"),
        (BETAS + "g = np.array(self.decayed(grad, data, scratch))\nmix_in(m, g, beta1, scratch)\nmix_in(v, g * g, beta2, scratch)\n"
         "m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)\nmove(data, m_hat / (np.sqrt(v_hat) + self.eps), self.lr, scratch)"),
    ]

    equivalent = [
        ("move(data, scratch, self.lr / (1 - beta1 ** step), scratch)  ->  move(data, self.lr / (1 - beta1 ** step), scratch, scratch)", "move multiplies the two, and a product is the same in either order"),
    ]


class exercise_adamw:

    def with_a_gradient_of_0_only_the_decay_acts():
        """With a gradient of 0, only the decay acts"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([2], requires_grad=True)
        w.grad = np.float32([0])
        AdamW([w], lr=0.5, weight_decay=0.1).step()
        expect(w.item(), 1.9, mistakes=[
            (lambda got: abs(got - 1.5) < 1e-3, "The step is lr, as large as any of Adam's: the decay went through the gradient and was divided by the root of v. Shrink data itself, and hand on the gradient as it is.",
             "grad = with_decay(grad, data, self.weight_decay, scratch)\nsuper().update(data, grad.copy(), scratch, step, m, v)"),
            (1.8, "data shrank by weight_decay. The part is lr times weight_decay.",
             "data *= 1 - self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)"),
            (0.1, "data was multiplied by a tenth of what should be left. The factor is a number a little below 1, and only the part that goes is lr times weight_decay.",
             "data *= self.lr * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)",
             "data *= (1 - self.lr) * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)"),
            (2.1, "data grew. The factor is 1 minus lr times weight_decay.",
             "data *= 1 + self.lr * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)"),
            (2.0, "data is as it was. Either nothing shrinks it, or `data = …` gave the name a new array.",
             "data = data * (1 - self.lr * self.weight_decay)\nsuper().update(data, grad, scratch, step, m, v)",
             "super().update(data, grad, scratch, step, m, v)")])

    def then_adam_s_step():
        """Then Adam's step"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([2], requires_grad=True)
        w.grad = np.float32([4])
        AdamW([w], lr=0.5, weight_decay=0.1).step()
        expect(w.item(), 1.4, mistakes=[
            (1.425, "The step came first and shrank with the rest. The decay comes first.",
             "super().update(data, grad, scratch, step, m, v)\ndata *= 1 - self.lr * self.weight_decay"),
            (1.9, "Adam's step is missing. Call super().update with all six arguments.",
             "data *= 1 - self.lr * self.weight_decay")])

    def the_second_step_is_like_the_first():
        """The second step is like the first"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([2], requires_grad=True)
        optimizer = AdamW([w], lr=0.5, weight_decay=0.1)
        for _ in range(2):
            w.grad = np.float32([4])
            optimizer.step()
        expect(w.item(), 0.83, mistakes=[
            (0.9, "The second step had no decay. self.weight_decay belongs to the optimizer: leave it as it is.",
             "data *= 1 - self.lr * self.weight_decay\nself.weight_decay = 0\nsuper().update(data, grad, scratch, step, m, v)"),
            (lambda got: got < 0.8, "The second step is too long. Hand on the number of the step as it came.",
             "data *= 1 - self.lr * self.weight_decay\nsuper().update(data, grad, scratch, 1, m, v)")])

    def m_and_v_keep_their_names():
        """m and v keep their names"""
        from tinytorch import enable_autograd
        enable_autograd()
        w = Tensor([2], requires_grad=True)
        w.grad = np.float32([4])
        optimizer = AdamW([w], lr=0.5, weight_decay=0.1)
        optimizer.step()
        expect([optimizer.buffers["m"][0].item(), optimizer.buffers["v"][0].item()], [0.4, 0.016], mistakes=[
            ([0.016, 0.4], "The two buffers changed places, and whoever saves this state saves m under the name of v. The last arguments are m, then v.",
             "data *= 1 - self.lr * self.weight_decay\nsuper().update(data, grad, scratch, step, v, m)")])

    right = [
        "data *= 1 - self.lr * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)",
        "move(data, data, self.lr * self.weight_decay, scratch)\nAdam.update(self, data, grad, scratch, step, m, v)",
        "data -= self.lr * self.weight_decay * data\nsuper().update(data, grad, scratch, step, m, v)",
    ]


class exercise_state_bytes:

    def all_buffers_of_all_parameters():
        """All buffers of all parameters"""
        from tinytorch import enable_autograd
        enable_autograd()
        params = [Tensor(np.ones((10, 10)), requires_grad=True), Tensor(np.ones(10), requires_grad=True)]
        expect(Adam(params).state_bytes(), 880, mistakes=[
            (220, "You counted the numbers. Each takes 4 bytes: ask for nbytes.",
             "return sum(buffer.size for buffers in self.buffers.values() for buffer in buffers)"),
            (440, "That is one buffer of each parameter. Adam has two, m and v.",
             "return sum(buffer.nbytes for buffer in self.buffers.get('m', []))",
             "return sum(param.data.nbytes for param in self.params)"),
            (800, "That is one parameter only. Add up all arrays of each list.",
             "return sum(buffers[0].nbytes for buffers in self.buffers.values())",
             "return sum(max(buffer.nbytes for buffer in buffers) for buffers in self.buffers.values())"),
            (1600, "All arrays were taken to be as large as the first one. Add up what each of them takes.",
             "return sum(len(buffers) * buffers[0].nbytes for buffers in self.buffers.values())"),
            (AttributeError, "Going through a dict gives its names. self.buffers.values() gives the lists.",
             "return sum(buffer.nbytes for buffers in self.buffers for buffer in buffers)"),
            (lambda got: got >= 1280, "The scratch, the weights or the gradients were counted as well. Count the buffers.",
             "return self.scratch.nbytes + sum(buffer.nbytes for buffers in self.buffers.values() for buffer in buffers)")])

    def it_depends_on_the_rule():
        """It depends on the rule"""
        from tinytorch import enable_autograd
        enable_autograd()
        params = [Tensor(np.ones((10, 10)), requires_grad=True), Tensor(np.ones(10), requires_grad=True)]
        expect((SGD(params, lr=0.1).state_bytes(), SGD(params, lr=0.1, momentum=0.9).state_bytes()), (0, 440), mistakes=[
            ((880, 880), "You took twice the weights for every rule. Go through self.buffers: plain SGD has none.",
             "return sum(2 * param.data.nbytes for param in self.params)")])

    def it_depends_on_the_dtype():
        """It depends on the dtype"""
        from tinytorch import enable_autograd
        enable_autograd()
        params = [Tensor(np.ones(10), requires_grad=True, dtype=np.float64)]
        expect(Adam(params).state_bytes(), 160, mistakes=[(80, "You took 4 bytes for every number. These are float64 and take 8.",
            "return sum(4 * buffer.size for buffers in self.buffers.values() for buffer in buffers)")])

    right = [
        "return sum(buffer.nbytes for buffers in self.buffers.values() for buffer in buffers)",
        "total = 0\nfor name in self.buffer_names:\n    for buffer in self.buffers[name]:\n        total += buffer.nbytes\nreturn total",
        "return sum(sum(array.size * array.itemsize for array in arrays) for arrays in self.buffers.values())",
    ]
