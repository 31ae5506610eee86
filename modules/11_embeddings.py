"""Chapter 11: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Embedding, PositionalEncoding, Tensor
from tinytorch.core.embeddings import (
    EmbeddingFunction, LearnedPositionalEncoding, nearest_rows, one_hot, sinusoidal_positions, sum_by_id,
)
from tinytorch.learn.expecting import expect, expect_copies, expect_raises, peak, raising

CLASSES = 'num_classes = check_size("one_hot", "num_classes", num_classes)\n'
IDS = CLASSES + 'ids = check_ids("one_hot", ids, num_classes)\n'
FOUND = "rows, where = np.unique(ids, return_inverse=True)\n"
ZEROS = "sums = np.zeros((len(rows), values.shape[1]), dtype=values.dtype)\n"
SORTED = 'order = np.argsort(ids, kind="stable")\nids, values = ids[order], values[order]\n'
FLAT = "ids, grad_rows = ids.reshape(-1), grad_output.reshape(ids.size, weight.shape[1])\n"
MASKED = "if padding_idx is not None:\n    used = ids != padding_idx\n    ids, grad_rows = ids[used], grad_rows[used]\n"
SUMMED = "rows, values = sum_by_id(ids, grad_rows)\n"
SPARSE = "return RowGradient(rows, values, weight.shape), None"
SIZES = 'max_seq_len = check_size("sinusoidal_positions", "max_seq_len", max_seq_len)\nembed_dim = check_size("sinusoidal_positions", "embed_dim", embed_dim)\n'
ANGLES = SIZES + "angles = np.arange(max_seq_len)[:, None] / 10000 ** (np.arange(0, embed_dim, 2) / embed_dim)\n"
EMPTY = "table = np.zeros((max_seq_len, embed_dim))\n"
EVEN = "table[:, 0::2] = np.sin(angles)\n"
ODD = "table[:, 1::2] = np.cos(angles)[:, :embed_dim // 2]\n"
X = "x = x if isinstance(x, Tensor) else Tensor(x)\n"
WAVES = X + 'where = check_positions("PositionalEncoding", x, start, self.max_seq_len, self.embed_dim)\n'
LEARNED = X + 'where = check_positions("LearnedPositionalEncoding", x, start, self.max_seq_len, self.embed_dim)\n'
TABLE = "table = read_numbers(table)\n"
ROW = TABLE + 'row = int(check_ids("nearest_rows", row, len(table)))\n'
COUNT = ROW + 'count = check_size("nearest_rows", "count", count)\n'
LENGTHS = COUNT + "lengths = np.linalg.norm(table, axis=1, keepdims=True)\n"
COSINES = LENGTHS + "directions = table / np.where(lengths == 0, 1, lengths)\ncosines = directions @ directions[row]\n"
ORDER = COSINES + "order = np.argsort(-cosines, kind='stable')\n"
OTHERS = ORDER + "order = order[order != row][:count]\n"


class exercise_one_hot:

    def a_row_for_each_id_with_its_one():
        """A row for each id, with its single one"""
        expect(one_hot([2, 0], 3), Tensor([[0, 0, 1], [1, 0, 0]]), mistakes=[
            (lambda got: isinstance(got, np.ndarray), "Return a Tensor. from_numpy(array) makes one.",
             IDS + "return (ids[..., None] == np.arange(num_classes)).astype(np.float32)"),
            (IndexError, "`rows[ids]` takes the ids for rows of the result. An id is a place within its own row, so two indices are needed, or a comparison.",
             IDS + "rows = np.zeros(ids.shape + (num_classes,), dtype=np.float32)\nrows[ids] = 1\nreturn from_numpy(rows)"),
            (Tensor([[0, 1], [0, 0], [1, 0]]), "Each id has become a column. The last axis holds the places of one id.",
             IDS + "return from_numpy((ids == np.arange(num_classes)[:, None]).astype(np.float32))"),
            (Tensor([[1, 1, 0], [0, 1, 1]]), "Zeros and ones have changed places. The one stands where the place is the id.",
             IDS + "return from_numpy((ids[..., None] != np.arange(num_classes)).astype(np.float32))"),
            (Tensor([[0, 1, 0], [0, 0, 0]]), "The places count from 0, as the ids do. Here id 0 got no place at all.",
             IDS + "return from_numpy((ids[..., None] == np.arange(1, num_classes + 1)).astype(np.float32))"),
            (Tensor([[0, 0, 2], [0, 0, 0]]), "The id itself was written into its place. What stands there is a one.",
             IDS + "rows = np.zeros((*ids.shape, num_classes), dtype=np.float32)\nrows[np.arange(len(ids)), ids] = ids\nreturn from_numpy(rows)"),
            (Tensor([[1, 0, 1], [1, 0, 1]]), "Both ones stand in both rows: `rows[:, ids]` takes all rows. Each row has one place.",
             IDS + "rows = np.zeros((len(ids), num_classes), dtype=np.float32)\nrows[:, ids] = 1\nreturn from_numpy(rows)"),
            (lambda got: got.dtype != np.float32, "The numbers are right, the dtype is not. The rows are to be multiplied with a table of float32.",
             IDS + "return from_numpy(np.eye(num_classes)[ids])",
             IDS + "return from_numpy((ids[..., None] == np.arange(num_classes)).astype(int))")])

    def ids_of_any_shape():
        """Ids of any shape get one axis more"""
        expect(one_hot([[1, 1], [0, 1]], 2), Tensor([[[0, 1], [0, 1]], [[1, 0], [0, 1]]]), mistakes=[
            (lambda got: got.ndim == 2, "The ids had the shape (2, 2), and the result has two axes only. Their shape stays, and an axis comes behind.",
             IDS + "return from_numpy((ids.reshape(-1)[:, None] == np.arange(num_classes)).astype(np.float32))"),
            (IndexError, "That works for one row of ids only. Here they have the shape (2, 2), and a row of places comes behind each of them.",
             IDS + "rows = np.zeros((*ids.shape, num_classes), dtype=np.float32)\nrows[np.arange(ids.size), ids.reshape(-1)] = 1\nreturn from_numpy(rows)"),
            (Tensor([[[0, 0], [1, 1]], [[1, 0], [0, 1]]]), "`ids[:, None]` puts the new axis in the middle. It belongs behind all others: `ids[..., None]`.",
             IDS + "return from_numpy((ids[:, None] == np.arange(num_classes)[:, None]).astype(np.float32))")])
        expect(one_hot(1, 2), Tensor([0, 1]))
        expect(one_hot([], 3).shape, (0, 3))

    def memory_for_the_rows_alone():
        """Memory for the rows that are asked for alone"""
        expect(one_hot([5, 7], 1000).shape, (2, 1000))
        expect(peak(lambda: one_hot([5, 7], 1000)) < 1_000_000, True, mistakes=[
            (False, "Two rows of 1,000 places take 8 kB, and the call held over 1 MB: np.eye makes a row for every id there is. Make only those of the ids.",
             IDS + "return from_numpy(np.eye(num_classes, dtype=np.float32)[ids])")])

    def what_is_no_id_is_refused():
        """What is no id is refused"""
        expect(one_hot([2], 3).shape, (1, 3))
        expect_raises(ValueError, lambda: one_hot([1, 3], 3), mentions=["one_hot: id 3"], mistakes=[
            (Tensor([[0, 1, 0], [0, 0, 0]]), "Of three places, 0 to 2, none is 3, and a row of zeros came back without a word. The second line that was given, with check_ids, refuses it.",
             CLASSES + "ids = np.asarray(ids)\nreturn from_numpy((ids[..., None] == np.arange(num_classes)).astype(np.float32))")])
        expect_raises(ValueError, lambda: one_hot([], 0), mentions=["one_hot: num_classes is 0"], mistakes=[
            (Tensor(np.zeros((0, 0))), "No place at all is no size. The first line that was given, with check_size, refuses it.",
             IDS.replace(CLASSES, "") + "return from_numpy((ids[..., None] == np.arange(num_classes)).astype(np.float32))")])

    right = [
        IDS + "return from_numpy((ids[..., None] == np.arange(num_classes)).astype(np.float32))",
        IDS + "rows = np.zeros((ids.size, num_classes), dtype=np.float32)\nrows[np.arange(ids.size), ids.reshape(-1)] = 1\nreturn from_numpy(rows.reshape(*ids.shape, num_classes))",
        IDS + "return Tensor((np.arange(num_classes) == np.expand_dims(ids, -1)) * 1.0)",
    ]


class exercise_lookup:

    def the_row_of_each_id():
        """The row of each id"""
        table = Tensor([[0, 0], [1, 10], [2, 20]])
        expect(EmbeddingFunction().forward(table, np.array([2, 1])), Tensor([[2, 20], [1, 10]]), mistakes=[
            (lambda got: isinstance(got, (np.ndarray, list)), "Return a Tensor. wrap(array, weight) makes one that keeps the table's dtype; Tensor(array) would make float32 of any.",
             "return weight.data[ids]",
             "return [weight.data[index] for index in ids]"),
            (IndexError, "There is no column 2: the ids were taken for columns. They count rows, the first axis.",
             "return wrap(weight.data[:, ids], weight)",
             "return wrap(weight.data.take(ids, axis=1), weight)"),
            (Tensor([1, 0]), "take without an axis counts through all numbers of the table. Say axis=0, or index the array.",
             "return wrap(weight.data.take(ids), weight)"),
            (Tensor([[0, 0], [1, 10]]), "The ids have no part in that: these are the first rows. Row 2 was asked for, then row 1.",
             "return wrap(weight.data[:len(ids)], weight)"),
            (Tensor([[1, 10], [2, 20]]), "The rows came in the table's order. They come in the order of the ids, and as often as an id stands there.",
             "return wrap(weight.data[np.unique(ids)], weight)"),
            (Tensor([3, 30]), "The rows were added up. Each id keeps its own.",
             "return wrap(weight.data[ids].sum(axis=0), weight)")])

    def one_axis_more_than_the_ids():
        """One axis more than the ids"""
        table = Tensor([[0, 0], [1, 10], [2, 20]])
        expect(EmbeddingFunction().forward(table, np.array([[2, 1, 2], [0, 0, 1]])).shape, (2, 3, 2), mistakes=[
            ((6, 2), "The ids had the shape (2, 3), and it is gone. The result has their shape and the vector's axis behind.",
             "return wrap(weight.data[ids.reshape(-1)], weight)"),
            ((TypeError, ValueError), "That works for one row of ids only. Indexing with the whole array works for every shape.",
             "return wrap(np.array([weight.data[int(index)] for index in ids]), weight)")])
        expect(EmbeddingFunction().forward(table, np.array(2)), Tensor([2, 20]), mistakes=[
            (TypeError, "A single id has the shape (), through which no loop goes. Indexing with the array itself works for every shape.",
             "return wrap(weight.data[list(ids)], weight)")])
        expect(EmbeddingFunction().forward(table, np.zeros((0,), dtype=int)).shape, (0, 2))

    def only_the_rows_that_are_asked_for_are_read():
        """Only the rows that are asked for are read"""
        table = Tensor([[1, 2], [np.inf, np.inf]])
        expect(EmbeddingFunction().forward(table, np.array([0])), Tensor([[1, 2]]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "Row 1 holds infinity and was not asked for; 0 times infinity is NaN. So every row was multiplied. Copy the ones that are used.",
             "return one_hot(ids, len(weight.data)) @ weight"),
            (lambda got: np.isinf(got.data).any(), "Row 0 was asked for, and what came back is row 1. Ids count from 0.",
             "return wrap(weight.data[ids - 1], weight)")])

    def padding_is_a_row_as_any_other():
        """The padding's row comes as it stands in the table"""
        table = Tensor([[0, 0], [1, 10], [2, 20]])
        expect(EmbeddingFunction().forward(table, np.array([2, 1]), 2), Tensor([[2, 20], [1, 10]]), mistakes=[
            (Tensor([[0, 0], [1, 10]]), "The padding's row was replaced by zeros. It begins at 0 in the table and gets no gradient; on the way forward it is a row as any other.",
             "rows = weight.data[ids]\nif padding_idx is not None:\n    rows[ids == padding_idx] = 0\nreturn wrap(rows, weight)")])

    def a_copy_in_the_table_s_own_dtype():
        """A copy, in the table's own dtype"""
        table = Tensor([[1, 2], [3, 4]])
        expect_copies(EmbeddingFunction().forward(table, np.array([0, 1])), table, mistakes=[
            (lambda got: hasattr(got, "data"), "Who writes into the result would change the table. Indexing with an array of ids copies; a slice does not.",
             "if ids.size and np.array_equal(ids.reshape(-1), np.arange(ids.size)):\n    return wrap(weight.data[:ids.size].reshape(*ids.shape, -1), weight)\nreturn wrap(weight.data[ids], weight)")])
        double = Tensor([[1, 2], [3, 4]], dtype=np.float64)
        expect(EmbeddingFunction().forward(double, np.array([1])).dtype == np.float64, True, mistakes=[
            (False, "The table holds float64, and the result does not. Tensor(…) makes float32 of everything; wrap(array, weight) keeps the dtype.",
             "return Tensor(weight.data[ids])")])

    right = [
        "return wrap(weight.data[ids], weight)",
        "return wrap(weight.data.take(ids, axis=0), weight)",
        "return weight[ids]",
        "rows = [weight.data[index] for index in ids.reshape(-1)]\nreturn wrap(np.array(rows, dtype=weight.dtype).reshape(*ids.shape, weight.shape[1]), weight)",
    ]


class exercise_sum_by_id:

    def equal_ids_come_together():
        """Equal ids come together"""
        ids = np.array([5, 2, 5])
        values = np.array([[1.0], [10.0], [100.0]])
        expect(sum_by_id(ids, values), (np.array([2, 5]), np.array([[10.0], [101.0]])), mistakes=[
            (lambda got: not isinstance(got, tuple), "Return two things, with a comma between them: the ids and their sums.",
             FOUND + ZEROS + "np.add.at(sums, where, values)\nreturn sums"),
            (lambda got: got[0].ndim == 2, "The two are in the other order: the ids first, then their sums.",
             FOUND + ZEROS + "np.add.at(sums, where, values)\nreturn sums, rows"),
            (lambda got: len(got[0]) == 6, "There is a row for every number up to the largest id. Only those that occur are asked for.",
             "sums = np.zeros((ids.max() + 1, values.shape[1]), dtype=values.dtype)\nnp.add.at(sums, ids, values)\nreturn np.arange(len(sums)), sums"),
            (lambda got: len(got[0]) == 3, "Id 5 stands there twice. Each different id is returned once.",
             SORTED + "starts = np.flatnonzero(np.diff(ids, prepend=-1))\nreturn ids, np.add.reduceat(values, starts, axis=0)",
             "return np.sort(ids), values[np.argsort(ids)]"),
            (lambda got: got[0].tolist() == [5, 2], "The ids are to be in rising order. These are in the order in which they came.",
             ("found = {}\nfor index, row in zip(ids.tolist(), values):\n    found[index] = found.get(index, 0) + row\n"
              "return np.array(list(found)), np.array(list(found.values()))")),
            (lambda got: got[1].shape == (3, 1), "There is a row of sums for each id that came in. Each different id has one.",
             FOUND + "sums = np.zeros_like(values)\nnp.add.at(sums, where, values)\nreturn rows, sums"),
            (IndexError, "The starts count rows, and reduceat was to add along another axis. axis=0 is that of the ids.",
             SORTED + "starts = np.flatnonzero(np.diff(ids, prepend=-1))\nreturn ids[starts], np.add.reduceat(values, starts, axis=1)"),
            (lambda got: len(got[0]) == 1, "One id is missing. np.diff gives one difference less than there are ids; with prepend= the first place has one too.",
             SORTED + "starts = np.flatnonzero(np.diff(ids))\nreturn ids[starts], np.add.reduceat(values, starts, axis=0)"),
            (lambda got: got[1].ravel().tolist() == [10, 100], "Of the two rows of id 5 only the last is left: `sums[where] += values` writes the same row twice, and the second writing wins. np.add.at(sums, where, values) adds both.",
             FOUND + ZEROS + "sums[where] += values\nreturn rows, sums"),
            (lambda got: got[1].ravel().tolist() == [10, 1], "Of the two rows of id 5 only the first is left. Add all that belong to it.",
             "rows, first = np.unique(ids, return_index=True)\nreturn rows, values[first]"),
            (lambda got: got[1].ravel().tolist() == [10, 50.5], "That is the mean. What arrives on several ways is added.",
             FOUND + "return rows, np.array([values[where == number].mean(axis=0) for number in range(len(rows))])"),
            (lambda got: got[1].ravel().tolist() == [1, 110], "The ids were sorted, and the rows of values were not taken along. Put both into the same order.",
             'order = np.argsort(ids, kind="stable")\nids = ids[order]\nstarts = np.flatnonzero(np.diff(ids, prepend=-1))\nreturn ids[starts], np.add.reduceat(values, starts, axis=0)')])

    def each_column_for_itself_and_id_0_too():
        """Each column for itself, and id 0 too"""
        ids = np.array([3, 1, 3, 1, 0, 3])
        values = np.arange(12.0).reshape(6, 2)
        expect(sum_by_id(ids, values), (np.array([0, 1, 3]), np.array([[8.0, 9.0], [8.0, 10.0], [14.0, 17.0]])), mistakes=[
            (lambda got: 0 not in got[0], "Id 0 is missing. Its difference to what you prepended is 0, so no stretch begins there. Prepend a number that is no id.",
             SORTED + "starts = np.flatnonzero(np.diff(ids, prepend=0))\nreturn ids[starts], np.add.reduceat(values, starts, axis=0)"),
            (lambda got: got[1].ndim == 1 or got[1].shape[1] == 1, "The columns were added to each other. A row of values stays a row.",
             FOUND + "return rows, np.array([values[where == number].sum() for number in range(len(rows))])")])

    def no_id_at_all():
        """No id gives no row"""
        ids = np.zeros(0, dtype=int)
        values = np.zeros((0, 2))
        expect([part.shape for part in sum_by_id(ids, values)], [(0,), (0, 2)], mistakes=[
            ((ValueError, IndexError), "There may be no id, when a batch is empty or all padding. Here that raised an error. With sorting, no id has no start, so a list of starts begins empty; otherwise begin with an array of zeros with a row for each different id, of which there may be none.",
             "rows = np.unique(ids)\nreturn rows, np.stack([values[ids == row].sum(axis=0) for row in rows])"),
            ([(0,), (0,)], "The sums have lost their second axis. Of no id there are no rows, and each of them would have two numbers.",
             "rows = np.unique(ids)\nreturn rows, np.array([values[ids == row].sum(axis=0) for row in rows])")])

    def memory_for_the_ids_that_occur():
        """Memory for the ids that occur alone"""
        ids = np.array([1_000_000, 7])
        values = np.ones((2, 1))
        expect(sum_by_id(ids, values)[0], np.array([7, 1_000_000]))
        expect(peak(lambda: sum_by_id(ids, values)) < 500_000, True, mistakes=[
            (False, "Two ids came, and the call held over half a megabyte: there is a place for every number up to the largest id. Only those that occur need one.",
             "sums = np.zeros((ids.max(initial=-1) + 1, values.shape[1]), dtype=values.dtype)\nnp.add.at(sums, ids, values)\nrows = np.unique(ids)\nreturn rows, sums[rows]")])

    def float32_stays_and_so_does_the_input():
        """float32 stays, and so does what came in"""
        ids = np.array([3, 1, 3])
        values = np.array([[1], [2], [4]], dtype=np.float32)
        expect(sum_by_id(ids, values)[1], np.array([[2], [5]], dtype=np.float32), mistakes=[
            (lambda got: got.dtype == np.float64, "float32 came in, and float64 came out, which is twice the bytes. np.zeros takes a dtype; give it that of values.",
             FOUND + "sums = np.zeros((len(rows), values.shape[1]))\nnp.add.at(sums, where, values)\nreturn rows, sums")])
        expect([ids.tolist(), values.ravel().tolist()], [[3, 1, 3], [1.0, 2.0, 4.0]], mistakes=[
            (lambda got: True, "The arrays that came in are changed. Whoever called you goes on using them; work on new ones.",
             ('order = np.argsort(ids, kind="stable")\nids[...], values[...] = ids[order], values[order]\nstarts = np.flatnonzero(np.diff(ids, prepend=-1))\n'
              "return ids[starts], np.add.reduceat(values, starts, axis=0)"))])

    right = [
        SORTED + "starts = np.flatnonzero(np.diff(ids, prepend=-1))\nreturn ids[starts], np.add.reduceat(values, starts, axis=0)",
        FOUND + ZEROS + "np.add.at(sums, where, values)\nreturn rows, sums",
        "rows = np.unique(ids)\nsums = np.zeros((len(rows), values.shape[1]), dtype=values.dtype)\nfor number, row in enumerate(rows):\n    sums[number] = values[ids == row].sum(axis=0)\nreturn rows, sums",
        "rows = np.unique(ids)\nreturn rows, (rows[:, None] == ids).astype(values.dtype) @ values",
    ]

    equivalent = [
        ("order = np.argsort(ids, kind='stable')  ->  order = np.argsort(ids)", "the rows of one id are added in another order, which changes a rounding at most"),
        ("return (ids[starts], np.add.reduceat(values, starts, axis=0))  ->  return (ids[starts], np.add.reduceat(values, starts))", "0 is the axis anyway"),
        ("starts = np.flatnonzero(np.diff(ids, prepend=-1))  ->  starts = np.flatnonzero(np.diff(ids, prepend=-2))", "no id is negative, so the first one differs from either"),
    ]


class exercise_embedding_backward:

    def a_row_that_was_used_is_in_it_once():
        """Each row that was used is in it once"""
        weight = Tensor(np.zeros((9, 2)))
        ids = np.array([5, 1, 5])
        expect(EmbeddingFunction().backward(np.ones((3, 2)), weight, ids)[0].rows, np.array([1, 5]), mistakes=[
            (raising(AttributeError, "'NoneType'"), "The table's gradient comes first, then the None for the ids, as in forward's arguments.",
             FLAT + MASKED + SUMMED + "return None, RowGradient(rows, values, weight.shape)"),
            (raising(AttributeError, "'rows'"), "That is an array. A whole table of zeros for a few rows is what RowGradient(rows, values, shape) spares.",
             "grad = np.zeros(weight.shape, dtype=grad_output.dtype)\nnp.add.at(grad, ids, grad_output)\nreturn grad, None",
             FLAT + MASKED + SUMMED + "return values, None"),
            (raising(TypeError, "not subscriptable"), "Return a pair: the gradient of the table, and None for the ids.",
             FLAT + MASKED + SUMMED + "return RowGradient(rows, values, weight.shape)"),
            (lambda got: len(got) == 3, "Row 5 is in it twice, and of those only one will count. sum_by_id adds up what belongs to one id.",
             FLAT + MASKED + "return RowGradient(ids, grad_rows, weight.shape), None"),
            (raising(ValueError, "RowGradient"), "Rows and values do not belong together: take both from the same call of sum_by_id.",
             FLAT + MASKED + SUMMED + "return RowGradient(ids, values, weight.shape), None",
             FLAT + MASKED + "values, rows = sum_by_id(ids, grad_rows)\n" + SPARSE)])
        expect(EmbeddingFunction().backward(np.ones((3, 2)), weight, ids)[0].values, np.array([[1.0, 1.0], [2.0, 2.0]]))
        expect(EmbeddingFunction().backward(np.ones((3, 2)), weight, ids)[0].shape, (9, 2), mistakes=[
            ((2, 2), "The shape is that of the rows that were used. It is the whole table's, so that a 0 is known where nothing arrived.",
             FLAT + MASKED + SUMMED + "return RowGradient(rows, values, values.shape), None"),
            (lambda got: len(got) == 2 and got[1] == 2, "The shape is that of the whole table: weight.shape.",
             FLAT + MASKED + SUMMED + "return RowGradient(rows, values, (ids.max() + 1, weight.shape[1])), None")])
        expect(EmbeddingFunction().backward(np.ones((3, 2)), weight, ids)[1:], (None,), mistakes=[
            ((None, None), "A pair was asked for: padding_idx is a setting and has no place in it. (PyTorch wants one for each argument.)",
             FLAT + MASKED + SUMMED + SPARSE + ", None"),
            (lambda got: True, "Ids are integers and have no gradient. Their place in the pair holds None.",
             FLAT + MASKED + SUMMED + "return RowGradient(rows, values, weight.shape), ids")])

    def ids_of_any_shape():
        """A batch of sentences"""
        weight = Tensor(np.zeros((5, 3)))
        ids = np.array([[1, 3], [3, 0]])
        arrived = np.arange(12.0).reshape(2, 2, 3)
        expect(EmbeddingFunction().backward(arrived, weight, ids)[0].values, np.array([[9.0, 10.0, 11.0], [0.0, 1.0, 2.0], [9.0, 11.0, 13.0]]), mistakes=[
            ((ValueError, IndexError), "The ids have the shape (2, 2) here, and the gradient (2, 2, 3). Make N = 4 ids of the one and 4 rows of 3 numbers of the other.",
             "grad_rows = grad_output\n" + MASKED + SUMMED + SPARSE,
             FLAT.replace("weight.shape[1]", "weight.shape[0]") + MASKED + SUMMED + SPARSE),
            (lambda got: got.shape == (3, 3), "The numbers of one vector have come apart. reshape(N, D) keeps rows together; anything with D first does not.",
             FLAT.replace("grad_output.reshape(ids.size, weight.shape[1])", "grad_output.reshape(weight.shape[1], ids.size).T") + MASKED + SUMMED + SPARSE)])

    def padding_gets_no_gradient():
        """Padding gets no gradient"""
        weight = Tensor(np.zeros((5, 1)))
        ids = np.array([[1, 3, 3], [4, 3, 3]])
        arrived = np.arange(1.0, 7).reshape(2, 3, 1)
        expect(EmbeddingFunction().backward(arrived, weight, ids, 3)[0].rows, np.array([1, 4]), mistakes=[
            (lambda got: got.tolist() == [3], "Only the padding is left. Keep the places whose id is another.",
             FLAT + MASKED.replace("!=", "==") + SUMMED + SPARSE),
            (lambda got: 3 in got, "Id 3 is the padding here, and its row is in the gradient. Zeros in it are not enough: leave its places out before you add up, or its row afterwards.",
             FLAT + SUMMED + SPARSE,
             FLAT + "grad_rows = np.where((ids == padding_idx)[:, None], 0, grad_rows)\n" + SUMMED + SPARSE),
            ((ValueError, IndexError), "A mask must be applied to both arrays, to the ids and to the rows of the gradient, when both are flat; and make the mask before you shorten either.",
             "if padding_idx is not None:\n    ids = ids[ids != padding_idx]\n" + FLAT + SUMMED + SPARSE)])
        expect(EmbeddingFunction().backward(arrived, weight, ids, 3)[0].values, np.array([[1.0], [4.0]]), mistakes=[
            (np.array([[1.0], [2.0]]), "Row 4 got the gradient of a padding. The ids were picked with the mask, and the rows of the gradient were not.",
             FLAT + MASKED.replace("ids[used], grad_rows[used]", "ids[used], grad_rows") + SUMMED + SPARSE)])
        expect(arrived, np.arange(1.0, 7).reshape(2, 3, 1), mistakes=[
            (lambda got: True, "You wrote zeros into the gradient that arrived. Others may hold that array; make a new one.",
             "if padding_idx is not None:\n    grad_output[ids == padding_idx] = 0\n" + FLAT + MASKED + SUMMED + SPARSE)])

    def padding_may_be_row_0_and_may_be_all():
        """Row 0 may be the padding, and all of a batch"""
        weight = Tensor(np.zeros((5, 1)))
        arrived = np.ones((3, 1))
        expect(EmbeddingFunction().backward(arrived, weight, np.array([0, 2, 0]), 0)[0].values, np.array([[1.0]]), mistakes=[
            (np.array([[2.0], [1.0]]), "The padding is id 0 here, and `if padding_idx` takes a 0 for no padding. Compare with None.",
             FLAT + MASKED.replace("if padding_idx is not None", "if padding_idx") + SUMMED + SPARSE)])
        expect(EmbeddingFunction().backward(arrived, weight, np.array([0, 0, 0]), 0)[0].values.shape, (0, 1))

    def the_layer_learns():
        """The layer learns"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = Embedding(5, 2, padding_idx=0, rng=0)
        def gradient():
            layer([[1, 3, 3], [3, 0, 0]]).sum().backward()
            return layer.weight.grad
        expect(gradient(), np.array([[0, 0], [1, 1], [0, 0], [3, 3], [0, 0]], dtype=np.float32))

    right = [
        FLAT + MASKED + SUMMED + SPARSE,
        "ids = ids.reshape(-1)\ngrad_rows = grad_output.reshape(len(ids), -1)\nkeep = np.flatnonzero(ids != padding_idx) if padding_idx is not None else np.arange(len(ids))\nreturn RowGradient(*sum_by_id(ids[keep], grad_rows[keep]), weight.shape), None",
        "used = np.ones(ids.shape, bool) if padding_idx is None else ids != padding_idx\nrows, values = sum_by_id(ids[used], grad_output[used])\nreturn RowGradient(rows, values, weight.shape), None",
        FLAT + SUMMED + "keep = [row != padding_idx for row in rows.tolist()]\nreturn RowGradient(rows[keep], values[keep], weight.shape), None",
    ]

    equivalent = [
        ("ids, grad_rows = (ids.reshape(-1), grad_output.reshape(ids.size, weight.shape[1]))  ->  ids, grad_rows = (ids.reshape(-2), grad_output.reshape(ids.size, weight.shape[1]))", "reshape takes every negative size for -1"),
    ]


class exercise_sinusoidal_positions:

    def sines_and_cosines_side_by_side():
        """Sines and cosines side by side"""
        expect(sinusoidal_positions(2, 4), Tensor([[0, 1, 0, 1], [0.841471, 0.5403023, 0.0099998, 0.99995]]), mistakes=[
            (lambda got: isinstance(got, np.ndarray), "Return a Tensor.",
             ANGLES + EMPTY + EVEN + ODD + "return table"),
            (lambda got: got.shape == (4, 2), "There is a column for each position. Positions go downward: row p belongs to position p.",
             ANGLES + EMPTY + EVEN + ODD + "return Tensor(table.T)"),
            (lambda got: got.dtype != np.float32, "The numbers are right, and of float64. Tensor(…) makes float32 of them.",
             ANGLES + EMPTY + EVEN + ODD + "return from_numpy(table)"),
            (lambda got: got.ndim == 1 or np.allclose(got.data[0], got.data[1]), "The positions stand in a row, as the speeds do, so each met only one of them. `[:, None]` makes a column, and a column and a row are broadcast to all pairs.",
             ANGLES.replace("[:, None]", "") + EMPTY + EVEN + "table[:, 1::2] = np.cos(angles)\nreturn Tensor(table)",
             ANGLES.replace("[:, None]", "") + "return Tensor(np.sin(angles))"),
            (IndexError, "The angles have one axis only. There is one for each position and each pair: `np.arange(max_seq_len)[:, None]` is a column of positions.",
             ANGLES.replace("[:, None]", "") + EMPTY + EVEN + ODD + "return Tensor(table)"),
            (lambda got: np.allclose(got.data[0], [1, 0, 1, 0]), "Sines and cosines have changed places. The sines stand in the even columns, 0, 2, ….",
             ANGLES + EMPTY + "table[:, 0::2] = np.cos(angles)\ntable[:, 1::2] = np.sin(angles)\nreturn Tensor(table)"),
            (lambda got: np.allclose(got.data[0], [0, 0, 1, 1]), "All sines came first, then all cosines. They alternate, so that each pair stands side by side.",
             ANGLES + "return Tensor(np.concatenate([np.sin(angles), np.cos(angles)], axis=1))"),
            (lambda got: np.isclose(got.data[0, 0], np.sin(1)), "The first row belongs to position 0, where every angle is 0. You began with 1.",
             ANGLES.replace("np.arange(max_seq_len)", "np.arange(1, max_seq_len + 1)") + EMPTY + EVEN + ODD + "return Tensor(table)"),
            (lambda got: np.isclose(got.data[1, 2], np.sin(100), atol=1e-4), "The second pair turns faster than the first: the position was multiplied. Divide it by 10000 to the power.",
             ANGLES.replace(" / 10000", " * 10000") + EMPTY + EVEN + ODD + "return Tensor(table)"),
            (lambda got: np.isclose(got.data[1, 1], np.cos(0.1)) or np.isclose(got.data[1, 1], np.cos(0.01)), "Sine and cosine of a pair have different angles. Both take that of the even column, 2i.",
             SIZES + "angles = np.arange(max_seq_len)[:, None] / 10000 ** (2 * np.arange(embed_dim) / embed_dim)\nreturn Tensor(np.where(np.arange(embed_dim) % 2 == 0, np.sin(angles), np.cos(angles)))",
             SIZES + "angles = np.arange(max_seq_len)[:, None] / 10000 ** (np.arange(embed_dim) / embed_dim)\nreturn Tensor(np.where(np.arange(embed_dim) % 2 == 0, np.sin(angles), np.cos(angles)))"),
            (lambda got: np.isclose(got.data[1, 2], np.sin(0.1)), "The second pair is too fast. Its power is 2i / D with i = 1, so 2 / 4 here.",
             ANGLES.replace("np.arange(0, embed_dim, 2)", "np.arange((embed_dim + 1) // 2)") + EMPTY + EVEN + ODD + "return Tensor(table)"),
            (lambda got: np.isclose(got.data[1, 2], np.sin(1)), "The second pair is as fast as the first: its power came out as 0. `//` cuts 2 / 4 down to 0; divide with `/`.",
             ANGLES.replace("/ embed_dim)", "// embed_dim)") + EMPTY + EVEN + ODD + "return Tensor(table)"),
            (lambda got: np.isclose(got.data[1, 2], np.sin(1e-4), atol=1e-5), "The second pair is too slow. Its power is 2i / D, with the whole width D; and np.arange(0, D, 2) is 2i already.",
             ANGLES.replace("/ embed_dim)", "/ (embed_dim // 2))") + EMPTY + EVEN + ODD + "return Tensor(table)"),
            (lambda got: np.isclose(got.data[1, 0], np.sin(4)), "Powers come before division: the whole of 2i / D is the power, so it needs parentheses.",
             SIZES + "angles = np.arange(max_seq_len)[:, None] / (10000 ** np.arange(0, embed_dim, 2) / embed_dim)\n" + EMPTY + EVEN + ODD + "return Tensor(table)")])

    def every_position_has_its_angles():
        """Every position, every pair"""
        even = np.array([0, 0, 2, 2, 4, 4]) / 6
        angles = np.array([0, 1, 2, 3, 4])[:, None] / 10000 ** even
        expect(sinusoidal_positions(5, 6), Tensor(np.where(np.arange(6) % 2 == 0, np.sin(angles), np.cos(angles))), mistakes=[
            (lambda got: got.shape == (5, 6) and np.allclose(got.data[2], got.data[3]), "Positions 2 and 3 are alike. Each position has angles of its own.",
             ANGLES.replace("np.arange(max_seq_len)", "np.minimum(np.arange(max_seq_len), 1)") + EMPTY + EVEN + ODD + "return Tensor(table)")])

    def an_odd_width_ends_with_a_sine():
        """An odd width ends with a sine"""
        expect(sinusoidal_positions(2, 3), Tensor([[0, 1, 0], [0.841471, 0.5403023, 0.0021544]]), mistakes=[
            (lambda got: got.shape == (2, 3) and got.data[1, 2] == 0, "The last column was left at 0. An odd width ends with a sine, that of one more pair than there are cosines.",
             SIZES + "table = np.zeros((max_seq_len, embed_dim))\nfor i in range(embed_dim // 2):\n    angle = np.arange(max_seq_len) / 10000 ** (2 * i / embed_dim)\n    table[:, 2 * i], table[:, 2 * i + 1] = np.sin(angle), np.cos(angle)\nreturn Tensor(table)"),
            (lambda got: np.isclose(got.data[1, 2], np.sin(1)), "The last column repeats the first. Three columns are two pairs, of which the second has a sine only; embed_dim // 2 is one pair too few.",
             SIZES + "angles = np.arange(max_seq_len)[:, None] / 10000 ** (2 * np.arange(embed_dim // 2) / embed_dim)\n" + EMPTY + EVEN + "table[:, 1::2] = np.cos(angles)\nreturn Tensor(table)"),
            (ValueError, "Three columns are two sines and one cosine. There is one cosine too many; take as many as there are odd columns.",
             ANGLES + EMPTY + EVEN + "table[:, 1::2] = np.cos(angles)\nreturn Tensor(table)"),
            (lambda got: got.shape != (2, 3), "The table has another width than was asked for.",
             ANGLES + "return Tensor(np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(max_seq_len, -1))")])
        expect(sinusoidal_positions(3, 1).shape, (3, 1))

    def sizes_below_1_are_refused():
        """Sizes below 1 are refused"""
        expect(sinusoidal_positions(1, 1).shape, (1, 1))
        expect_raises(ValueError, lambda: sinusoidal_positions(0, 4), mentions=["sinusoidal_positions: max_seq_len is 0"], mistakes=[
            (Tensor(np.zeros((0, 4))), "A table without a row came back without a word. The first line that was given refuses it.",
             ANGLES.replace('max_seq_len = check_size("sinusoidal_positions", "max_seq_len", max_seq_len)\n', "") + EMPTY + EVEN + ODD + "return Tensor(table)")])
        expect_raises(ValueError, lambda: sinusoidal_positions(4, 0), mentions=["sinusoidal_positions: embed_dim is 0"], mistakes=[
            (Tensor(np.zeros((4, 0))), "Rows without a number came back without a word. The second line that was given refuses it.",
             ANGLES.replace('embed_dim = check_size("sinusoidal_positions", "embed_dim", embed_dim)\n', "") + EMPTY + EVEN + ODD + "return Tensor(table)")])

    right = [
        ANGLES + EMPTY + EVEN + ODD + "return Tensor(table)",
        SIZES + "columns = np.arange(embed_dim)\nangles = np.arange(max_seq_len)[:, None] / 10000 ** ((columns - columns % 2) / embed_dim)\nreturn Tensor(np.where(columns % 2 == 0, np.sin(angles), np.cos(angles)))",
        ANGLES + "pairs = np.stack([np.sin(angles), np.cos(angles)], axis=2)\nreturn Tensor(pairs.reshape(max_seq_len, -1)[:, :embed_dim])",
        SIZES + "table = np.zeros((max_seq_len, embed_dim))\nfor p in range(max_seq_len):\n    for column in range(embed_dim):\n        angle = p * 10000 ** -((column // 2 * 2) / embed_dim)\n        table[p, column] = np.cos(angle) if column % 2 else np.sin(angle)\nreturn Tensor(table)",
    ]

    equivalent = [
        ("table[:, 0::2] = np.sin(angles)  ->  table[:, ::2] = np.sin(angles)", "a slice begins at 0 anyway"),
        ("table = np.zeros((max_seq_len, embed_dim))  ->  table = np.ones((max_seq_len, embed_dim))", "every number of it is written before anybody reads it"),
    ]


class exercise_add_waves:

    def the_position_is_added():
        """The position is added"""
        layer = PositionalEncoding(8, 2)
        expect(layer([[5, 5]]), Tensor([[5, 6]]), mistakes=[
            (Tensor([[0, 1]]), "That is the position alone. The token's vector is missing.",
             WAVES + "return self.table[where]"),
            (Tensor([[0, 5]]), "You multiplied. Where the wave is 0 nothing would be left of the token; add.",
             WAVES + "return x * self.table[where]"),
            (Tensor([[5, 4]]), "You subtracted. Add the position to the token.",
             WAVES + "return x - self.table[where]"),
            (lambda got: got.shape == (8, 2), "One vector came in and eight came out: the whole table was added, and x was broadcast to it. Take the rows of `where` only.",
             WAVES + "return x + self.table"),
            (lambda got: got.shape == (2, 2), "One vector came in and two came out: the number of rows was taken from the wrong axis. T is the axis before the last, and `where` has it right.",
             WAVES + "return x + self.table[start:start + x.shape[-1]]"),
            (raising(AttributeError, "'list'"), "x may be a list. The first line that was given makes a Tensor of it.",
             WAVES.replace(X, "") + "return x + self.table[where]"),
            (raising(TypeError, "slice"), "`where` is a slice: it says which rows. The rows are self.table[where].",
             WAVES + "return x + where"),
            (raising(AttributeError, "detach"), "The table of waves is no Parameter and gets no gradient, so it needs no detach.",
             WAVES + "return x + self.table[where].detach()"),
            (raising(AttributeError, "'pe'"), "The layer's table of waves is called self.table.",
             WAVES + "return x + self.pe[where]"),
            (lambda got: got.ndim == 3, "x has two axes here, and the result three. The rows of the table need no axis for the batch; they are broadcast to it.",
             WAVES + "return x + self.table[where].reshape(1, -1, self.embed_dim)"),
            (lambda got: np.isclose(got.data[0, 0], 5 * 2 ** 0.5), "x was multiplied by the root of D, as in some models whose tables begin with small numbers. Ours begins with a standard deviation of 1; add the position to x as it is.",
             WAVES + "return x * self.embed_dim ** 0.5 + self.table[where]"),
            (lambda got: isinstance(got, np.ndarray), "Return a Tensor: compute with x and the table, not with their arrays.",
             WAVES + "return x.data + self.table.data[where]")])

    def a_batch_of_sequences():
        """Each sequence of a batch begins at position 0"""
        layer = PositionalEncoding(8, 2)
        x = Tensor(np.zeros((3, 3, 2)))
        expect(layer(x).data[:, :, 0], np.array([[0, 0.841471, 0.9092974]] * 3, dtype=np.float32), mistakes=[
            (lambda got: np.allclose(got, got[:, :1]) and got[1, 0] != 0, "All vectors of one sequence got the same position, and the sequences different ones. Positions belong to the axis before the last, whose size T is only by chance that of the batch here.",
             WAVES + "return x + self.table[where].reshape(-1, 1, self.embed_dim)"),
            (lambda got: np.allclose(got, 0), "Every vector got position 0. Each has its own.",
             WAVES + "return x + self.table[where.start]")])
        expect(layer(np.zeros((2, 4, 2))).shape, (2, 4, 2), mistakes=[
            (ValueError, "The number of rows is taken from the wrong axis. T is x.shape[-2], here 4; `len(x)` is the batch. `where` has it right.",
             WAVES + "return x + self.table[start:start + x.shape[0]]")])

    def a_text_that_goes_on():
        """A text that goes on at another position"""
        layer = PositionalEncoding(8, 2)
        x = Tensor(np.zeros((2, 2)))
        expect(layer(x, start=5).data, np.array([[-0.9589243, 0.2836622], [-0.2794155, 0.9601703]], dtype=np.float32), mistakes=[
            (np.array([[0.0, 1.0], [0.841471, 0.5403023]]), "start is 5, and positions 0 and 1 were added. The slice `where` begins at start.",
             WAVES + "return x + self.table[:x.shape[-2]]"),
            (ValueError, "From start on there are more rows in the table than vectors in x. `where` ends where x ends.",
             WAVES + "return x + self.table[start:]")])
        expect_raises(ValueError, lambda: layer(np.zeros((9, 2))), mentions=["PositionalEncoding: 9 positions from 0"], mistakes=[
            (lambda error: "positions from" not in str(error), "Nine vectors, and the table has eight rows: the sentence must say so. The line that was given, with check_positions, does.",
             X + "return x + self.table[start:start + x.shape[-2]]")])

    def the_gradient_goes_through_and_nothing_is_changed():
        """The gradient goes through, and x stays as it was"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = PositionalEncoding(8, 2)
        x = Tensor(np.zeros((2, 2)), requires_grad=True)
        expect(layer(x).requires_grad, True, mistakes=[
            (RuntimeError, "`x += …` writes into x, which others hold and which learns. Make a new Tensor of the sum.",
             WAVES + "x += self.table[where]\nreturn x"),
            (False, "The result has forgotten where it came from: its numbers were computed with `.data`. Add Tensors.",
             WAVES + "return Tensor(x.data + self.table.data[where])")])
        given = Tensor(np.zeros((2, 2)))
        expect(layer(given).shape, (2, 2))
        expect(given.data, np.zeros((2, 2), dtype=np.float32), mistakes=[
            (lambda got: True, "The numbers of x itself were changed, and whoever holds it sees that. Make a new Tensor.",
             WAVES + "if not x.requires_grad:\n    x.data += self.table.data[where]\n    return x\nreturn x + self.table[where]")])

    right = [
        WAVES + "return x + self.table[where]",
        WAVES + "positions = self.table[where.start:where.stop]\nreturn positions + x",
        WAVES + "return x + Tensor(self.table.data[start:start + x.shape[-2]])",
    ]


class exercise_add_learned:

    def a_gradient_arrives_at_the_rows_that_were_used():
        """A gradient arrives at the rows that were used"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = LearnedPositionalEncoding(8, 2)
        x = Tensor(np.zeros((3, 2, 2)), requires_grad=True)
        def grad_of_the_weight():
            layer(x, start=5).sum().backward()
            return None if layer.weight.grad is None else layer.weight.grad[:, 0].tolist()
        expect(grad_of_the_weight(), [0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 0.0], mistakes=[
            ([0.0, 0.0, 0.0, 0.0, 0.0, -3.0, -3.0, 0.0], "The gradient has the wrong sign: you subtracted. Add the position.",
             LEARNED + "return x - self.weight[where]"),
            (raising(TypeError, "slice"), "`where` is a slice, and a lookup wants ids. A Tensor can be indexed with the slice: self.weight[where].",
             LEARNED + "return x + EmbeddingFunction.apply(self.weight, where)"),
            (RuntimeError, "`x += …` writes into x, which others hold and which learns. Make a new Tensor of the sum.",
             LEARNED + "x += self.weight[where]\nreturn x"),
            (lambda got: got is None, "No gradient arrived at the weight: on the way from it to the result there is a `.data`, or something else that makes a new Tensor of plain numbers.",
             LEARNED + "return x + Tensor(self.weight.data[where])",
             LEARNED + "rows = Tensor(self.weight.data[where], requires_grad=True)\nreturn x + rows",
             LEARNED + "return x + self.weight.detach()[where]"),
            ([3.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "The gradient is there, at rows 0 and 1. The sequence began at position 5.",
             LEARNED + "return x + self.weight[:x.shape[-2]]"),
            ([0.0] * 8, "The vectors of x are 0 here, and so is the gradient: you multiplied. Add the position.",
             LEARNED + "return x * self.weight[where]"),
            ([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0], "Three sequences use each row, and 1 arrives. That is the position alone; add it to x.",
             LEARNED + "return self.weight[where]"),
            (ValueError, "From start on there are more rows in the table than vectors in a sequence. `where` ends where x ends.",
             LEARNED + "return x + self.weight[start:]")])

    def x_learns_too():
        """x gets its gradient, and the weight its own"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = LearnedPositionalEncoding(3, 1)
        x = Tensor(np.zeros((2, 1)), requires_grad=True)
        def grads_of_x_and_weight():
            layer(x).sum().backward()
            return [None if each.grad is None else each.grad.ravel().tolist() for each in (x, layer.weight)]
        expect(grads_of_x_and_weight(), [[1.0, 1.0], [1.0, 1.0, 0.0]], mistakes=[
            (lambda got: got[0] is None, "Now the positions learn, and the tokens do not: x has got no gradient. Add the Tensor x itself.",
             LEARNED + "return Tensor(x.data) + self.weight[where]")])

    def the_values_are_right_still():
        """The values are right, and they are recorded"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = LearnedPositionalEncoding(8, 2)
        layer.weight.data[5] = [1, 2]
        expect(layer([[10, 10]], start=5).requires_grad, True, mistakes=[
            (raising(AttributeError, "'list'"), "x may be a list. The first line that was given makes a Tensor of it.",
             LEARNED.replace(X, "") + "return x + self.weight[where]")])
        expect(layer([[10, 10]], start=5).data, np.array([[11, 12]], dtype=np.float32))
        expect_raises(ValueError, lambda: layer(np.zeros((4, 2)), start=5), mentions=["LearnedPositionalEncoding: 4 positions from 5"], mistakes=[
            (lambda error: "positions from" not in str(error), "Four vectors from position 5 on, and the table has eight rows: the sentence must say so. The line that was given, with check_positions, does.",
             X + "return x + self.weight[start:start + x.shape[-2]]")])

    right = [
        LEARNED + "return x + self.weight[where]",
        LEARNED + "return x + EmbeddingFunction.apply(self.weight, np.arange(where.start, where.stop))",
        LEARNED + "return one_hot(np.arange(where.start, where.stop), self.max_seq_len) @ self.weight + x",
    ]


class exercise_nearest_rows:

    def the_smallest_angle_first():
        """The smallest angle first"""
        table = np.array([[2.0, 0.0], [0.0, 2.0], [5.0, 5.0]])
        expect(nearest_rows(table, 0), (np.array([2, 1]), np.array([0.70710678, 0.0])), mistakes=[
            (lambda got: not isinstance(got, tuple), "Return two things, with a comma between them: the rows and their cosines.",
             OTHERS + "return order"),
            (raising(TypeError, "'dim'"), "PyTorch says dim= and keepdim=. NumPy says axis= and keepdims=.",
             OTHERS.replace("axis=1, keepdims=True", "dim=1, keepdim=True") + "return order, cosines[order]"),
            (lambda got: isinstance(got[0], list), "The right rows, in a list. Return them as an array: np.array(rows).",
             ORDER + "order = [other for other in order.tolist() if other != row][:count]\nreturn order, cosines[order]"),
            (lambda got: got[0].ndim == 2 or got[1].ndim == 2, "Products of shape (3,), divided by lengths of shape (3, 1), become a square of (3, 3). Divide the rows of the table by their lengths first; or take the lengths without keepdims.",
             LENGTHS + "cosines = table @ table[row] / (lengths * lengths[row])\norder = np.argsort(cosines)[::-1]\norder = order[1:count + 1]\nreturn order, cosines[order]"),
            (lambda got: 0 in got[0], "The row itself is among the rows, and it is not asked for. Leave it out of the order by its number.",
             ORDER + "return order[:count], cosines[order[:count]]",
             COSINES + "cosines[row] = 0\norder = np.argsort(-cosines)[:count]\nreturn order, cosines[order]"),
            (lambda got: got[0].tolist() == [1, 2] and np.allclose(got[1], [0, 0.70710678]), "The farthest came first. np.argsort sorts upward; turn the sign round.",
             OTHERS.replace("-cosines", "cosines") + "return order, cosines[order]"),
            (lambda got: got[0].tolist() == [1, 2], "That is the nearest by distance. A frequent token may have a long vector in the same direction; compare directions.",
             COUNT + "far = np.linalg.norm(table - table[row], axis=1)\norder = np.argsort(far, kind='stable')\norder = order[order != row][:count]\nreturn order, far[order]"),
            (lambda got: np.isclose(got[1][0], 10), "That is the product of the vectors as they are. Divide each by its length first, so that only the direction counts.",
             OTHERS.replace("directions = table / np.where(lengths == 0, 1, lengths)", "directions = table") + "return order, cosines[order]"),
            (lambda got: np.isclose(got[1][0], 1.4142136), "The rows were divided by their lengths, and the one they are compared with was not.",
             OTHERS.replace("directions[row]", "table[row]") + "return order, cosines[order]"),
            (lambda got: np.isclose(got[1][0], 1), "The cosines are not in the order of the rows: the first is that of the row with itself.",
             OTHERS + "return order, cosines[:len(order)]"),
            (lambda got: np.isclose(got[1][0], 0.05), "You divided by the sums of the squares. A length is the root of that.",
             OTHERS.replace("np.linalg.norm(table, axis=1, keepdims=True)", "(table ** 2).sum(axis=1, keepdims=True)") + "return order, cosines[order]")])

    def as_many_as_were_asked_for():
        """As many as were asked for, where there are so many"""
        table = np.array([[4.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-3.0, 0.0], [10.0, 1.0]])
        expect(nearest_rows(table, 0, 2)[0], np.array([4, 2]), mistakes=[
            (lambda got: len(got) == 3, "Two were asked for, and three came back. The number is an argument: count.",
             OTHERS.replace("[:count]", "[:3]") + "return order, cosines[order]"),
            (lambda got: len(got) == 1, "Two were asked for, and one came back. Leave the row itself out first, then take count of the others.",
             ORDER + "order = order[:count]\norder = order[order != row]\nreturn order, cosines[order]"),
            (lambda got: len(got) == 4, "Two were asked for, and all came back.",
             ORDER + "order = order[order != row]\nreturn order, cosines[order]")])
        expect(nearest_rows(table, 3, 9)[0], np.array([1, 2, 4, 0]))
        expect(len(nearest_rows(table, 1)[0]), 3)

    def the_row_is_left_out_by_its_number():
        """Another row of a layer's table may have the same direction"""
        from tinytorch import enable_autograd
        enable_autograd()
        table = Tensor([[1, 0], [0, 1], [1, 0]], requires_grad=True)
        expect(nearest_rows(table, 2)[0], np.array([0, 1]), mistakes=[
            (lambda got: got.ndim == 1 and 2 in got, "Row 2 itself is among its neighbours: row 0 has the same direction and may stand before it. Leave out the one whose number is `row`.",
             ORDER + "order = order[1:count + 1]\nreturn order, cosines[order]"),
            (lambda got: len(got) < 2, "Row 0 has the same direction, and it was left out with the row itself. Leave out by number, not by cosine.",
             ORDER + "order = order[cosines[order] < 0.999999][:count]\nreturn order, cosines[order]"),
            (RuntimeError, "The table may be a Tensor that learns. The first line that was given takes its array.",
             OTHERS.replace(TABLE, "") + "return order, cosines[order]")])

    def a_row_of_zeros_has_no_direction():
        """A row of zeros has no direction"""
        table = np.array([[0.0, 0.0], [3.0, 4.0], [-3.0, -4.0], [4.0, 3.0], [24.0, -7.0]])
        with np.errstate(all="ignore"):
            expect(nearest_rows(table, 1, 4), (np.array([3, 4, 0, 2]), np.array([0.96, 0.352, 0.0, -1.0])), mistakes=[
                (lambda got: got[0].tolist() == [3, 0, 4, 2], "The row of zeros stands before one whose cosine is above 0. Distances between directions do not know what a cosine of 0 is; sort by the cosine.",
                 COSINES + "far = ((directions - directions[row]) ** 2).sum(axis=1)\norder = np.argsort(far, kind='stable')\norder = order[order != row][:count]\nreturn order, cosines[order]"),
                (lambda got: got[1].ndim == 1 and np.isnan(got[1]).any(), "0 / 0 is NaN. Where a length is 0, divide by something else; zeros divided by it stay zeros.",
                 OTHERS.replace("np.where(lengths == 0, 1, lengths)", "lengths") + "return order, cosines[order]"),
                (lambda got: got[1].ndim == 1 and 1 in got[0], "Row 1 itself is among its neighbours. Leave out the one whose number is `row`, whatever stands first; where a length of 0 divides, that may be NaN.",
                 LENGTHS + "directions = table / lengths\ncosines = directions @ directions[row]\norder = np.argsort(cosines)[::-1][1:count + 1]\nreturn order, cosines[order]"),
                (lambda got: 0 not in got[0], "The row of zeros was left out. Its cosine counts as 0.",
                 OTHERS.replace("order[order != row]", "order[(order != row) & (lengths[order, 0] > 0)]") + "return order, cosines[order]"),
                (lambda got: 0.5 < got[1][0] < 0.95999, "Something was added to every length, so that none is 0. That makes all cosines too small; change only a length that is 0.",
                 OTHERS.replace("np.where(lengths == 0, 1, lengths)", "(1 + lengths)") + "return order, cosines[order]",
                 OTHERS.replace("np.where(lengths == 0, 1, lengths)", "(1e-3 + lengths)") + "return order, cosines[order]")])
            expect(nearest_rows(table, 0, 4)[1], np.zeros(4))
        expect(table, np.array([[0.0, 0.0], [3.0, 4.0], [-3.0, -4.0], [4.0, 3.0], [24.0, -7.0]]), mistakes=[
            (lambda got: True, "The table itself was changed: after that the model would compute with other numbers. Make new arrays.",
             LENGTHS + "table /= np.where(lengths == 0, 1, lengths)\ncosines = table @ table[row]\norder = np.argsort(-cosines, kind='stable')\norder = order[order != row][:count]\nreturn order, cosines[order]")])

    def what_is_no_row_is_refused():
        """What is no row is refused"""
        table = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        expect(nearest_rows(table, 0, 1)[0], np.array([1]))
        expect_raises(ValueError, lambda: nearest_rows(table, -1), mentions=["nearest_rows: id -1"], mistakes=[
            (lambda error: True, "There is no row -1: NumPy counts from the end, and nobody would notice. The second line that was given, with check_ids, refuses it.",
             OTHERS.replace('row = int(check_ids("nearest_rows", row, len(table)))\n', 'if row < 0:\n    raise ValueError("row")\n') + "return order, cosines[order]")])
        expect_raises(ValueError, lambda: nearest_rows(table, 0, 0), mentions=["nearest_rows: count is 0"], mistakes=[
            (lambda error: True, "No neighbour is no answer. The third line that was given, with check_size, refuses it.",
             OTHERS.replace('count = check_size("nearest_rows", "count", count)\n', 'if count < 1:\n    raise ValueError("too few")\n') + "return order, cosines[order]")])

    right = [
        OTHERS + "return order, cosines[order]",
        COUNT + "lengths = np.sqrt((table * table).sum(axis=1))\nlengths[lengths == 0] = 1\ncosines = table @ table[row] / lengths / lengths[row]\norder = [other for other in np.argsort(-cosines, kind='stable').tolist() if other != row][:count]\nreturn np.array(order, dtype=np.intp), cosines[order]",
        COUNT + "others = np.delete(np.arange(len(table)), row)\nproducts = table[others] @ table[row]\nlengths = np.linalg.norm(table[others], axis=1) * np.linalg.norm(table[row])\ncosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)\norder = np.argsort(-cosines, kind='stable')[:count]\nreturn others[order], cosines[order]",
    ]

    equivalent = [
        ("order = np.argsort(-cosines, kind='stable')  ->  order = np.argsort(-cosines)", "rows of equal cosine may come in any order"),
        ("directions = table / np.where(lengths == 0, 1, lengths)  ->  directions = table / np.where(lengths == 0, 2, lengths)", "zeros divided by any number stay zeros"),
    ]
