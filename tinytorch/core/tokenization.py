"""Tokenizers: text becomes a list of integers (ids), and ids become text again.

Built in chapter 10. Depends on NumPy, the standard library, and Tensor (chapter 01), whose
values may be ids too.

The file reads from top to bottom. `CharTokenizer` gives each character an id. Then come the
steps of byte-pair encoding: text is cut into words (`split_words`), the neighbours in them are
counted (`count_pairs`), and the most frequent pair becomes one new id (`merge_pair`), again and
again. Counting everything anew for each merge is slow; `PairIndex` keeps the counts right while
words change. `BPETokenizer` puts the steps together. A special token, such as the end of an
answer, is an id that no text has: `split_special` finds the names of such tokens in a text.

References: Gage (1994), byte-pair encoding; Sennrich, Haddow and Birch (2016), for words;
Radford et al. (2019), GPT-2: on bytes, with the space as part of the word that follows.
"""

from __future__ import annotations

import heapq
import itertools
import math
import re
from collections import Counter, defaultdict

import numpy as np

from tinytorch.core.tensor import is_whole, read_numbers

UNKNOWN = "\ufffd"  # Unicode's replacement character; id 0 of every CharTokenizer
BYTES = 256  # ids 0 to 255 of a BPETokenizer are the bytes themselves
CACHE_WORDS = 100_000  # words a BPETokenizer remembers before it starts afresh
ASKED = 1000  # times that a PairIndex gives the same answer; who asks more often is in an endless loop

FORMAT = "tinytorch-bpe"
VERSION = 1

# A word is letters and digits, or punctuation, each with one space before it where there is one.
# Other white space stands alone; of several spaces in a row the last belongs to the next word.
WORD = re.compile(r" ?\w+| ?[^\w\s]+|\s+(?!\S)|\s")


def check_text(name, text):
    """Raise unless `text` is a str that can be written as UTF-8.

    Parameters
    ----------
    name : str, the operation's name for the message
    text : str

    Raises
    ------
    TypeError: not a str ("encode: expected text, got bytes; …").
    ValueError: a lone surrogate, half of a character ("encode: character '\\ud800' at …").

    Cost: one pass over the text.

    >>> check_text("encode", "abc")
    """
    if not isinstance(text, str):
        raise TypeError(
            f"{name}: expected text, got {type(text).__name__}; pass a str (bytes become one with .decode('utf-8'))"
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name}: character {text[error.start]!r} at position {error.start} is a lone "
            "surrogate, half of a character, and UTF-8 cannot hold it; replace it first with "
            "text.encode('utf-8', 'replace').decode('utf-8')"
        ) from None


def check_texts(name, texts):
    """Return one text or a list of them as a list, or raise when one is no text.

    Raises
    ------
    TypeError, ValueError: as `check_text`.

    >>> check_texts("train", "ab"), check_texts("train", ["a", "b"])
    (['ab'], ['a', 'b'])
    """
    texts = list(texts) if isinstance(texts, (list, tuple)) else [texts]
    for text in texts:
        check_text(name, text)
    return texts


def check_ids(name, ids, vocab_size):
    """Return `ids` as an array of integers, or raise when one is not in the vocabulary.

    Parameters
    ----------
    name : str, the operation's name for the message
    ids : list, ndarray or Tensor of integers, of any shape
    vocab_size : int; an id must lie in 0 … vocab_size - 1

    Returns
    -------
    ndarray of np.intp, of the same shape

    Raises
    ------
    TypeError: text ("Embedding: got text; …"), or not integers ("decode: id 1.5 at position 2 is
        not an integer", "decode: ids hold float32; …").
    ValueError: an id outside the vocabulary ("decode: id 300 at position 0 …").

    Cost: two comparisons an id.

    >>> check_ids("decode", [[0, 2], [1, 1]], 3).shape
    (2, 2)
    """
    refuse_text(name, ids)
    array = read_numbers(ids)
    if array.dtype.kind not in "iu" and array.size:
        refuse_ids(name, array, array != np.floor(array), TypeError, "is not an integer")
        raise TypeError(
            f"{name}: ids hold {array.dtype}; ids are integers, so pass a list of int, or Tensor(ids, dtype=np.int64)"
        )
    refuse_ids(
        name,
        array,
        (array < 0) | (array >= vocab_size),
        ValueError,
        f"is outside the vocabulary; ids run from 0 to {vocab_size - 1}",
    )
    return array.astype(np.intp, copy=False)


def refuse_text(name, ids):
    """Raise TypeError when `ids` is a text, or a list with one in it.

    >>> refuse_text("GPT", [[1, 2]])
    """
    if isinstance(ids, str) or (isinstance(ids, (list, tuple)) and any(isinstance(part, str) for part in ids)):
        raise TypeError(f"{name}: got text; ids are integers, and tokenizer.encode(text) makes them")


def refuse_ids(name, array, bad, error, reason):
    """Raise `error` when `bad` holds a True, naming the first such id and its position.

    Parameters
    ----------
    name : str, the operation's name for the message
    array : ndarray of ids
    bad : ndarray of bool, of the same shape
    error : TypeError or ValueError, what to raise
    reason : str, the end of the sentence

    >>> refuse_ids("decode", np.array([7]), np.array([False]), ValueError, "is odd")
    """
    if bad.any():
        position = tuple(int(index) for index in np.argwhere(bad)[0])
        where = position[0] if len(position) == 1 else position
        at = f" at position {where}" if position else ""  # a single id stands nowhere
        raise error(f"{name}: id {array[position]}{at} {reason}")


def check_sequence(name, ids, vocab_size):
    """Return `ids` as a list of int, or raise when it is not one sequence of known ids.

    Raises
    ------
    ValueError: not one axis ("decode: ids of shape (2, 3) …"), or as `check_ids`.

    >>> check_sequence("decode", np.array([2, 0]), 3)
    [2, 0]
    """
    array = check_ids(name, ids, vocab_size)
    if array.ndim != 1:
        raise ValueError(
            f"{name}: ids of shape {array.shape} are not one sequence; pass one row at a time, such as ids[0]"
        )
    return array.tolist()


class CharTokenizer:
    """One id for each character.

    Id 0 stands for every character that was not in the training text; `decode` shows it as
    U+FFFD, Unicode's mark for "a character was here". The others follow in the order of their
    code points, so the same text always gives the same ids.

    Attributes
    ----------
    characters : list of str; the character of id i is characters[i]

    >>> tokenizer = CharTokenizer().train("hello")
    >>> tokenizer.characters[1:]
    ['e', 'h', 'l', 'o']
    >>> tokenizer.encode("hole")
    [2, 4, 3, 1]
    """

    def __init__(self):
        self.characters = [UNKNOWN]
        self.ids = {UNKNOWN: 0}

    @property
    def vocab_size(self):
        """Number of ids, an int: the different characters and the unknown one.

        >>> CharTokenizer().train("hello").vocab_size
        5
        """
        return len(self.characters)

    def train(self, text):
        """Learn the characters of `text`, forgetting what was learned before.

        Parameters
        ----------
        text : str

        Returns
        -------
        CharTokenizer: self, so that making and training fit in one line

        Raises
        ------
        TypeError, ValueError: as `check_text`.

        Cost: one pass over the text.

        >>> CharTokenizer().train("abba").ids["b"]
        2
        """
        check_text("train", text)
        self.characters = [UNKNOWN] + sorted(set(text) - {UNKNOWN})
        self.ids = {character: index for index, character in enumerate(self.characters)}
        return self

    def build_vocab(self, texts):
        """Learn the characters of several texts, or of one: `train`, by another name.

        Parameters
        ----------
        texts : str, or list of str

        >>> CharTokenizer().build_vocab(["ab", "bc"]).characters[1:]
        ['a', 'b', 'c']
        """
        return self.train(texts if isinstance(texts, str) else "".join(check_texts("build_vocab", texts)))

    def encode(self, text):
        """Return the ids of the characters of `text`; 0 for those not seen in training.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of int, as long as the text

        Raises
        ------
        TypeError, ValueError: as `check_text`.
        ValueError: the tokenizer knows no characters ("encode: no characters are known; …").

        Cost: one look into a dict for each character.

        >>> CharTokenizer().train("ab").encode("abc")
        [1, 2, 0]
        """
        check_text("encode", text)
        if self.vocab_size == 1 and set(text) - {UNKNOWN}:
            raise ValueError(
                "encode: no characters are known; call train(text) first, with a "
                "text that holds the characters you need"
            )
        return [self.ids.get(character, 0) for character in text]

    def decode(self, ids):
        """Return the text that the ids stand for; U+FFFD for id 0.

        Parameters
        ----------
        ids : list, ndarray or Tensor of integers, shape (T,)

        Returns
        -------
        str of T characters

        Raises
        ------
        TypeError, ValueError: not one sequence of ids of this vocabulary
            ("decode: id 9 at position 0 is outside the vocabulary; …").

        Cost: one look into a list for each id.

        >>> CharTokenizer().train("ab").decode([2, 1, 1])
        'baa'
        """
        ids = check_sequence("decode", ids, self.vocab_size)
        return "".join(self.characters[index] for index in ids)


def split_words(text):
    """Cut text into words. Joined again, they are the text: nothing is lost.

    A space belongs to the word that follows it. Merges never cross from one word into the next,
    so the vocabulary holds words and parts of words, not pieces such as "s t".

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Cost: one pass over the text.

    >>> split_words("Ada wrote: two  loops")
    ['Ada', ' wrote', ':', ' two', ' ', ' loops']
    """
    return WORD.findall(text)


def count_words(text):
    """Return how often each word of `text` occurs, each word as the tuple of its bytes.

    Training looks at each different word once, however often it occurs.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict: tuple of int (UTF-8 bytes) to int, in order of first occurrence

    Cost: one pass over the text; memory for the different words only.

    >>> count_words("go go")
    {(103, 111): 1, (32, 103, 111): 1}
    """
    counts = Counter(split_words(text))
    return {tuple(word.encode("utf-8")): times for word, times in counts.items()}


def count_pairs(words):
    """Return how often each pair of neighbouring ids occurs in all words together.

    Parameters
    ----------
    words : dict from a word (tuple of int) to the number of times it occurs

    Returns
    -------
    dict: pair (int, int) to int; the pair of "aa" is counted twice in "aaa"

    Cost: one addition for each pair of neighbours in each different word.

    >>> count_pairs({(1, 2, 1, 2): 10, (2, 1): 1})
    {(1, 2): 20, (2, 1): 11}
    """
    counts = defaultdict(int)
    for ids, times in words.items():
        for pair in itertools.pairwise(ids):
            counts[pair] += times
    return dict(counts)


def merge_pair(ids, pair, new_id):
    """Return the ids with `new_id` in each place where the pair stood, from left to right.

    Parameters
    ----------
    ids : list or tuple of int, length T
    pair : (int, int)
    new_id : int

    Returns
    -------
    list of int, of length T minus the number of merges

    Cost: at most 2 comparisons an id.

    >>> merge_pair([1, 2, 3, 1, 2], (1, 2), 9)
    [9, 3, 9]
    >>> merge_pair([1, 1, 1], (1, 1), 9)
    [9, 1]
    """
    first, second = pair
    last = len(ids) - 1
    merged = []
    index = 0
    while index <= last:
        if ids[index] == first and index < last and ids[index + 1] == second:
            merged.append(new_id)
            index += 2
        else:
            merged.append(ids[index])
            index += 1
    return merged


def split_special(text, names):
    """Cut text at the names of special tokens. Joined again, the pieces are the text.

    Where two names begin at the same place, the longer one is meant.

    Parameters
    ----------
    text : str
    names : collection of str, none of them empty

    Returns
    -------
    list of str, each a name or a text between names; none is empty

    Cost: one pass over the text.

    >>> split_special("hi<end>you<end>", ["<end>"])
    ['hi', '<end>', 'you', '<end>']
    >>> split_special("hi", [])
    ['hi']
    """
    if not names:
        return [text] if text else []
    longest_first = sorted(names, key=len, reverse=True)
    pattern = "|".join(re.escape(name) for name in longest_first)
    return [piece for piece in re.split(f"({pattern})", text) if piece]


class PairIndex:
    """The pair counts of many words, kept right while pairs are merged.

    A merge changes few words. So the index remembers in which words each pair occurs, and a
    merge visits those only. The most frequent pair lies on top of a heap: every changed count is
    pushed as a new entry, and entries whose count is out of date are thrown away when they come up.

    Parameters
    ----------
    words : dict from a word (tuple of int) to the number of times it occurs

    Attributes
    ----------
    words : list of tuple of int, as merged so far
    times : list of int, how often each word occurs
    counts : dict from pair to count
    places : dict from pair to the set of numbers of words that hold it, or once did

    Cost: a few hundred bytes for each different pair, and one set entry for each pair in a word.

    >>> index = PairIndex({(1, 2, 3): 5, (2, 3): 1})
    >>> index.most_frequent()
    ((2, 3), 6)
    >>> index.merge((2, 3), 4)
    >>> index.words, index.counts
    ([(1, 4), (4,)], {(1, 4): 5})
    """

    def __init__(self, words):
        self.words = list(words)
        self.times = list(words.values())
        self.counts = count_pairs(words)
        self.places = defaultdict(set)
        for number, ids in enumerate(self.words):
            for pair in itertools.pairwise(ids):
                self.places[pair].add(number)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)
        self.asked = 0  # since a count changed

    def most_frequent(self):
        """Return the pair with the highest count, and the count; of equals the smallest pair.

        Returns
        -------
        ((int, int), int), or (None, 0) when no pair is left

        Raises
        ------
        RuntimeError: asked more than 1,000 times in a row while no count changed; such a loop never ends
            ("most_frequent: asked 1001 times in a row and nothing was merged; …").

        Cost: O(log P) for P heap entries, and as much for each entry out of date.

        >>> PairIndex({(5, 6): 2, (3, 9): 2, (1, 1): 1}).most_frequent()
        ((3, 9), 2)
        """
        self.asked += 1
        if self.asked > ASKED:
            raise RuntimeError(
                f"most_frequent: asked {self.asked} times in a row and nothing was merged; tell the index of each "
                "merge with index.merge(pair, new_id), and stop when the count is below 2"
            )
        while self.heap:
            count, pair = self.heap[0]
            if self.counts.get(pair) == -count:
                return pair, -count
            heapq.heappop(self.heap)
        return None, 0

    def merge(self, pair, new_id):
        """Replace the pair by `new_id` in every word that holds it, and correct the counts.

        Parameters
        ----------
        pair : (int, int), one that occurs
        new_id : int, not used before

        Cost: proportional to the length of the words that hold the pair, not of the text.

        >>> index = PairIndex({(7, 7, 7): 2})
        >>> index.merge((7, 7), 8)
        >>> index.counts
        {(8, 7): 2}
        """
        change = defaultdict(int)
        for number in self.places.pop(pair):
            old, times = self.words[number], self.times[number]
            new = self.words[number] = tuple(merge_pair(old, pair, new_id))
            for lost in itertools.pairwise(old):
                change[lost] -= times
            for gained in itertools.pairwise(new):
                change[gained] += times
                self.places[gained].add(number)
        for changed, difference in change.items():
            if difference:
                self.add(changed, difference)

    def add(self, pair, difference):
        """Add `difference` to the count of one pair; forget the pair when nothing is left.

        >>> index = PairIndex({(1, 2): 3})
        >>> index.add((1, 2), -3)
        >>> index.counts, index.most_frequent()
        ({}, (None, 0))
        """
        self.asked = 0
        count = self.counts.pop(pair, 0) + difference
        if count:
            self.counts[pair] = count
            heapq.heappush(self.heap, (-count, pair))


def learn_merges(words, count):
    """Return the first `count` merges of byte-pair encoding, the most frequent pair each time.

    Of pairs that are equally frequent the smallest is taken, so the result depends on the words
    alone. A pair that occurs once is not worth an id: learning stops there, perhaps early.

    Parameters
    ----------
    words : dict from a word (tuple of int) to the number of times it occurs
    count : int, how many merges to learn at most

    Returns
    -------
    dict: pair (int, int) to its new id, 256 for the first, in the order of learning

    Cost: a count over all words once, then for each merge the words that hold the pair.

    >>> learn_merges({(1, 2, 3): 5, (2, 3): 1}, 1)
    {(2, 3): 256}
    """
    index = PairIndex(words)
    merges = {}
    while len(merges) < count:
        pair, times = index.most_frequent()
        if times < 2:
            break
        new_id = BYTES + len(merges)
        index.merge(pair, new_id)
        merges[pair] = new_id
    return merges


def token_bytes(merges):
    """Return the bytes that each id stands for: 256 single bytes, then one entry a merge.

    Parameters
    ----------
    merges : dict or list of pairs (int, int), in the order of learning

    Returns
    -------
    list of bytes

    Cost: one concatenation a merge.

    >>> token_bytes({(104, 105): 256, (256, 33): 257})[256:]
    [b'hi', b'hi!']
    """
    vocab = [bytes([value]) for value in range(BYTES)]
    for first, second in merges:
        vocab.append(vocab[first] + vocab[second])
    return vocab


class BPETokenizer:
    """Byte-pair encoding on the bytes of UTF-8: frequent words take one id, rare ones several.

    Every text can be encoded, because each byte has an id of its own, and decodes to exactly
    itself. An untrained tokenizer has these 256 ids only.

    Parameters
    ----------
    vocab_size : int, how many ids `train` makes where it is not told; or None

    Attributes
    ----------
    merges : dict from pair (int, int) to the id that takes its place, in the order of learning
    vocab : list of bytes; id i stands for the bytes vocab[i]
    special : dict from the name of a special token to its id; these ids come last
    cache : dict from a word to its ids, as `recall` found them

    >>> tokenizer = BPETokenizer().train("low low lower lowest", vocab_size=259)
    >>> tokenizer.vocab[256:]
    [b'lo', b'low', b' low']
    >>> tokenizer.encode("low lower")
    [257, 258, 101, 114]
    >>> tokenizer.decode([257, 258, 101, 114])
    'low lower'
    """

    def __init__(self, vocab_size=None):
        self.wanted = vocab_size
        self.use_merges({})

    def use_merges(self, merges, special=()):
        """Take over `merges` (pair to new id) and names of special tokens, and return self.

        What depends on them is made anew.

        >>> tokenizer = BPETokenizer().use_merges({(104, 105): 256}, ["<end>"])
        >>> tokenizer.encode("hi"), tokenizer.special
        ([256], {'<end>': 257})
        """
        self.vocab = token_bytes(merges)
        self.merges = merges
        self.special = {}
        for name in special:
            self.special[name] = len(self.vocab)
            self.vocab.append(name.encode("utf-8"))
        self.cache = {}
        return self

    def add_special_tokens(self, names):
        """Give each name an id of its own, behind all others. `encode` uses it only where it is told to.

        Parameters
        ----------
        names : str, or list of str, such as ["<end>"]

        Returns
        -------
        BPETokenizer: self

        Raises
        ------
        TypeError: a name is not a str. ValueError: it is empty, or there already.

        >>> tokenizer = BPETokenizer().add_special_tokens(["<end>"])
        >>> tokenizer.encode("a<end>", special=True)
        [97, 256]
        >>> tokenizer.encode("a<end>")
        [97, 60, 101, 110, 100, 62]
        """
        names = check_texts("add_special_tokens", names)
        for name in names:
            if not name or name in self.special or names.count(name) > 1:
                reason = "stands there twice" if name else "is empty"
                raise ValueError(f"add_special_tokens: {name!r} {reason}; each special token needs a name of its own")
        return self.use_merges(self.merges, [*self.special, *names])

    @property
    def vocab_size(self):
        """Number of ids, an int: 256 bytes, one for each merge, one for each special token.

        >>> BPETokenizer().vocab_size
        256
        """
        return len(self.vocab)

    def train(self, text, vocab_size=None):
        """Learn merges from `text` until there are `vocab_size` ids, or no pair occurs twice.

        Parameters
        ----------
        text : str, or list of str, whose words are counted together
        vocab_size : int, at least 256 and the special tokens, which are among them; None for the
            one that the tokenizer was made with

        Returns
        -------
        BPETokenizer: self; the merges that it knew before are forgotten, special tokens stay

        Raises
        ------
        TypeError: the text is not a str, or vocab_size not an int.
        ValueError: vocab_size below that ("train: vocab_size 100 is too small; …"), or a lone
            surrogate in the text.

        Cost: see `learn_merges`; memory for the different words and pairs, not for the text.

        >>> BPETokenizer().train("aaaa aaaa", vocab_size=300).vocab[256:]
        [b'aa', b'aaaa']
        """
        texts = check_texts("train", text)
        vocab_size = self.wanted if vocab_size is None else vocab_size
        if not is_whole(vocab_size):
            raise TypeError(f"train: vocab_size {vocab_size!r} is not an integer")
        least = BYTES + len(self.special)
        if vocab_size < least:
            also = f" and each of the {len(self.special)} special tokens" if self.special else ""
            raise ValueError(
                f"train: vocab_size {vocab_size} is too small; each of the {BYTES} "
                f"bytes{also} has an id, so ask for {least} or more"
            )
        words = Counter()
        for text in texts:
            words.update(count_words(text))
        return self.use_merges(learn_merges(words, vocab_size - least), self.special)

    def encode_word(self, word):
        """Return the ids of one word: its bytes, merged in the order in which merges were learned.

        Parameters
        ----------
        word : str

        Returns
        -------
        list of int

        Cost: one pass over the word's ids for each merge that applies.

        >>> BPETokenizer().train("abab abab", vocab_size=257).encode_word("cab")
        [99, 256]
        """
        ids = list(word.encode("utf-8"))
        while len(ids) > 1:
            earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, math.inf))
            if earliest not in self.merges:
                break
            ids = merge_pair(ids, earliest, self.merges[earliest])
        return ids

    def recall(self, word):
        """Return the ids of one word, from the cache where it was met before.

        The list is the cache's own: read it, and never change it.

        Parameters
        ----------
        word : str

        Returns
        -------
        list of int

        Cost: one look into a dict; `encode_word` where the word is new.

        >>> BPETokenizer().recall("hi")
        [104, 105]
        """
        found = self.cache.get(word)  # asked once: another thread may clear the cache in between
        if found is None:
            if len(self.cache) >= CACHE_WORDS:
                self.cache.clear()
            found = self.cache[word] = self.encode_word(word)
        return found

    def encode_ordinary(self, text):
        """Return the ids of `text` as one list, in which names of special tokens are text like any other.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of int, at most one for each byte of the text; a new list each time

        Cost: one `recall` for each word.

        >>> BPETokenizer().train("low low", vocab_size=258).encode_ordinary("low lows")
        [257, 32, 257, 115]
        """
        ids = []
        for word in split_words(text):
            ids.extend(self.recall(word))
        return ids

    def encode(self, text, special=False):
        """Return the ids of `text`.

        Parameters
        ----------
        text : str
        special : bool; True where names of special tokens in the text mean these tokens, as in a
            text that the program itself put together. What users typed is not such a text.

        Returns
        -------
        list of int, at most one for each byte of the text

        Raises
        ------
        TypeError, ValueError: as `check_text`.

        Cost: one look into a dict for each word; `encode_word` for those not met before.

        >>> BPETokenizer().encode("é!")
        [195, 169, 33]
        """
        check_text("encode", text)
        if not special:
            return self.encode_ordinary(text)
        ids = []
        for piece in split_special(text, self.special):
            ids.extend([self.special[piece]] if piece in self.special else self.encode_ordinary(piece))
        return ids

    def decode(self, ids):
        """Return the text that the ids stand for.

        Ids that were cut off in the middle of a character give U+FFFD there, since their bytes
        alone are no text.

        Parameters
        ----------
        ids : list, ndarray or Tensor of integers, shape (T,)

        Returns
        -------
        str

        Raises
        ------
        TypeError, ValueError: not one sequence of ids of this vocabulary
            ("decode: id 300 at position 0 is outside the vocabulary; …").

        Cost: one look into a list for each id.

        >>> BPETokenizer().decode([195, 169, 33])
        'é!'
        """
        ids = check_sequence("decode", ids, self.vocab_size)
        return b"".join(self.vocab[index] for index in ids).decode("utf-8", errors="replace")

    def save(self, path):
        """Write merges and special tokens to a JSON file; a file of that name is replaced in one step.

        Parameters
        ----------
        path : str or path

        Raises
        ------
        OSError: the file cannot be written; one that was there is untouched.

        Cost: about 12 bytes of file a merge.
        """
        import json

        content = {"format": FORMAT, "version": VERSION, "merges": [list(pair) for pair in self.merges]}
        if self.special:
            content["special"] = list(self.special)
        write_text(path, json.dumps(content))

    def load(self, path):
        """Read merges and special tokens from a file that `save` wrote.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        BPETokenizer: self; what it knew before is forgotten

        Raises
        ------
        OSError: the file cannot be read.
        ValueError: it is not such a file ("load: words.json: …"); self is unchanged.

        Cost: reading the file, and one concatenation a merge.
        """
        found = read_json(path)
        self.use_merges(check_merges(path, found), check_special(path, found))
        return self


def write_text(path, text):
    """Write a text file so that after a crash the old file is there, or the new one, never half.

    Parameters
    ----------
    path : str or path
    text : str

    Raises
    ------
    OSError: the file cannot be written.
    """
    from tinytorch.core.training import replacing

    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def read_json(path):
    """Return the dict in a JSON file of this module's format and version.

    Raises
    ------
    OSError: the file cannot be read.
    ValueError: no JSON, another format, or a version that is not known.
    """
    import json

    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"load: {path}: not a JSON file ({error}); pass one that save(path) wrote") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f'load: {path}: not a tokenizer file; "format" must be "{FORMAT}"')
    if found.get("version") != VERSION:
        raise ValueError(
            f"load: {path}: version {found.get('version')!r}, but only version "
            f"{VERSION} can be read here; save it again with this package"
        )
    return found


def check_merges(path, found):
    """Return the merges in a dict read from a file, as `learn_merges` does.

    A merge may only join ids that exist before it, and each pair stands once.

    Raises
    ------
    ValueError: a merge is not like that ("load: words.json: merge 0 is [97, 300]; …").

    >>> check_merges("a.json", {"merges": [[97, 98], [256, 99]]})
    {(97, 98): 256, (256, 99): 257}
    """
    pairs = found.get("merges")
    if not isinstance(pairs, list):
        raise ValueError(f'load: {path}: "merges" must be a list of pairs of ids')
    merges = {}
    for number, pair in enumerate(pairs):
        new_id = BYTES + number
        integers = isinstance(pair, list) and all(type(index) is int for index in pair)
        if not integers or len(pair) != 2 or min(pair) < 0 or max(pair) >= new_id:
            raise ValueError(f"load: {path}: merge {number} is {pair!r}; it must be two ids from 0 to {new_id - 1}")
        if tuple(pair) in merges:
            raise ValueError(f"load: {path}: merge {number} repeats {pair}; each pair stands once")
        merges[tuple(pair)] = new_id
    return merges


def check_special(path, found):
    """Return the names of special tokens in a dict read from a file; most files have none.

    Raises
    ------
    ValueError: they are no different names ('load: words.json: "special" must be …').

    >>> check_special("a.json", {"special": ["<end>"]}), check_special("a.json", {})
    (['<end>'], [])
    """
    names = found.get("special", [])
    good = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not good or len(set(names)) < len(names):
        raise ValueError(f'load: {path}: "special" must be a list of different names, none of them empty')
    return names


def token_statistics(tokenizer, text):
    """Return how much shorter a text becomes as ids: fewer ids, fewer steps for a model.

    Parameters
    ----------
    tokenizer : anything with encode(text)
    text : str, not empty

    Returns
    -------
    dict: characters, bytes (of UTF-8) and tokens, int; bytes_per_token and
        characters_per_token, float

    Raises
    ------
    ValueError: the text is empty ("token_statistics: the text is empty; …").

    Cost: one encode.

    >>> token_statistics(BPETokenizer(), "naïve")["bytes_per_token"]
    1.0
    """
    check_text("token_statistics", text)
    if not text:
        raise ValueError("token_statistics: the text is empty; there is nothing to count")
    characters, size, tokens = len(text), len(text.encode("utf-8")), len(tokenizer.encode(text))
    return {
        "characters": characters,
        "bytes": size,
        "tokens": tokens,
        "bytes_per_token": size / tokens,
        "characters_per_token": characters / tokens,
    }
