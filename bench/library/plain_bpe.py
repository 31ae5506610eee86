"""Byte-pair training in plain Python, no framework: the opponent of tinytorch's trainer.

`train_incremental` keeps the counts of pairs and touches only the words that hold the pair.
Words are ` ?\\w+| ?[^\\w\\s]+|\\s+(?!\\S)|\\s`, highest count first, then the smallest pair, stop below a count of 2.
"""

import itertools
import re
from collections import Counter, defaultdict

WORD = re.compile(r" ?\w+| ?[^\w\s]+|\s+(?!\S)|\s")


def train_incremental(text, vocab_size):
    words = [(list(word.encode("utf-8")), times) for word, times in Counter(WORD.findall(text)).items()]
    counts, places = defaultdict(int), defaultdict(set)
    for index, (ids, times) in enumerate(words):
        for pair in itertools.pairwise(ids):
            counts[pair] += times
            places[pair].add(index)
    merges = {}
    while 256 + len(merges) < vocab_size and counts:
        pair = min(counts, key=lambda p: (-counts[p], p))
        if counts[pair] < 2:
            break
        new_id = 256 + len(merges)
        merges[pair] = new_id
        a, b = pair
        for index in places.pop(pair):
            ids, times = words[index]
            i = 0
            while i < len(ids) - 1:
                if ids[i] == a and ids[i + 1] == b:
                    if i:
                        counts[ids[i - 1], a] -= times
                        counts[ids[i - 1], new_id] += times
                        places[ids[i - 1], new_id].add(index)
                    if i + 2 < len(ids):
                        counts[b, ids[i + 2]] -= times
                        counts[new_id, ids[i + 2]] += times
                        places[new_id, ids[i + 2]].add(index)
                    ids[i : i + 2] = [new_id]
                i += 1
        del counts[pair]
    return merges
