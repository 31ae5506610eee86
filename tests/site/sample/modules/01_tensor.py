"""The checks of the sample chapter."""

from tinytorch import Tensor
from tinytorch.learn.expecting import expect


class exercise_memory_footprint:
    def two_rows_of_three():
        """Two rows of three float32 numbers take 24 bytes"""
        t = Tensor([[1, 2, 3], [4, 5, 6]])
        expect(t.memory_footprint(), 24, mistakes=[(6, "You counted the elements.",
            "return self.data.size")])

    def an_empty_tensor():
        """An empty tensor takes none"""
        expect(Tensor([]).memory_footprint(), 0)

    wrong = [
        ("return 24", "memory_footprint() is 24"),
        ("return 0", "memory_footprint() is 0"),
    ]

    right = [
        "return self.data.nbytes",
        "return self.data.size * self.data.itemsize",
        "return self.data.itemsize * int(np.prod(self.data.shape))",
    ]
