"""Program 2 of milestone 5, whole: how many held-out questions get their answer word for word, its minutes, its memory.

    python -m bench.answers                in the page; takes some minutes
    python -m bench.answers --terminal     the same program natively

It is part of `make bench`.
"""

from .whole import Whole

RUN = Whole(5, "talks", "Pass 1:", r"Held out: ([\d.]+)% of \d+ word for word", "held-out answers right word for word")

if __name__ == "__main__":
    RUN.main()
