"""The real run of milestone 4, whole: its accuracy, its minutes, and the most memory that it takes.

    python -m bench.photographs                in the page; takes up to ten minutes
    python -m bench.photographs --terminal     the same program natively

It is part of `make bench`.
"""

from .whole import Whole

RUN = Whole(4, "cifar", "A pass takes", r"Of 10,000 test pictures ([\d.]+)% are right", "test pictures right")

if __name__ == "__main__":
    RUN.main()
