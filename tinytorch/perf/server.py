"""A server: one model writes for many requests at once, each step one token for every one that runs.

Built in chapter 18. Depends on transformers (13), `memoization` and `paging`.

A batch that ends with its longest request lets the others wait, and those at the door as well. Here a request
joins when there is room for it and leaves when its text is complete, between two steps. Blocks run out when texts
grow: then the request that began last goes back to the front of the line, gives its blocks to the others and is
computed again later. The oldest one always goes on, so each gets its turn.

References: Yu et al. 2022, "Orca: a distributed serving system for transformer-based generative models";
Kwon et al. 2023 (see `paging`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinytorch.core.layers import check_size, default_rng
from tinytorch.core.tokenization import check_ids
from tinytorch.core.transformers import GPT, check_sampling, sample_next
from tinytorch.perf.memoization import same_arrays
from tinytorch.perf.paging import PagedKVCache, paged_forward


@dataclass(eq=False)
class Request:
    """What was asked for, and what has become of it.

    Attributes
    ----------
    number : int, its name in the cache
    prompt : list of int; count : int, how many tokens are wanted at most; end : int, the token after which it stops
    arrived, deadline : float, seconds on the server's clock
    tokens : list of int, written so far
    finished : float, or None while it is not; error : Exception, or None
    """

    number: int
    prompt: list[int]
    count: int
    arrived: float
    deadline: float
    temperature: float
    rng: np.random.Generator
    end: int | None = None
    tokens: list[int] = field(default_factory=list)
    finished: float | None = None
    error: Exception | None = None

    @property
    def text(self) -> list[int]:
        """The prompt and what has been written."""
        return self.prompt + self.tokens

    @property
    def latency(self) -> float:
        """Seconds from arrival to the end; ValueError while it is not there."""
        if self.finished is None:
            raise ValueError(f"request {self.number} is not finished; call step() until it is")
        return self.finished - self.arrived


class GenerationServer:
    """Writes for as many requests at a time as there is room for.

    What a request gets is what `model.generate` would give it alone, token for token.

    Parameters
    ----------
    model : GPT
    cache : PagedKVCache of the model's sizes
    max_running : int, how many requests are computed together at most
    timeout : float, seconds after which a request that is not finished is given up
    clock : function that returns seconds

    Attributes
    ----------
    waiting, running, done : list of Request, each in the order in which they came there

    >>> model = GPT(vocab_size=10, embed_dim=8, num_layers=1, num_heads=2, max_seq_len=16, rng=0)
    >>> server = GenerationServer(model, PagedKVCache.for_model(model, num_blocks=6, block_size=4))
    >>> first, second = server.submit([1, 2, 3], count=5), server.submit([4], count=2)
    >>> server.step(), str(server)
    (2, '2 running, 0 waiting, 4 of 6 blocks free, 0 done')
    >>> server.run()
    >>> first.text == model.generate([[1, 2, 3]], 5, temperature=0).data[0].tolist(), len(second.tokens)
    (True, 2)
    """

    def __init__(
        self,
        model: GPT,
        cache: PagedKVCache,
        max_running: int = 8,
        timeout: float = math.inf,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not isinstance(model, GPT):
            raise TypeError(f"GenerationServer: got {type(model).__name__}; only a GPT writes token by token")
        if not timeout > 0:
            raise ValueError(f"GenerationServer: timeout is {timeout}; it must be seconds, more than 0")
        self.max_running = check_size("GenerationServer", "max_running", max_running)
        self.model, self.cache, self.timeout, self.clock = model, cache, timeout, clock
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.done: list[Request] = []
        self.weights: dict[str, np.ndarray] = {}
        self.submitted = 0

    def submit(
        self,
        prompt: Sequence[int],
        count: int,
        temperature: float = 0.0,
        seed: int | None = None,
        end: int | None = None,
    ) -> Request:
        """Put a request at the end of the line, and return it.

        Parameters
        ----------
        prompt : list of int, token ids; count : int, at least 1
        temperature, seed : as for `GPT.generate`
        end : int, a token after which the text is complete, or None

        Raises
        ------
        ValueError, TypeError: a prompt or settings that the model would refuse, or a text that can never have room.
        """
        check_sampling(temperature, None)
        prompt = check_ids("submit", self.model.check_shape([prompt]), self.model.vocab_size)[0].tolist()
        longest = len(prompt) + check_size("submit", "count", count) - 1  # the last token is not read again
        room = min(self.model.max_seq_len, self.cache.num_blocks * self.cache.block_size)
        if longest > room:
            raise ValueError(
                f"submit: {len(prompt)} tokens and {count} more need {longest} positions, and there are {room}; "
                "ask for fewer tokens"
            )
        now = self.clock()
        request = Request(self.submitted, prompt, count, now, now + self.timeout, temperature, default_rng(seed), end)
        self.submitted += 1
        self.waiting.append(request)
        return request

    def step(self) -> int:
        """Give up what is late, write a token for each that runs, begin what has room; return how many were written."""
        self.notice_weights()
        self.expire()
        self.make_room()
        written = self.extend(self.running, [request.text[-1:] for request in self.running])
        return written + self.admit()

    def run(self) -> None:
        """Step until every request is done.

        Raises
        ------
        RuntimeError: nothing runs and nothing can begin, which would go on for ever.
        """
        while self.waiting or self.running:
            if not self.step() and self.waiting and self.timeout == math.inf:
                raise RuntimeError(f"run: no token was written and none will be: {self}")

    def expire(self) -> None:
        """Give up every request whose deadline has passed.

        Each gets a TimeoutError as its `error`, gives back its blocks and stands
        in `done`. One whose deadline is this very moment is not late yet.

        Cost: one look at the clock in all, and one at each request.

        >>> now = [0.0]
        >>> model = GPT(10, 8, num_layers=1, num_heads=2, max_seq_len=16)
        >>> cache = PagedKVCache.for_model(model, num_blocks=4, block_size=4)
        >>> server = GenerationServer(model, cache, 2, 1.0, lambda: now[0])
        >>> request = server.submit([1, 2, 3], count=5)
        >>> written, now[0] = server.step(), 1.5
        >>> server.expire()
        >>> print(server)
        0 running, 0 waiting, 4 of 4 blocks free, 1 done (1 late)
        """
        now = self.clock()
        late = [request for request in self.waiting + self.running if now > request.deadline]
        for request in late:
            self.finish(request, TimeoutError(f"no answer within {self.timeout} s"))

    def finish(self, request: Request, error: Exception | None = None) -> None:
        """Move a request to `done` and take its blocks back."""
        line = self.running if request in self.running else self.waiting
        line.remove(request)
        self.cache.release(request.number)
        request.finished, request.error = self.clock(), error
        self.done.append(request)

    def put_back(self, request: Request) -> None:
        """Stop a request that runs, take its blocks back, and let it begin again before all others."""
        self.running.remove(request)
        self.cache.release(request.number)
        self.waiting.insert(0, request)

    def make_room(self) -> None:
        """Reserve the next position of each that runs, the oldest first; where blocks run out the youngest goes."""
        for request in list(self.running):
            while request in self.running and not self.cache.reserve(request.number, len(request.text)):
                self.put_back(self.running[-1])

    def admit(self) -> int:
        """Begin with those that wait, first come, first served, while there is room; return the tokens written."""
        written = 0
        while self.waiting and len(self.running) < self.max_running:
            request = self.waiting[0]
            if not self.cache.reserve(request.number, len(request.text)):
                break
            self.running.append(self.waiting.pop(0))
            written += self.extend([request], [request.text])
        return written

    def extend(self, requests: Sequence[Request], ids: Sequence[Sequence[int]]) -> int:
        """Read `ids`, the tokens of each request that are not in the cache yet, and write one more token for each."""
        requests = list(requests)
        if not requests:
            return 0
        names = [request.number for request in requests]
        logits = paged_forward(self.model, self.cache, names, ids).data[:, -1]  # (B, T, V) -> (B, V)
        for request, row in zip(requests, logits, strict=True):
            request.tokens.append(int(sample_next(row[None], request.temperature, None, request.rng)[0]))
            if len(request.tokens) == request.count or request.tokens[-1] == request.end:
                self.finish(request)
        return len(requests)

    def notice_weights(self) -> None:
        """Where the weights have changed, compute again what runs: its keys and values are those of other weights."""
        if not same_arrays(self.weights, self.model.state_arrays()):
            for request in reversed(list(self.running)):
                self.put_back(request)
            self.weights = self.model.state_dict()

    def __str__(self) -> str:
        """Return one line."""
        free, blocks = len(self.cache.free), self.cache.num_blocks
        late = sum(isinstance(request.error, TimeoutError) for request in self.done)
        return (
            f"{len(self.running)} running, {len(self.waiting)} waiting, {free} of {blocks} blocks free, "
            f"{len(self.done)} done" + (f" ({late} late)" if late else "")
        )
