"""Chapter 07: what readers write. See test_chapters.py for how it is used.

WRONG: exercise -> list of (body, fragment of the feedback that names the mistake).
RIGHT: exercise -> list of bodies that differ in their way and must all pass.
"""

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


WRONG = {
    "move": [
        ("data = data - lr * direction", "gives the name a new array"),
        ("return data - lr * direction", "gives the name a new array"),
        ("np.multiply(direction, lr, out=scratch)\ndata += scratch", "The step goes against it"),
        ("data -= direction", "Multiply by lr first"),
        ("direction *= lr\ndata -= direction", "write the product into scratch"),
        ("scratch[...] = lr\nscratch *= direction\ndata -= scratch", "direction and scratch are the same array here"),
        ("data -= lr * direction", "writes the product into one that is there"),
        ("data[...] = data - lr * direction", "writes the product into one that is there"),
        ("np.multiply(direction, lr, out=scratch)\nnp.subtract(data, scratch, out=scratch)", "data is as it was"),
        ("np.multiply(direction, lr, out=scratch)\nnp.subtract(scratch, data, out=data)", "The difference is turned round"),
    ],
    "zero_grad": [
        ("for param in self.params:\n    param.grad = None\n    return", "Only the first parameter's gradient"),
        ("self.params[0].grad = None", "Only the first parameter's gradient"),
        ("for param in self.params:\n    grad = param.grad\n    grad = None", "Giving a loop variable a new value"),
        ("for param in self.params:\n    param.grad = np.zeros_like(param.data)", "The gradients are zeros now"),
        ("for param in self.params:\n    param.grad[...] = 0", "Then nothing can be written into it"),
    ],
    "step": [
        (LOOP + SKIP + OWN + CALL + COUNT, "since you counted afterwards"),
        (LOOP + SKIP + COUNT + OWN + CALL.replace("param.data, grad", "param, grad"), "the Tensor in place of its array"),
        (LOOP + SKIP + COUNT + OWN + CALL + "    return", "Only the first parameter moved"),
        (LOOP + SKIP + "    self.steps = [count + 1 for count in self.steps]\n" + OWN + CALL, "Count each parameter for itself"),
        (LOOP + SKIP + COUNT + OWN.replace("[place]", "[0]") + CALL, "Both parameters wrote into the same buffer"),
        (LOOP + SKIP + COUNT + OWN + CALL.replace("*buffers", "buffers"), "put a star before the list"),
        (LOOP + SKIP + COUNT + OWN + CALL.replace(", *buffers", ""), "update got too few arguments"),
        (LOOP + SKIP + COUNT + OWN.replace("[place]", "") + CALL, "a list with one array for each parameter"),
        (LOOP + SKIP + "    self.steps[place] = 1\n" + OWN + CALL, "must go on counting"),
        (LOOP + SKIP + COUNT + OWN + CALL.replace("self.scratch_like(param.data)", "self.scratch"), "The scratch is a block of bytes"),
        (LOOP + COUNT + OWN + CALL, "Leave that parameter out"),
        (LOOP + COUNT + SKIP + OWN + CALL, "It had no update"),
        ("for place, param in enumerate(self.params):\n    grad = param.grad\n" + SKIP + COUNT + OWN + CALL, "passes over it in silence"),
        (LOOP + SKIP.replace("continue", "break") + COUNT + OWN + CALL, "The parameter after the frozen one"),
        (LOOP + SKIP.replace("grad is None", "not grad") + COUNT + OWN + CALL, "Ask whether grad is None"),
        (LOOP + SKIP + COUNT + OWN + CALL.replace("self.scratch_like(param.data)", "np.empty_like(param.data)"), "lends the same memory to all"),
        (LOOP + SKIP + COUNT + OWN.replace("[place]", "[place].copy()") + CALL, "it got a copy"),
        (LOOP + SKIP + COUNT + OWN + CALL.replace("*buffers", "buffers"), "update got a list in the place of a buffer"),
        (LOOP + SKIP + COUNT + "    for name in self.buffer_names:\n        self.update(param.data, grad, self.scratch_like(param.data), self.steps[place], self.buffers[name][place])", "not once for each buffer"),
    ],
    "sgd": [
        (DECAY + "velocity *= self.momentum\nvelocity += grad\nmove(data, velocity, self.lr, scratch)", "Ask for that before you compute with it"),
        (DECAY + AGAIN + "move(data, grad, -self.lr, scratch)", "The step goes against it"),
        (DECAY + AGAIN + "data = data - self.lr * grad", "move changes the one that the model holds"),
        (DECAY + "if velocity is not None:\n    velocity = self.momentum * velocity + grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)",
         "the buffer is 0 again in the next step"),
        (DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    velocity += grad\nmove(data, grad, self.lr, scratch)", "Either the step went along grad"),
        (DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    velocity += (1 - self.momentum) * grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)",
         "as in an average"),
        (DECAY + "if velocity is not None:\n    velocity += grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)", "The velocity never loses anything"),
        (DECAY + AGAIN.replace("+= grad", "-= grad") + "move(data, grad, self.lr, scratch)", "it went uphill"),
        (DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    velocity += self.lr * grad\n    data -= velocity\nelse:\n    move(data, grad, self.lr, scratch)",
         "You put lr into the velocity"),
        (AGAIN + "move(data, grad, self.lr, scratch)", "The decay is missing"),
        (DECAY + "if velocity is not None:\n    np.multiply(velocity, self.momentum, out=scratch)\n    np.add(scratch, grad, out=velocity)\n    grad = velocity\nmove(data, grad, self.lr, scratch)",
         "The gradient lies in scratch here"),
        (DECAY + "if velocity is not None:\n    velocity *= self.momentum\n    grad += velocity\n    velocity[...] = grad\nmove(data, grad, self.lr, scratch)",
         "You changed the gradient itself"),
        (DECAY + "if velocity is not None:\n    velocity += grad\n    velocity *= self.momentum\n    grad = velocity\nmove(data, grad, self.lr, scratch)", "before the velocity lost its part"),
        (DECAY + "if velocity:\n    velocity *= self.momentum\n    velocity += grad\n    grad = velocity\nmove(data, grad, self.lr, scratch)", "`if velocity:` asked its number"),
        (DECAY + AGAIN.replace("+= grad", "+= self.lr * grad") + "move(data, grad, self.lr, scratch)", "The learning rate went in twice"),
        (DECAY + DECAY + AGAIN + "move(data, grad, self.lr, scratch)", "The decay was added twice"),
    ],
    "mix_in": [
        ("average = beta * average + (1 - beta) * value", "the buffer itself must change"),
        ("np.multiply(value, beta, out=scratch)\naverage *= 1 - beta\naverage += scratch", "The shares are swapped"),
        ("average *= beta\naverage += value", "You added the whole value"),
        ("value *= 1 - beta\naverage *= beta\naverage += value", "You scaled the value itself"),
        ("scratch[...] = 1 - beta\nscratch *= value\naverage *= beta\naverage += scratch", "value and scratch are the same array here"),
        ("average[...] = beta * average + (1 - beta) * value", "Each * and + between arrays makes a new one"),
        ("average *= beta\naverage += (1 - beta) * value", "Each * and + between arrays makes a new one"),
        ("np.multiply(value, 1 - beta, out=scratch)\naverage += scratch\naverage *= beta", "The value was added before"),
        ("np.multiply(average, beta, out=scratch)\nnp.multiply(value, 1 - beta, out=average)\naverage += scratch", "value and scratch are the same array here"),
    ],
    "adam": [
        (MEAN + SQUARES + "np.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along("self.lr"), "neither average is corrected"),
        (MEAN + SQUARES + ROOT + step_along("self.lr"), "v is corrected and m is not"),
        (MEAN + SQUARES + "np.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along(LENGTH), "m is corrected and v is not"),
        (MEAN + SQUARES + "np.divide(v, 1 - beta2**step, out=scratch)\nscratch += self.eps\n" + step_along(LENGTH), "You divided by v"),
        (MEAN + "mix_in(v, np.abs(self.decayed(grad, data, scratch)), beta2, scratch)\n" + ROOT + step_along(LENGTH), "v averages the gradients"),
        (MEAN + "mix_in(v, self.decayed(grad, data, scratch), beta2, scratch)\n" + ROOT + step_along(LENGTH), "v averages the gradients"),
        (MEAN + SQUARES + ROOT + step_along("-" + LENGTH), "The step goes against it"),
        (MEAN + SQUARES + ROOT + f"data = data - {LENGTH} * m / scratch", "data did not move"),
        (BETAS + "grad = self.decayed(grad, data, scratch)\nm = beta1 * m + (1 - beta1) * grad\nv = beta2 * v + (1 - beta2) * grad * grad\n"
         f"data -= {LENGTH} * m / (np.sqrt(v / (1 - beta2**step)) + self.eps)", "m is still 0"),
        (MEAN + "decayed = self.decayed(grad, data, scratch)\nv = beta2 * v + (1 - beta2) * decayed * decayed\n" + ROOT + step_along(LENGTH), "v is still 0"),
        (MEAN + SQUARES.replace("beta2", "beta1") + ROOT.replace("beta2", "beta1") + step_along(LENGTH), "v was mixed with beta1"),
        (MEAN + SQUARES + "v /= 1 - beta2**step\nnp.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along(LENGTH), "v itself goes on uncorrected"),
        (MEAN + SQUARES + ROOT.replace("**step", "") + step_along("self.lr / (1 - beta1)"), "Correct with the powers"),
        (MEAN + SQUARES + ROOT.replace("**step", " * step") + step_along(LENGTH), "Correct with the powers"),
        (MEAN + SQUARES + "np.sqrt(v / (1 - beta2**step) + self.eps, out=scratch)\n" + step_along(LENGTH), "eps stands under the root"),
        (MEAN + SQUARES + "np.sqrt(v / (1 - beta2**step), out=scratch)\n" + step_along(LENGTH), "eps is missing"),
        (BETAS + "grad = self.decayed(grad, data, scratch)\nmix_in(m, grad, beta1, scratch)\nnp.square(grad, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n"
         + ROOT + step_along(LENGTH), "ask self.decayed once more"),
        (MEAN + "np.square(grad, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n" + ROOT + step_along(LENGTH), "The squares are those of grad"),
        (BETAS + "mix_in(m, grad, beta1, scratch)\nnp.square(grad, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n" + ROOT + step_along(LENGTH), "The decay is missing"),
        (MEAN + "grad *= grad\nmix_in(v, grad, beta2, scratch)\n" + ROOT + step_along(LENGTH), "You changed the gradient itself"),
        (MEAN + "np.square(m, out=scratch)\nmix_in(v, scratch, beta2, scratch)\n" + ROOT + step_along(LENGTH), "not of m"),
        (MEAN + SQUARES + ROOT + step_along("self.lr * (1 - beta1**step)"), "m was multiplied by 1 - beta1**step"),
        (MEAN + SQUARES + "m /= 1 - beta1**step\n" + ROOT + step_along("self.lr"), "m itself goes on uncorrected"),
        (MEAN + SQUARES + "v /= 1 - beta2**step\nnp.sqrt(v, out=v)\nnp.divide(m, v + self.eps, out=scratch)\nmove(data, scratch, " + LENGTH + ", scratch)", "The root was written into the buffer v"),
        (MEAN + SQUARES + "np.sqrt(v, out=scratch)\nscratch += self.eps\n" + step_along(f"np.sqrt(1 - beta2**step) * {LENGTH}"), "eps was added before v was corrected"),
        (MEAN + SQUARES + ROOT + "np.divide(scratch, m, out=scratch)\nmove(data, scratch, " + LENGTH + ", scratch)", "The quotient is upside down"),
        (MEAN + SQUARES + ROOT + "np.divide(m, scratch, out=m)\nmove(data, m, " + LENGTH + ", scratch)", "The quotient was written into the buffer m"),
        (MEAN + SQUARES + ROOT.replace("**step", "**(step + 1)") + step_along(LENGTH.replace("**step", "**(step + 1)")), "step counts this update already"),
    ],
    "adamw": [
        ("grad = with_decay(grad, data, self.weight_decay, scratch)\nsuper().update(data, grad.copy(), scratch, step, m, v)", "was divided by the root of v"),
        ("data *= 1 - self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)", "The part is lr times weight_decay"),
        ("data *= 1 + self.lr * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)", "data grew"),
        ("data = data * (1 - self.lr * self.weight_decay)\nsuper().update(data, grad, scratch, step, m, v)", "Either nothing shrinks it"),
        ("super().update(data, grad, scratch, step, m, v)", "Either nothing shrinks it"),
        ("super().update(data, grad, scratch, step, m, v)\ndata *= 1 - self.lr * self.weight_decay", "The decay comes first"),
        ("data *= 1 - self.lr * self.weight_decay", "Adam's step is missing"),
        ("data *= self.lr * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)", "a number a little below 1"),
        ("data *= (1 - self.lr) * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)", "a number a little below 1"),
    ],
    "state_bytes": [
        ("return sum(buffer.size for buffers in self.buffers.values() for buffer in buffers)", "You counted the numbers"),
        ("return sum(buffer.nbytes for buffer in self.buffers.get('m', []))", "That is one buffer of each parameter"),
        ("return sum(param.data.nbytes for param in self.params)", "That is one buffer of each parameter"),
        ("return sum(buffers[0].nbytes for buffers in self.buffers.values())", "That is one parameter only"),
        ("return self.scratch.nbytes + sum(buffer.nbytes for buffers in self.buffers.values() for buffer in buffers)", "Count the buffers"),
        ("return sum(2 * param.data.nbytes for param in self.params)", "plain SGD has none"),
        ("return sum(4 * buffer.size for buffers in self.buffers.values() for buffer in buffers)", "These are float64 and take 8"),
        ("return sum(len(buffers) * buffers[0].nbytes for buffers in self.buffers.values())", "All arrays were taken to be as large"),
        ("return sum(buffer.nbytes for buffers in self.buffers for buffer in buffers)", "self.buffers.values() gives the lists"),
        ("return sum(max(buffer.nbytes for buffer in buffers) for buffers in self.buffers.values())", "That is one parameter only"),
    ],
}

RIGHT = {
    "move": [
        "np.multiply(direction, lr, out=scratch)\ndata -= scratch",
        "np.multiply(lr, direction, scratch)\nnp.subtract(data, scratch, out=data)",
        "np.multiply(direction, -lr, out=scratch)\ndata += scratch",
    ],
    "zero_grad": [
        "for param in self.params:\n    param.grad = None",
        "for i in range(len(self.params)):\n    self.params[i].zero_grad()",
        "[param.zero_grad() for param in self.params]",
        "for param in self.params:\n    if param.grad is not None:\n        param.grad = None",
    ],
    "step": [
        LOOP + SKIP + COUNT + OWN + CALL,
        LOOP + "    if grad is not None:\n        self.steps[place] = self.steps[place] + 1\n        own = [buffers[place] for buffers in self.buffers.values()]\n"
        "        self.update(param.data, grad, self.scratch_like(grad), self.steps[place], *own)",
        "grads = self.gradients()\nfor place in range(len(self.params)):\n    if grads[place] is not None:\n        data = self.params[place].data\n"
        "        self.steps[place] += 1\n        self.update(data, grads[place], self.scratch_like(data), self.steps[place],\n"
        "                    *(self.buffers[name][place] for name in self.buffer_names))",
    ],
    "sgd": [
        DECAY + AGAIN + "move(data, grad, self.lr, scratch)",
        DECAY + "if velocity is None:\n    move(data, grad, self.lr, scratch)\nelse:\n    velocity[...] = self.momentum * velocity + grad\n    data -= self.lr * velocity",
        DECAY + "if velocity is not None:\n    np.multiply(velocity, self.momentum, out=velocity)\n    np.add(velocity, grad, out=velocity)\n"
        "    move(data, velocity, self.lr, scratch)\n    return\nmove(data, grad, self.lr, scratch)",
        "if velocity is None:\n    data -= self.lr * (grad + self.weight_decay * data)\n    return\nvelocity *= -self.momentum\nvelocity -= grad + self.weight_decay * data\n"
        "velocity *= -1\ndata -= self.lr * velocity",
    ],
    "mix_in": [
        "np.multiply(value, 1 - beta, out=scratch)\naverage *= beta\naverage += scratch",
        "np.subtract(value, average, out=scratch)\nscratch *= 1 - beta\naverage += scratch",
        "np.multiply(value, (1 - beta) / beta, out=scratch)\naverage += scratch\naverage *= beta",
    ],
    "adam": [
        MEAN + SQUARES + ROOT + step_along(LENGTH),
        BETAS + "g = self.decayed(grad, data, scratch).copy()\nm[...] = beta1 * m + (1 - beta1) * g\nv[...] = beta2 * v + (1 - beta2) * g**2\n"
        "data -= self.lr * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + self.eps)",
        BETAS + "g = np.array(self.decayed(grad, data, scratch))\nmix_in(m, g, beta1, scratch)\nmix_in(v, g * g, beta2, scratch)\n"
        "m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)\nmove(data, m_hat / (np.sqrt(v_hat) + self.eps), self.lr, scratch)",
    ],
    "adamw": [
        "data *= 1 - self.lr * self.weight_decay\nsuper().update(data, grad, scratch, step, m, v)",
        "move(data, data, self.lr * self.weight_decay, scratch)\nAdam.update(self, data, grad, scratch, step, m, v)",
        "data -= self.lr * self.weight_decay * data\nsuper().update(data, grad, scratch, step, m, v)",
    ],
    "state_bytes": [
        "return sum(buffer.nbytes for buffers in self.buffers.values() for buffer in buffers)",
        "total = 0\nfor name in self.buffer_names:\n    for buffer in self.buffers[name]:\n        total += buffer.nbytes\nreturn total",
        "return sum(sum(array.size * array.itemsize for array in arrays) for arrays in self.buffers.values())",
    ],
}
