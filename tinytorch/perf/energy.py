"""Energy: the joules that a piece of work takes, modelled from its FLOPs and bytes.

Belongs to chapter 14. Depends on `profiling`, for its checks. Nothing here is measured: a browser has no
meter. What others measured or published for a FLOP and for a byte is multiplied with what was counted.

References: Horowitz 2014, "Computing's energy problem (and what we can do about it)", figure 1.1.9; Jouppi
et al. 2021, "Ten lessons from three generations shaped Google's TPUv4i", table 2.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinytorch.perf.profiling import check_amounts


@dataclass(frozen=True)
class Technology:
    """What a FLOP and a byte cost in one kind of chip, in picojoules (1e-12 J).

    A multiply-add is 2 FLOPs, so a FLOP costs the mean of an addition and a multiplication in float32. The
    sources give 64 bits from memory, which are 8 bytes.

    >>> TECHNOLOGIES[1].picojoules_per_byte
    162.5
    """

    name: str
    picojoules_per_flop: float
    picojoules_per_byte: float
    source: str


# A FLOP: (0.9 + 3.7) / 2 and (0.38 + 1.31) / 2. A byte: 1300 / 8 and 250 / 8; of a range, its lower end.
TECHNOLOGIES = (
    Technology("45 nm, DRAM", 2.3, 162.5, "Horowitz 2014"),
    Technology("7 nm, DRAM", 0.845, 162.5, "Jouppi et al. 2021"),
    Technology("7 nm, HBM2", 0.845, 31.25, "Jouppi et al. 2021"),
)
PICOJOULES_PER_FLOP = TECHNOLOGIES[0].picojoules_per_flop
PICOJOULES_PER_BYTE = TECHNOLOGIES[0].picojoules_per_byte


@dataclass(frozen=True)
class EnergyEstimate:
    """Energy of a piece of work under stated assumptions: arithmetic and memory, in joules.

    >>> estimate = energy_estimate(flops=1e9, bytes_moved=1e9)
    >>> print(estimate)
    0.165 J: arithmetic 0.0023 J (2.3 pJ a FLOP), memory 0.163 J (162.5 pJ a byte); idle power not counted
    """

    compute_joules: float
    memory_joules: float
    picojoules_per_flop: float
    picojoules_per_byte: float

    @property
    def joules(self) -> float:
        """Joules of arithmetic and memory together."""
        return self.compute_joules + self.memory_joules

    def __str__(self) -> str:
        """Return one line that says what was assumed."""
        return (
            f"{self.joules:.3g} J: arithmetic {self.compute_joules:.3g} J "
            f"({self.picojoules_per_flop:g} pJ a FLOP), memory {self.memory_joules:.3g} J "
            f"({self.picojoules_per_byte:g} pJ a byte); idle power not counted"
        )


def energy_estimate(
    flops: float,
    bytes_moved: float,
    picojoules_per_flop: float = PICOJOULES_PER_FLOP,
    picojoules_per_byte: float = PICOJOULES_PER_BYTE,
) -> EnergyEstimate:
    """Estimate the energy of a piece of work from its FLOPs and bytes.

    An estimate, not a measurement. The defaults are for float32 and DRAM on a
    45 nm chip of 2014, where a byte costs as much as some 70 FLOPs; see
    TECHNOLOGIES for others. What a machine uses while idle is not in it. A
    picojoule is 1e-12 J.

    Raises
    ------
    ValueError: a number is negative, NaN or infinite.

    >>> energy_estimate(flops=1e9, bytes_moved=0).joules
    0.0023
    """
    check_amounts(
        "energy_estimate",
        {
            "flops": flops,
            "bytes_moved": bytes_moved,
            "picojoules_per_flop": picojoules_per_flop,
            "picojoules_per_byte": picojoules_per_byte,
        },
    )
    return EnergyEstimate(
        flops * picojoules_per_flop / 1e12,
        bytes_moved * picojoules_per_byte / 1e12,
        picojoules_per_flop,
        picojoules_per_byte,
    )
