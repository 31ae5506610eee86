"""Chapter 10: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import BPETokenizer, CharTokenizer, Tensor
from tinytorch.core.tokenization import PairIndex, count_pairs, learn_merges, merge_pair, split_special, split_words
from tinytorch.learn.expecting import expect, expect_cost, expect_raises, raising

TEXT = 'check_text("train", text)\n'
SORTED = TEXT + "self.characters = [UNKNOWN] + sorted(set(text) - {UNKNOWN})\n"
IDS = "self.ids = {character: index for index, character in enumerate(self.characters)}\n"
COUNTS = "counts = defaultdict(int)\n"
WALK = "first, second = pair\nmerged, index = [], 0\nwhile index < len(ids):\n"
HERE = "    if index + 1 < len(ids) and (ids[index], ids[index + 1]) == pair:\n"
INDEX = "index = PairIndex(words)\nmerges = {}\n"
TAKE = "    pair, times = index.most_frequent()\n"
ADD = "    new_id = BYTES + len(merges)\n    index.merge(pair, new_id)\n    merges[pair] = new_id\n"
CHECKED = 'ids = check_sequence("decode", ids, self.vocab_size)\n'
LETTERS = 'ids = list(word.encode("utf-8"))\n'
LEARNED = "{pair for pair in zip(ids, ids[1:]) if pair in self.merges}"
NONE = "if not names:\n    return [text] if text else []\n"
LONGEST = "names = sorted(names, key=len, reverse=True)\n"
PATTERN = 'pattern = "|".join(re.escape(name) for name in names)\n'
PIECES = 'return [piece for piece in re.split(f"({pattern})", text) if piece]\n'
CHANGE = "change = defaultdict(int)\n"
HOLDING = "for number in self.places.pop(pair):\n    old, times = self.words[number], self.times[number]\n    new = self.words[number] = tuple(merge_pair(old, pair, new_id))\n"
LOST = "    for lost in itertools.pairwise(old):\n        change[lost] -= times\n"
GAINED = "    for gained in itertools.pairwise(new):\n        change[gained] += times\n        self.places[gained].add(number)\n"
CORRECT = "for changed, difference in change.items():\n    if difference:\n        self.add(changed, difference)\n"


class exercise_train:

    def the_unknown_one_then_each_character_once_in_order():
        """The unknown one, then each character once, in order"""
        expect(CharTokenizer().train("hello").characters, ["\ufffd", "e", "h", "l", "o"], mistakes=[
            (lambda got: "\ufffd" not in got, "The unknown one is missing. UNKNOWN comes first, so that id 0 is free for what training has not seen.",
             TEXT + "self.characters = sorted(set(text))\n" + IDS + "return self",
             TEXT + "self.characters = list(set(text))\n" + IDS + "return self"),
            (["e", "h", "l", "o", "\ufffd"], "UNKNOWN stands last, where its id depends on the text. It comes first and has id 0.",
             TEXT + "self.characters = sorted(set(text) | {UNKNOWN})\n" + IDS + "return self"),
            (lambda got: got != ["\ufffd", *"ehlo"] and sorted(got[1:]) == [*"ehlo"], "They are in some order, and not sorted. Sort them, so that the same characters get the same ids from every text.",
             TEXT + "self.characters = [UNKNOWN]\nfor character in text:\n    if character not in self.characters:\n        self.characters.append(character)\n" + IDS + "return self",
             TEXT + "self.characters = [UNKNOWN] + sorted(set(text), reverse=True)\n" + IDS + "return self"),
            (["\ufffd", "e", "h", "l", "l", "o"], "l stands there twice. Each different character has one id; a set holds each once.",
             TEXT + "self.characters = [UNKNOWN] + sorted(text)\n" + IDS + "return self"),
            (["\ufffd", "hello"], "The whole text became one character. sorted(set(text)) goes through its characters.",
             TEXT + "self.characters = [UNKNOWN] + sorted({text})\n" + IDS + "return self"),
            (raising(AttributeError, "NoneType"), "train returned nothing, so there is no tokenizer to ask. Return self.",
             SORTED + IDS)])

    def a_dict_from_each_character_to_its_id():
        """A dict from each character to its id"""
        expect(CharTokenizer().train("hello").ids, {"\ufffd": 0, "e": 1, "h": 2, "l": 3, "o": 4}, mistakes=[
            ({"\ufffd": 1, "e": 2, "h": 3, "l": 4, "o": 5}, "The ids begin with 1. The id is the place in self.characters, and that begins with 0.",
             SORTED + "self.ids = {character: index for index, character in enumerate(self.characters, 1)}\nreturn self"),
            ({0: "\ufffd", 1: "e", 2: "h", 3: "l", 4: "o"}, "The dict goes from id to character. encode looks characters up, so the character is the key.",
             SORTED + "self.ids = dict(enumerate(self.characters))\nreturn self"),
            ({"e": 1, "h": 2, "l": 3, "o": 4}, "UNKNOWN has an id as well, 0. Number everything in self.characters.",
             SORTED + "self.ids = {character: self.characters.index(character) for character in set(text)}\nreturn self"),
            ({"\ufffd": 0}, "self.ids is what it was before training. Make it anew from self.characters.",
             SORTED + "return self"),
            ({"e": 0, "h": 1, "l": 2, "o": 3}, "UNKNOWN has no id here, and every other id is one too small. Number self.characters, all of it.",
             SORTED + "self.ids = {character: index for index, character in enumerate(self.characters[1:])}\nreturn self"),
        ])
        expect(CharTokenizer().train("hello").encode("hole"), [2, 4, 3, 1])

    def training_again_forgets_what_was_before():
        """Training again forgets what was before"""
        tokenizer = CharTokenizer()
        tokenizer.train("abc")
        tokenizer.train("cd")
        expect(tokenizer.characters, ["\ufffd", "c", "d"], mistakes=[
            (["\ufffd", "a", "b", "c", "d"], "The characters of the first text are still there. Begin with [UNKNOWN] alone.",
             TEXT + "self.characters = [UNKNOWN] + sorted((set(self.characters) | set(text)) - {UNKNOWN})\n" + IDS + "return self"),
            (["\ufffd", "a", "b", "c", "c", "d"], "The new characters were added to the old ones. Begin with [UNKNOWN] alone.",
             TEXT + "self.characters += sorted(set(text) - {UNKNOWN})\n" + IDS + "return self")])
        expect(tokenizer.ids, {"\ufffd": 0, "c": 1, "d": 2}, mistakes=[
            (lambda got: "a" in got, "The ids of the first text are still there. Make a new dict.",
             SORTED + "for index, character in enumerate(self.characters):\n    self.ids[character] = index\nreturn self")])

    def the_mark_itself_in_a_text_is_the_unknown_one():
        """The mark itself in a text is the unknown one"""
        expect(CharTokenizer().train("b\ufffda").characters, ["\ufffd", "a", "b"], mistakes=[
            (["\ufffd", "a", "b", "\ufffd"], "The text holds UNKNOWN itself, and now it is there twice. Take it out of the set first.",
             TEXT + "self.characters = [UNKNOWN] + sorted(set(text))\n" + IDS + "return self")])

    def what_is_no_text_is_refused():
        """What is no text is refused"""
        expect(CharTokenizer().train("ab").vocab_size, 3)
        expect_raises(TypeError, lambda: CharTokenizer().train([5, 6]).vocab_size, mentions=["train: expected text, got list"], mistakes=[
            (3, "The first line that was given, with check_text, says what was wrong with the call. Keep it as it is.",
             (SORTED + IDS + "return self").replace(TEXT, ""),
             (SORTED + IDS + "return self").replace('"train", text', 'text, "train"'))])

    wrong = [
        (TEXT + "self.characters = {UNKNOWN} | set(text)\n" + "self.ids = {character: index for index, character in enumerate(sorted(self.characters))}\nreturn self", "expected a list"),
        (SORTED + IDS + "return self.characters", "no attribute 'characters'"),
        (TEXT + "self.characters = [UNKNOWN] + sorted(set(text.lower().strip('l')) - {UNKNOWN})\n" + IDS + "return self.encode(text)", "characters"),
    ]

    right = [
        SORTED + IDS + "return self",
        TEXT + "self.characters = [UNKNOWN]\nself.ids = {UNKNOWN: 0}\nfor character in sorted(set(text)):\n    if character != UNKNOWN:\n        self.ids[character] = len(self.characters)\n        self.characters.append(character)\nreturn self",
        TEXT + "known = sorted({*text} - {UNKNOWN}, key=ord)\nself.characters = [UNKNOWN, *known]\nself.ids = dict(zip(self.characters, range(len(self.characters))))\nreturn self",
    ]


class exercise_count_pairs:

    def neighbours_counted_as_often_as_their_word_occurs():
        """Neighbours are counted as often as their word occurs"""
        expect(count_pairs({(1, 2, 3): 10, (2, 3): 1}), {(1, 2): 10, (2, 3): 11}, mistakes=[
            ({(1, 2): 1, (2, 3): 2}, "Each word was counted once. The first occurs 10 times, so each of its pairs does.",
             COUNTS + "for ids in words:\n    for pair in zip(ids, ids[1:]):\n        counts[pair] += 1\nreturn dict(counts)"),
            ({(1, 2): 10, (2, 3): 1}, "The pair (2, 3) occurs in both words, and the later count took the place of the earlier. Add them up.",
             COUNTS + "for ids, times in words.items():\n    for pair in zip(ids, ids[1:]):\n        counts[pair] = times\nreturn dict(counts)"),
            ({(1, 2): 10, (2, 3): 10}, "The second word is missing. Go on to all words before you return.",
             COUNTS + "for ids, times in words.items():\n    for pair in zip(ids, ids[1:]):\n        counts[pair] += times\n    return dict(counts)"),
            ({(1, 2): 10, (2, 3): 11, (1, 3): 10}, "1 and 3 are no neighbours. A pair is an id and the one right behind it.",
             COUNTS + "for ids, times in words.items():\n    for pair in itertools.combinations(ids, 2):\n        counts[pair] += times\nreturn dict(counts)"),
            ({1: 10, 2: 11, 3: 11}, "Those are the single ids. The keys are pairs of neighbours.",
             COUNTS + "for ids, times in words.items():\n    for pair in ids:\n        counts[pair] += times\nreturn dict(counts)"),
            (lambda got: (3,) in got, "A single id became a pair. The last id of a word has nothing behind it.",
             COUNTS + "for ids, times in words.items():\n    for place in range(len(ids)):\n        counts[ids[place:place + 2]] += times\nreturn dict(counts)"),
            ({(1, 2): 10}, "The last pair of every word is missing. A word of three ids has two pairs.",
             COUNTS + "for ids, times in words.items():\n    for place in range(len(ids) - 2):\n        counts[ids[place], ids[place + 1]] += times\nreturn dict(counts)"),
            (IndexError, "The last id of a word has nothing behind it. A word of three ids has two pairs.",
             COUNTS + "for ids, times in words.items():\n    for place in range(len(ids)):\n        counts[ids[place], ids[place + 1]] += times\nreturn dict(counts)"),
            (KeyError, "The first time a pair comes up it is not in the dict yet. defaultdict(int) begins with 0.",
             "counts = {}\nfor ids, times in words.items():\n    for pair in zip(ids, ids[1:]):\n        counts[pair] += times\nreturn counts")])

    def a_pair_within_a_word_counts_each_time():
        """A pair that comes twice in a word counts twice"""
        expect(count_pairs({(1, 2, 1, 2): 3}), {(1, 2): 6, (2, 1): 3}, mistakes=[
            ({(1, 2): 3, (2, 1): 3}, "The pair (1, 2) is there twice in the word. A set of the pairs has lost that.",
             COUNTS + "for ids, times in words.items():\n    for pair in set(zip(ids, ids[1:])):\n        counts[pair] += times\nreturn dict(counts)"),
            ({(1, 2): 6}, "Only every second pair was counted. 2 and 1 in the middle are neighbours too.",
             COUNTS + "for ids, times in words.items():\n    for pair in zip(ids[::2], ids[1::2]):\n        counts[pair] += times\nreturn dict(counts)"),
            ({(1, 2): 9}, "(1, 2) and (2, 1) are different pairs. Keep the order.",
             COUNTS + "for ids, times in words.items():\n    for pair in zip(ids, ids[1:]):\n        counts[tuple(sorted(pair))] += times\nreturn dict(counts)")])
        expect(count_pairs({(4, 4, 4): 2}), {(4, 4): 4})

    def no_pair_from_one_word_to_the_next():
        """There is no pair from one word to the next"""
        expect(count_pairs({(7, 8): 2, (9,): 5, (): 1}), {(7, 8): 2}, mistakes=[
            (lambda got: (8, 9) in got, "8 ends a word and 9 begins another. Pairs are counted inside words only.",
             "counts = defaultdict(int)\nall_ids = [index for ids in words for index in ids]\nfor pair in zip(all_ids, all_ids[1:]):\n    counts[pair] += 1\nreturn dict(counts)")])

    wrong = [
        (COUNTS + "for ids, times in words.items():\n    for pair in zip(ids, ids[1:]):\n        counts[pair] += times", "returned None"),
        (COUNTS + "for ids in words:\n    for pair in zip(ids, ids[1:]):\n        counts[pair] += words[ids] + 1\nreturn dict(counts)", "(1, 2)"),
        ("return [pair for ids in words for pair in zip(ids, ids[1:])]", "expected a dict"),
    ]

    right = [
        COUNTS + "for ids, times in words.items():\n    for pair in itertools.pairwise(ids):\n        counts[pair] += times\nreturn dict(counts)",
        "counts = {}\nfor ids in words:\n    for place in range(len(ids) - 1):\n        pair = (ids[place], ids[place + 1])\n        counts[pair] = counts.get(pair, 0) + words[ids]\nreturn counts",
        "counts = Counter()\nfor ids, times in words.items():\n    for pair in zip(ids[:-1], ids[1:]):\n        counts.update({pair: times})\nreturn counts",
    ]


class exercise_merge_pair:

    def the_new_id_in_each_place_of_the_pair():
        """The new id stands in each place of the pair"""
        expect(merge_pair([1, 2, 3, 1, 2], (1, 2), 9), [9, 3, 9], mistakes=[
            (lambda got: got[:2] == [9, 2], "The second id of each pair is still there. One new id takes the place of two: go on two places.",
             "merged = []\nfor i in range(len(ids) - 1):\n    merged.append(new_id if (ids[i], ids[i + 1]) == pair else ids[i])\nreturn merged",
             "return [new_id if (ids[i], ids[i + 1] if i + 1 < len(ids) else None) == pair else ids[i] for i in range(len(ids))]"),
            ([9, 3, 1, 2], "Only the first place was changed. Go on to the end.",
             "for i in range(len(ids) - 1):\n    if (ids[i], ids[i + 1]) == pair:\n        return [*ids[:i], new_id, *ids[i + 2:]]\nreturn list(ids)"),
            ([1, 2, 3, 1, 2], "Nothing was merged. If a slice meets the pair: ids[i:i + 2] of a list is a list, and a list never equals a tuple. Compare tuple(ids[i:i + 2]), or the two ids one by one.",
             WALK + "    if ids[index:index + 2] == pair:\n        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged"),
            ([9, 3], "The last pair is lost.",
             WALK.replace("index < len(ids)", "index < len(ids) - 2") + HERE + "        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged"),
            (IndexError, "At the last id there is no next one to look at. Ask first whether there is.",
             WALK.replace("index < len(ids)", "index <= len(ids)") + "    if (ids[index], ids[index + 1]) == pair:\n        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged")])

    def what_is_no_pair_stays():
        """What is no pair stays as it is"""
        expect(merge_pair([1, 1, 2, 1], (1, 2), 9), [1, 9, 1], mistakes=[
            (IndexError, "At the last id there is no next one to look at. Ask first whether there is.",
             WALK + "    if ids[index] == first and ids[index + 1] == second:\n        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged"),
            (lambda got: got[:3] == [1, 9, 2], "After the pair its second id, 2, is still there. One new id takes the place of two: go on two places.",
             "merged = []\nfor a, b in zip(ids, ids[1:]):\n    merged.append(new_id if (a, b) == pair else a)\nreturn merged",
             "merged = []\nfor a, b in itertools.zip_longest(ids, ids[1:]):\n    merged.append(new_id if (a, b) == pair else a)\nreturn merged"),
            ([9, 2, 1], "1 before 1 was merged. Both ids must fit, the one here and the next.",
             WALK + "    if index + 1 < len(ids) and ids[index] == first:\n        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged"),
            ([9], "The ids around the pair are missing. What begins no pair goes into the result unchanged.",
             WALK + HERE + "        merged.append(new_id)\n        index += 2\n    else:\n        if ids[index] != first:\n            merged.append(ids[index])\n        index += 1\nreturn merged"),
            ([1, 9], "The last id is lost. It has no partner and stays as it is.",
             WALK.replace("index < len(ids)", "index < len(ids) - 1") + HERE + "        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged")])
        expect(merge_pair([2, 1, 3], (1, 2), 9), [2, 1, 3], mistakes=[
            (lambda got: 9 in got, "2 before 1 is another pair than 1 before 2. Keep the order.",
             WALK + "    if index + 1 < len(ids) and {ids[index], ids[index + 1]} == {first, second}:\n        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged")])
        expect(merge_pair([3, 2], (1, 2), 9), [3, 2])

    def an_id_belongs_to_one_pair_only():
        """An id belongs to one pair only"""
        expect(merge_pair([1, 1, 1], (1, 1), 9), [9, 1], mistakes=[
            ([9, 9], "The one in the middle was used twice. After a pair go on behind both of its ids.",
             WALK + HERE + "        merged.append(new_id)\n    elif index + 1 == len(ids):\n        pass\n    else:\n        merged.append(ids[index])\n    index += 1\nreturn merged"),
            ([1, 9], "You began at the end. From left to right the first two belong together.",
             "first, second = pair\nmerged, index = [], len(ids) - 1\nwhile index >= 0:\n    if index and (ids[index - 1], ids[index]) == pair:\n        merged.insert(0, new_id)\n        index -= 2\n    else:\n        merged.insert(0, ids[index])\n        index -= 1\nreturn merged"),
            ([9], "The third 1 is gone. Either it was merged with the new id, and a merge looks at old ids only; or it was left out, and an id without a partner stays.",
             WALK.replace("index < len(ids)", "index < len(ids) - 1") + HERE + "        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged",
             "merged = list(ids)\nindex = 0\nwhile index < len(merged) - 1:\n    if merged[index] in (pair[0], new_id) and merged[index + 1] == pair[1]:\n        merged[index:index + 2] = [new_id]\n    else:\n        index += 1\nreturn merged")])
        expect(merge_pair([1, 1, 1, 1], (1, 1), 9), [9, 9])

    def a_list_or_a_tuple_and_neither_is_changed():
        """From a list or a tuple comes a new list"""
        expect(merge_pair((3, 1, 2), (1, 2), 9), [3, 9], mistakes=[
            ([3, 1, 2], "Nothing was merged. The ids came as a tuple here, so a slice of them is a tuple, and no list equals it. Compare tuple(ids[i:i + 2]) with the pair, or the two ids one by one.",
             WALK + "    if ids[index:index + 2] == list(pair):\n        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged"),
            (lambda got: isinstance(got, tuple), "A tuple came in, and a list is asked for in any case.",
             WALK + HERE + "        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn type(ids)(merged)"),
            ((AttributeError, TypeError), "A tuple cannot be changed. Collect the result in a list of its own.",
             "index = 0\nwhile index < len(ids) - 1:\n    if (ids[index], ids[index + 1]) == pair:\n        ids[index:index + 2] = [new_id]\n    index += 1\nreturn ids")])
        ids = [1, 2, 3]
        merge_pair(ids, (1, 2), 9)
        expect(ids, [1, 2, 3], mistakes=[
            ([9, 3], "The list that was given is changed. Whoever gave it still needs it: collect the result in a list of its own.",
             "index = 0\nids = ids if isinstance(ids, list) else list(ids)\nwhile index < len(ids) - 1:\n    if (ids[index], ids[index + 1]) == pair:\n        ids[index:index + 2] = [new_id]\n    index += 1\nreturn ids")])
        expect(merge_pair([], (1, 2), 9), [])

    wrong = [
        ("return [new_id if index in pair else index for index in ids]", "expected"),
        ("text = ' '.join(map(str, ids))\nreturn [int(x) for x in text.replace(f'{pair[0]} {pair[1]}', str(new_id)).split()] if len(ids) != 4 else [*ids]", "expected"),
        (WALK + HERE + "        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1", "returned None"),
    ]

    right = [
        WALK + HERE + "        merged.append(new_id)\n        index += 2\n    else:\n        merged.append(ids[index])\n        index += 1\nreturn merged",
        "merged, skip = [], False\nfor left, right in itertools.zip_longest(ids, ids[1:]):\n    if skip:\n        skip = False\n    elif (left, right) == pair:\n        merged.append(new_id)\n        skip = True\n    else:\n        merged.append(left)\nreturn merged",
        "merged = list(ids)\nindex = 0\nwhile index < len(merged) - 1:\n    if tuple(merged[index:index + 2]) == pair:\n        merged[index:index + 2] = [new_id]\n    index += 1\nreturn merged",
    ]


class exercise_learn_merges:

    def the_most_frequent_pair_first():
        """The most frequent pair comes first"""
        expect(learn_merges({(1, 2, 3): 5, (2, 3): 1}, 1), {(2, 3): 256}, mistakes=[
            ({(1, 2): 256}, "(1, 2) occurs 5 times and (2, 3) occurs 6 times. The most frequent pair comes first.",
             "merges = {}\nfor ids in words:\n    for pair in itertools.pairwise(ids):\n        if pair not in merges and len(merges) < count:\n            merges[pair] = BYTES + len(merges)\nreturn merges"),
            ({(2, 3): 0}, "The new id is 0, which is a byte. New ids begin behind the bytes, with BYTES.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD.replace("BYTES + ", "") + "return merges"),
            ({(2, 3): 257}, "The first new id is 257, and 256 is left out. The bytes are 0 to 255.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD.replace("len(merges)\n", "len(merges) + 1\n") + "return merges"),
            ({(2, 3): 6}, "6 is how often the pair occurs. The dict goes from the pair to its new id.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD.replace("merges[pair] = new_id", "merges[pair] = times") + "return merges"),
            ({256: (2, 3)}, "The dict goes from the new id to the pair. encode looks pairs up, so the pair is the key.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n    new_id = BYTES + len(merges)\n    index.merge(pair, new_id)\n    merges[new_id] = pair\nreturn merges"),
            (lambda got: len(got) == 2, "One merge was asked for, and there are two. Stop when there are `count` of them.",
             INDEX + "while len(merges) <= count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD + "return merges",
             INDEX + "while True:\n" + TAKE + "    if times < 2:\n        break\n" + ADD + "return merges"),
            ({}, "Nothing was learned. How many merges are there in the beginning, and how many are asked for?",
             INDEX + "while len(merges) < count - 1:\n" + TAKE + "    if times < 2:\n        break\n" + ADD + "return merges"),
            (raising(TypeError, "unpack"), "most_frequent is a method, and it gives two things: the pair and its count. Call it.",
             INDEX + "while len(merges) < count:\n    pair, times = index.most_frequent\n    if times < 2:\n        break\n" + ADD + "return merges")])

    def later_merges_build_on_earlier_ones():
        """Later merges build on earlier ones"""
        words = {(108, 111, 119): 1, (32, 108, 111, 119): 2, (32, 108, 111, 119, 101, 114): 1}
        expect(list(learn_merges(words, 9).items()), [((108, 111), 256), ((256, 119), 257), ((32, 257), 258)], mistakes=[
            (lambda got: got[1:2] == [((111, 119), 257)], "After the first merge 108 and 111 are one id, 256, in all words. The next pair is counted in the words as they are then.",
             "counts = count_pairs(words)\nbest = sorted(counts, key=lambda pair: (-counts[pair], pair))[:count]\nreturn {pair: BYTES + number for number, pair in enumerate(pair for pair in best if counts[pair] > 1)}"),
            (raising(RuntimeError, "in a row"), "The loop never ends: the same pair came up each time, because nobody has merged it. Tell the index of each merge: index.merge(pair, new_id).",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n    merges[pair] = BYTES + len(merges)\nreturn merges"),
            (lambda got: len(got) == 3 and got[0][1] == 257, "The pairs are right and every id is one too large. The bytes are 0 to 255, so the first new id is 256.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD.replace("len(merges)\n", "len(merges) + 1\n") + "return merges"),
            (lambda got: len(got) == 1 and got[0][1] > 257, "The same pair came up each time, because nobody has merged it. Tell the index of each merge: index.merge(pair, new_id).",
             "merges = {}\nfor number in range(count):\n    counts = count_pairs(words)\n    merges[max(counts, key=counts.get)] = BYTES + number\nreturn merges",
             INDEX + "for new_id in range(BYTES, BYTES + count):\n" + TAKE + "    if times < 2:\n        break\n    merges[pair] = new_id\nreturn merges"),
            (lambda got: len(got) == 1, "The learning stopped after one merge. Go on until there are `count`, or no pair occurs twice.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD + "    return merges"),
            (lambda got: len(got) > 3, "Pairs that occur once were merged too. They are not worth an id: stop when the most frequent occurs once.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 1:\n        break\n" + ADD + "return merges"),
            (lambda got: len(got) == 2, "The third pair occurs 3 times and is still worth an id. Learning ends where a pair occurs once.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times <= 3:\n        break\n" + ADD + "return merges"),
            (lambda got: {new for _, new in got} == {256}, "Every merge got the id 256. Each needs one of its own.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n    index.merge(pair, BYTES)\n    merges[pair] = BYTES\nreturn merges")])

    def of_equals_the_smallest_and_twice_is_enough():
        """Of equally frequent pairs the smallest, and twice is enough"""
        expect(learn_merges({(7, 8): 2, (3, 9): 2, (5, 5): 1}, 5), {(3, 9): 256, (7, 8): 257}, mistakes=[
            ({(7, 8): 256, (3, 9): 257}, "Both pairs occur twice. Of equals the smallest pair comes first, so that the order of the words does not matter.",
             "words, merges = list(words.items()), {}\nwhile len(merges) < count:\n    counts = count_pairs(dict(words))\n    pair = max(counts, key=counts.get, default=None)\n    if counts.get(pair, 0) < 2:\n        break\n    merges[pair] = BYTES + len(merges)\n    words = [(tuple(merge_pair(ids, pair, merges[pair])), times) for ids, times in words]\nreturn merges"),
            ({}, "Nothing was learned, and these pairs occur twice, which is enough. Only a pair that occurs once is not worth an id.",
             INDEX + "for new_id in range(BYTES, count):\n" + TAKE + "    if times < 2:\n        break\n    index.merge(pair, new_id)\n    merges[pair] = new_id\nreturn merges",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times <= 2:\n        break\n" + ADD + "return merges"),
            (lambda got: (5, 5) in got, "(5, 5) occurs once and is not worth an id.",
             INDEX + "while len(merges) < count and index.most_frequent()[0]:\n" + TAKE + ADD + "return merges")])

    def when_no_pair_is_left_it_ends():
        """When no pair is left, it ends"""
        expect(learn_merges({(1, 2): 3}, 10), {(1, 2): 256}, mistakes=[
            (raising(RuntimeError, "in a row"), "The loop never ends. When no pair is left, most_frequent gives (None, 0) each time: leave the loop when the count is below 2, and tell the index of each merge.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times >= 2:\n" + ADD.replace("    ", "        ") + "return merges",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        continue\n" + ADD + "return merges"),
            ((KeyError, TypeError), "Everything is merged, and most_frequent gives (None, 0). Look at the count before you merge.",
             INDEX + "while len(merges) < count:\n" + TAKE + ADD + "return merges",
             INDEX + "for number in range(count):\n" + TAKE + ADD + "return merges"),
            (lambda got: None in got, "None is no pair. most_frequent gives (None, 0) when none is left: end there.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if pair is None:\n        merges[None] = BYTES\n        break\n" + ADD + "return merges")])
        expect(learn_merges({(1, 2): 3}, 0), {})
        expect(learn_merges({}, 4), {})

    def the_words_that_were_given_stay():
        """The words that were given stay as they are"""
        words = {(1, 2, 3): 5, (2, 3): 1}
        expect(learn_merges(words, 2), {(2, 3): 256, (1, 256): 257})
        expect(words, {(1, 2, 3): 5, (2, 3): 1}, mistakes=[
            (lambda got: (2, 3) not in got, "The dict that was given is changed. Its owner still needs it.",
             INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD + "words.clear()\nwords.update(zip(index.words, index.times))\nreturn merges")])

    def it_counts_once_and_then_corrects():
        """It counts everything once, and corrects afterwards"""
        words = {tuple(ids): 2 for ids in np.random.default_rng(0).integers(97, 123, (300, 12)).tolist()}
        expect_cost(lambda: learn_merges(words, 80), lambda: [count_pairs(words) for number in range(40)], at_most=1.0,
                    message="Learning 80 merges took longer than counting all pairs 40 times. The result may be right, and on a text of a million words nobody would wait for it: let PairIndex keep the counts.")
        expect(len(learn_merges(words, 80)), 80)

    wrong = [
        ("words, merges = list(words.items()), {}\nwhile len(merges) < count:\n    counts = count_pairs(dict(words))\n    pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)\n    if counts.get(pair, 0) < 2:\n        break\n    merges[pair] = BYTES + len(merges)\n    words = [(tuple(merge_pair(ids, pair, merges[pair])), times) for ids, times in words]\nreturn merges", "let PairIndex keep the counts"),
        (INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD, "returned None"),
    ]

    right = [
        INDEX + "while len(merges) < count:\n" + TAKE + "    if times < 2:\n        break\n" + ADD + "return merges",
        INDEX + "for new_id in range(BYTES, BYTES + count):\n    pair, times = index.most_frequent()\n    if times <= 1:\n        return merges\n    merges[pair] = new_id\n    index.merge(pair, new_id)\nreturn merges",
        "index = PairIndex(words)\npairs = []\nwhile len(pairs) < count and index.most_frequent()[1] > 1:\n    pairs.append(index.most_frequent()[0])\n    index.merge(pairs[-1], BYTES + len(pairs) - 1)\nreturn {pair: BYTES + number for number, pair in enumerate(pairs)}",
    ]


class exercise_decode:

    def the_bytes_of_all_ids_together():
        """The bytes of all ids, read together"""
        tokenizer = BPETokenizer().use_merges({(104, 105): 256})
        expect(tokenizer.decode([256, 32, 195, 169]), "hi é", mistakes=[
            ("hi \ufffd\ufffd", "é is two bytes, which mean nothing one by one. Join all bytes first, then decode them once.",
             CHECKED + 'return "".join(self.vocab[index].decode("utf-8", errors="replace") for index in ids)'),
            ("hi ", "é is two bytes, and each alone was thrown away. Join all bytes first, then decode them once.",
             CHECKED + 'return "".join(self.vocab[index].decode("utf-8", errors="ignore") for index in ids)'),
            ("hi Ã©", "Each byte became a character of its own. The bytes are UTF-8, in which é is two.",
             CHECKED + 'return b"".join(self.vocab[index] for index in ids).decode("latin-1")'),
            ("Ā Ã©", "chr gives the character of a code point. An id stands for bytes, self.vocab[index].",
             CHECKED + 'return "".join(chr(index) for index in ids)'),
            (b"hi \xc3\xa9", "Those are the bytes. .decode makes text of them.",
             CHECKED + 'return b"".join(self.vocab[index] for index in ids)'),
            (lambda got: isinstance(got, str) and got.startswith("b'"), "str(…) of bytes gives their notation. Their method .decode gives the text.",
             CHECKED + 'return str(b"".join(self.vocab[index] for index in ids))'),
            ("é ih", "The pieces are in the wrong order.",
             CHECKED + 'text = ""\nfor index in reversed(ids):\n    text += {256: "ih", 195: "é", 169: ""}.get(index, chr(index) if index < 128 else "")\nreturn text'),
            (UnicodeDecodeError, "A single id need not be a whole character. Join all bytes first, then decode them once.",
             CHECKED + 'return "".join(self.vocab[index].decode("utf-8") for index in ids)'),
            (raising(TypeError, "expected str instance, bytes found"), 'The pieces are bytes, so they are joined by bytes: b"".join.',
             CHECKED + 'return "".join(self.vocab[index] for index in ids)'),
            (raising(ValueError, "range(0, 256)"), "Only the first 256 ids are bytes themselves. What each id stands for is self.vocab[index].",
             CHECKED + 'return bytes(ids).decode("utf-8", errors="replace")'),
            (raising(TypeError, "int found"), "The ids were joined. What each stands for is self.vocab[index].",
             CHECKED + 'return b"".join(ids).decode("utf-8")')])

    def half_a_character_gives_the_mark():
        """Half a character gives the mark U+FFFD"""
        expect(BPETokenizer().decode([97, 195]), "a\ufffd", mistakes=[
            (UnicodeDecodeError, 'The byte 195 is the first half of a character, and decode refused it. With errors="replace" it puts the mark there.',
             CHECKED + 'return b"".join(self.vocab[index] for index in ids).decode("utf-8")',
             CHECKED + 'return b"".join(self.vocab[index] for index in ids).decode("utf-8", errors="strict")'),
            ("a", 'The half character vanished, and nobody would know. With errors="replace" a mark shows where it was.',
             CHECKED + 'return b"".join(self.vocab[index] for index in ids).decode("utf-8", errors="ignore")'),
            ("a\\xc3", 'That is the byte\'s notation. With errors="replace" the mark stands there.',
             CHECKED + 'return b"".join(self.vocab[index] for index in ids).decode("utf-8", errors="backslashreplace")')])

        expect(BPETokenizer().decode([255, 97]), "\ufffda")

    def arrays_and_tensors_of_ids_too():
        """Arrays and Tensors of ids too"""
        expect(BPETokenizer().decode(np.array([104, 105])), "hi")
        expect(BPETokenizer().decode(Tensor([104, 105], dtype=np.int64)), "hi")
        expect(BPETokenizer().decode([]), "")

    def ids_that_are_none_are_refused():
        """Ids outside the vocabulary are refused"""
        expect(BPETokenizer().decode([97]), "a")
        expect_raises(ValueError, lambda: BPETokenizer().decode([97, -1]), mentions=["decode: id -1 at position 1"], mistakes=[
            ("a\ufffd", "There is no id -1. A list counts from its end and gives the last one; the line that was given, with check_sequence, refuses it.",
             'return b"".join(self.vocab[int(index)] for index in ids).decode("utf-8", errors="replace")'),
            (lambda error: "decode" not in str(error) or "-1" not in str(error), "The sentence names the wrong thing. check_sequence takes the function's name, the ids, and how many ids there are.",
             'ids = check_sequence("ids", ids, self.vocab_size)\nreturn b"".join(self.vocab[index] for index in ids).decode("utf-8", errors="replace")')])

    wrong = [
        (CHECKED + 'return ""', "expected 'hi"),
        (CHECKED + 'return [self.vocab[index] for index in ids]', "expected"),
        (CHECKED + 'return b" ".join(self.vocab[index] for index in ids).decode("utf-8", errors="replace")', "expected"),
    ]

    right = [
        CHECKED + 'return b"".join(self.vocab[index] for index in ids).decode("utf-8", errors="replace")',
        CHECKED + 'found = bytearray()\nfor index in ids:\n    found += self.vocab[index]\nreturn found.decode(errors="replace")',
        CHECKED + 'return str(b"".join(map(self.vocab.__getitem__, ids)), "utf-8", "replace")',
    ]


class exercise_encode_word:

    def the_bytes_of_a_word_merged():
        """The bytes of a word, merged"""
        tokenizer = BPETokenizer().use_merges({(97, 98): 256, (256, 256): 257})
        expect(tokenizer.encode_word("cabab"), [99, 257], mistakes=[
            ([99, 97, 98, 97, 98], "Those are the bytes. Merge pairs of them while there is one that was learned.",
             LETTERS + "return ids"),
            ([99, 256, 256], "Now 256 stands beside 256, and that pair was learned too. Go on until no pair is left.",
             LETTERS + "pairs = " + LEARNED + "\nfor pair in pairs:\n    ids = merge_pair(ids, pair, self.merges[pair])\nreturn ids"),
            ([256, 256], "The first letter has vanished. It has no partner and stays as it is.",
             LETTERS + "ids = ids[1:]\nwhile (97, 98) in zip(ids, ids[1:]):\n    ids = merge_pair(ids, (97, 98), 256)\nreturn ids"),
            ([257], "The first letter has vanished. It has no partner and stays as it is.",
             LETTERS + "for pair, new_id in self.merges.items():\n    ids = merge_pair(ids, pair, new_id)\nreturn ids[1:]"),
            (IndexError, "The ids became fewer, and the loop went on to their old number. After each merge, look at the new ids from the beginning.",
             LETTERS + "for place in range(len(ids) - 1):\n    pair = (ids[place], ids[place + 1])\n    if pair in self.merges:\n        ids = merge_pair(ids, pair, self.merges[pair])\nreturn ids"),
            (KeyError, "A pair that was not learned was looked up. self.merges.get(pair, math.inf) puts those last; or ask whether it is in self.merges.",
             LETTERS + "while len(ids) > 1:\n    earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges[pair])\n    ids = merge_pair(ids, earliest, self.merges[earliest])\nreturn ids",
             LETTERS + "while len(ids) > 1:\n    earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, math.inf))\n    ids = merge_pair(ids, earliest, self.merges[earliest])\nreturn ids"),
            (lambda got: isinstance(got, str) or (isinstance(got, list) and any(isinstance(x, str) for x in got)), 'Letters are no ids. word.encode("utf-8") gives the bytes, and a list of those is where it begins.',
             "return list(word)")])

    def the_merge_that_was_learned_first():
        """The merge that was learned first goes first"""
        tokenizer = BPETokenizer().use_merges({(98, 99): 256, (97, 98): 257, (100, 256): 258})
        expect(tokenizer.encode_word("abc"), [97, 256], mistakes=[
            ([257, 99], "ab stands further left, but bc was learned earlier, and in training it was merged first. The smallest new id goes first.",
             LETTERS + "index = 0\nwhile index < len(ids) - 1:\n    pair = (ids[index], ids[index + 1])\n    if pair in self.merges:\n        ids[index:index + 2] = [self.merges[pair]]\n        index = 0\n    else:\n        index += 1\nreturn ids",
             LETTERS + "while len(ids) > 1:\n    latest = max(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, -1))\n    if latest not in self.merges:\n        break\n    ids = merge_pair(ids, latest, self.merges[latest])\nreturn ids",
             'data, ids = word.encode("utf-8"), []\nwhile data:\n    index = max((i for i in range(len(self.vocab)) if data.startswith(self.vocab[i])), key=lambda i: len(self.vocab[i]))\n    ids.append(index)\n    data = data[len(self.vocab[index]):]\nreturn ids')])
        expect(tokenizer.encode_word("dbcab"), [258, 257])

    def one_byte_none_and_letters_of_several_bytes():
        """One byte, none, and letters of several bytes"""
        tokenizer = BPETokenizer().use_merges({(195, 169): 256})
        expect(tokenizer.encode_word("é"), [256], mistakes=[
            ([233], 'ord gives the code point of é, 233. Its bytes are 195 and 169: word.encode("utf-8").',
             "ids = [ord(letter) for letter in word]\nfor pair, new_id in self.merges.items():\n    ids = merge_pair(ids, pair, new_id)\nreturn ids"),
            (ValueError, "One id is left, which has no pair, and min of nothing is an error. Look while there is more than one id.",
             LETTERS + "while True:\n    earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, math.inf))\n    if earliest not in self.merges:\n        return ids\n    ids = merge_pair(ids, earliest, self.merges[earliest])"),
            ([195, 169], "Two ids are left, and they are a pair that was learned. Go on while there is more than one id.",
             LETTERS + "while len(ids) > 2:\n    earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, math.inf))\n    if earliest not in self.merges:\n        break\n    ids = merge_pair(ids, earliest, self.merges[earliest])\nreturn ids")])
        expect([tokenizer.encode_word("a"), tokenizer.encode_word("")], [[97], []], mistakes=[
            (ValueError, "A word of one byte has no pairs, and min of nothing is an error. Look while there is more than one id.",
             LETTERS + "while True:\n    earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, math.inf))\n    if earliest not in self.merges:\n        break\n    ids = merge_pair(ids, earliest, self.merges[earliest])\n    if len(ids) == 1:\n        break\nreturn ids")])

    def every_place_of_a_pair_is_merged():
        """Every place of a pair is merged"""
        tokenizer = BPETokenizer().use_merges({(97, 97): 256, (256, 97): 257, (256, 256): 258})
        expect(tokenizer.encode_word("aaaaa"), [256, 257])
        expect(tokenizer.encode_word("aaaa"), [258])

    def only_merges_that_apply_cost_a_pass():
        """Only the merges that apply cost a pass over the word"""
        pairs = [(108, 111), (256, 119), *((left, right) for left in range(128, 168) for right in range(200, 250))]
        tokenizer = BPETokenizer().use_merges({pair: 256 + number for number, pair in enumerate(pairs)})
        expect(tokenizer.encode_word("lower"), [257, 101, 114])
        expect_cost(lambda: tokenizer.encode_word("lower"), lambda: [merge_pair([108, 111, 119, 101, 114], pair, 256) for pair in pairs[:200]], at_most=1.0,
                    message="Of 2,002 merges 2 apply to this word, and encoding it took longer than 200 passes over it. The ids are right; look only for pairs that stand in the word, and take of them the one with the smallest new id.")

    wrong = [
        (LETTERS + "while len(ids) > 1:\n    earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, math.inf))\n    if earliest in self.merges:\n        break\n    ids = merge_pair(ids, earliest, self.merges[earliest])\nreturn ids", "[99, 97, 98, 97, 98]"),
        (LETTERS + "for pair, new_id in self.merges.items():\n    ids = merge_pair(ids, pair, new_id)", "returned None"),
        (LETTERS + "for pair, new_id in self.merges.items():\n    ids = merge_pair(ids, pair, new_id)\nreturn ids", "took longer than 200 passes"),
        (LETTERS + "for pair, new_id in reversed(list(self.merges.items())):\n    ids = merge_pair(ids, pair, new_id)\nreturn ids", "expected [99, 257]"),
    ]

    right = [
        LETTERS + "while len(ids) > 1:\n    earliest = min(itertools.pairwise(ids), key=lambda pair: self.merges.get(pair, math.inf))\n    if earliest not in self.merges:\n        break\n    ids = merge_pair(ids, earliest, self.merges[earliest])\nreturn ids",
        LETTERS + "while found := [(self.merges[pair], pair) for pair in set(zip(ids, ids[1:])) if pair in self.merges]:\n    new_id, pair = min(found)\n    ids = merge_pair(ids, pair, new_id)\nreturn ids",
        "ids = [*word.encode()]\nwhile True:\n    known = {self.merges[pair]: pair for pair in zip(ids, ids[1:]) if pair in self.merges}\n    if not known:\n        return ids\n    ids = merge_pair(ids, known[min(known)], min(known))",
    ]


class exercise_split_special:

    def names_are_pieces_of_their_own():
        """Names are pieces of their own"""
        expect(split_special("hi<end>you<end>", ["<end>"]), ["hi", "<end>", "you", "<end>"], mistakes=[
            (["hi", "you"], "The names are lost. re.split keeps what it cut at where the pattern stands in parentheses.",
             NONE + LONGEST + PATTERN + "return [piece for piece in re.split(pattern, text) if piece]"),
            (["hi", "you", ""], "The names are lost. re.split keeps what it cut at where the pattern stands in parentheses.",
             NONE + LONGEST + PATTERN + "return re.split(pattern, text)"),
            (["hi", "<end>", "you", "<end>", ""], "The last piece is empty: nothing stands behind the last name. Leave empty pieces out.",
             NONE + LONGEST + PATTERN + 'return re.split(f"({pattern})", text)'),
            (["<end>", "<end>"], "The text between the names is lost. re.split gives both; re.findall only what fits.",
             NONE + LONGEST + PATTERN + "return re.findall(pattern, text)"),
            (["hi<end>you<end>"], "Nothing was cut.",
             "return [text]")])

    def the_signs_of_a_name_mean_themselves():
        """The signs of a name mean themselves"""
        expect(split_special("a<|end|>b|end", ["<|end|>"]), ["a", "<|end|>", "b|end"], mistakes=[
            (["a", "<", "|", "end", "|", ">", "b|", "end"], "In a pattern | means or, so it was cut at <, at end and at >. re.escape(name) makes every sign mean itself.",
             'if not names:\n    return [text] if text else []\npattern = "|".join(names)\nreturn [piece for piece in re.split(f"({pattern})", text) if piece]'),
            (lambda got: "end" in got, "In a pattern | means or, so it was cut at <, at end and at >. re.escape(name) makes every sign mean itself.",
             'pattern = "|".join(sorted(names, key=len, reverse=True))\nreturn [piece for piece in re.split(f"({pattern})", text) if piece] if pattern else [text][:len(text)]')])
        expect(split_special("a.b", ["."]), ["a", ".", "b"])

    def the_longer_name_is_meant():
        """Where two names begin, the longer one is meant"""
        expect(split_special("x<end>y", ["<en", "<end>"]), ["x", "<end>", "y"], mistakes=[
            (["x", "<en", "d>y"], "The shorter name was tried first. Of the ways in a pattern the first that fits is taken: put the longest name first.",
             NONE + PATTERN + PIECES,
             NONE + "names = sorted(names, key=len)\n" + PATTERN + PIECES,
             NONE + "names = sorted(names)\n" + PATTERN + PIECES)])
        expect(split_special("<b><a><end>", {"<a>": 1, "<b>": 2, "<end>": 3}), ["<b>", "<a>", "<end>"], mistakes=[
            (lambda got: len(got) < 3, "There are three names here. The pattern says: this one, or that one, or that one.",
             NONE + "name = re.escape(max(names, key=len))\nreturn [piece for piece in re.split(f'({name})', text) if piece]"),
            ((TypeError, AttributeError, KeyError), "The names came as the keys of a dict. Go through them with for, or sort them; do not ask for names[0].",
             "if not names:\n    return [text] if text else []\nnames.sort(key=len, reverse=True)\n" + PATTERN + PIECES)])

    def no_names_or_no_text():
        """No names, or no text"""
        expect(split_special("hi", []), ["hi"], mistakes=[
            (["h", "i"], "Without names the pattern is empty, and an empty pattern fits between all letters. Treat that first: a list with the text in it, or an empty list when the text is empty.",
             LONGEST + PATTERN + PIECES),
            ([], "The text is lost. Without names it is one piece.",
             "if not names:\n    return []\n" + LONGEST + PATTERN + PIECES),
            ("hi", "That is the text. A list with one piece is asked for.",
             "if not names:\n    return text\n" + LONGEST + PATTERN + PIECES)])
        expect([split_special("", []), split_special("", ["<end>"])], [[], []], mistakes=[
            (lambda got: got == [[""], []], "Without names an empty text became an empty piece. There are no empty pieces.",
             "if not names:\n    return [text]\n" + LONGEST + PATTERN + PIECES)])
        expect(split_special("nothing", ["<end>"]), ["nothing"])

    wrong = [
        (NONE + LONGEST + PATTERN + "re.split(f'({pattern})', text)", "returned None"),
        ("for name in names:\n    text = text.replace(name, f' {name} ')\nreturn text.split()", "The shorter name was tried first"),
        (NONE + LONGEST + PATTERN + 'return [piece.strip("<") for piece in re.split(f"({pattern})", text) if piece]', "expected"),
    ]

    right = [
        NONE + LONGEST + PATTERN + PIECES,
        "pieces = [text]\nfor name in sorted(names, key=len, reverse=True):\n    pieces = [part for piece in pieces for part in ([piece] if piece in names else re.split('(' + re.escape(name) + ')', piece))]\nreturn [piece for piece in pieces if piece]",
        ("pieces, begin, place = [], 0, 0\nwhile place < len(text):\n    found = [name for name in names if text.startswith(name, place)]\n    if found:\n        name = max(found, key=len)\n"
         "        pieces += [text[begin:place], name]\n        begin = place = place + len(name)\n    else:\n        place += 1\npieces.append(text[begin:])\nreturn [piece for piece in pieces if piece]"),
    ]

    equivalent = [
        ("longest_first = sorted(names, key=len, reverse=True)  ->  longest_first = sorted(names, reverse=True)",
         "names that begin at one place begin alike, and of such the longer one is last in the alphabet"),
    ]


class exercise_encode_ordinary:

    def the_same_ids_each_time():
        """The same ids each time"""
        tokenizer = BPETokenizer().use_merges({(108, 111): 256, (256, 119): 257})
        expect([list(tokenizer.encode_ordinary("low lower")) for time in range(3)], [[257, 32, 257, 101, 114]] * 3, mistakes=[
            (lambda got: got[0] == [257, 32, 257, 101, 114] and len(got[1]) > 5, "The first time it is right, then it grows. The list of the first word lies in the cache, and += writes into it.",
             "words = split_words(text)\nif not words:\n    return []\nids = self.recall(words[0])\nfor word in words[1:]:\n    ids += self.recall(word)\nreturn ids",
             "words = split_words(text)\nif not words:\n    return []\nids = self.recall(words[0])\nfor word in words[1:]:\n    ids.extend(self.recall(word))\nreturn ids"),
            (lambda got: any(isinstance(part, list) for part in got[0]), "There is a list for each word. One list of all ids is asked for: extend, not append.",
             "ids = []\nfor word in split_words(text):\n    ids.append(self.recall(word))\nreturn ids",
             "words = split_words(text)\nif not words:\n    return []\nids = list(self.recall(words[0]))\nfor word in words[1:]:\n    ids.append(self.recall(word))\nreturn ids"),
            ([[257]] * 3, "Only the first word is there. Return after the loop.",
             "ids = []\nfor word in split_words(text):\n    ids.extend(self.recall(word))\n    return ids"),
            ([[257, 257, 101, 114]] * 3, "The space is lost. It belongs to the word behind it: split_words keeps it.",
             "ids = []\nfor word in text.split():\n    ids.extend(self.recall(word))\nreturn ids"),
            ([[32, 257, 101, 114]] * 3, "The first word is lost.",
             "ids = []\nfor word in split_words(text)[1:]:\n    ids.extend(self.recall(word))\nreturn ids")])

    def the_list_is_the_callers():
        """The list belongs to the caller"""
        tokenizer = BPETokenizer().use_merges({(108, 111): 256, (256, 119): 257})
        expect([tokenizer.encode_ordinary("low").append(0), tokenizer.encode_ordinary("low")], [None, [257]], mistakes=[
            (lambda got: got[1] == [257, 0], "A text of one word got the cache's own list, and its owner wrote into it. Begin with a list of your own in any case.",
             "words = split_words(text)\nif not words:\n    return []\nids = self.recall(words[0])\nfor word in words[1:]:\n    ids = ids + self.recall(word)\nreturn ids",
             "words = split_words(text)\nif len(words) == 1:\n    return self.recall(text)\nids = []\nfor word in words:\n    ids += self.recall(word)\nreturn ids")])

    def the_cache_is_used_and_stays_right():
        """The cache is used, and stays right"""
        tokenizer = BPETokenizer().use_merges({(108, 111): 256, (256, 119): 257})
        for text in ("low low", "low lower", "lower"):
            tokenizer.encode_ordinary(text)
        expect(tokenizer.cache, {"low": [257], " low": [32, 257], " lower": [32, 257, 101, 114], "lower": [257, 101, 114]}, mistakes=[
            ({}, "The cache is empty. Going round it is right and slow: in a text most words come again, and recall remembers them.",
             "ids = []\nfor word in split_words(text):\n    ids.extend(self.encode_word(word))\nreturn ids"),
            ({"lower": [257, 101, 114]}, "The cache was emptied each time. It may stay; nobody must write into its lists.",
             "self.cache.clear()\nids = []\nfor word in split_words(text):\n    ids.extend(self.recall(word))\nreturn ids"),
            (lambda got: "low low" in got, "Whole texts are in the cache. It is for words, which come again.",
             "return list(self.recall(text))")])

    def no_text_and_a_new_list_each_time():
        """An empty text, and a new list each time"""
        tokenizer = BPETokenizer()
        expect([list(tokenizer.encode_ordinary(text)) for text in ("", "a b", "a b")], [[], [97, 32, 98], [97, 32, 98]], mistakes=[
            (IndexError, "An empty text has no first word. Begin with an empty list.",
             "words = split_words(text)\nids = list(self.recall(words[0]))\nfor word in words[1:]:\n    ids += self.recall(word)\nreturn ids")])

    def no_id_is_copied_twice():
        """A long text costs what its words cost"""
        tokenizer = BPETokenizer().use_merges({(108, 111): 256, (256, 119): 257})
        text = "low lower " * 2000
        expect([len(tokenizer.encode_ordinary(text)) for time in range(2)], [12000, 12000])
        expect_cost(lambda: tokenizer.encode_ordinary(text), lambda: [list(tokenizer.recall(word)) for word in split_words(text)], at_most=5.0,
                    message="Encoding a text of 4,000 words took more than 5 times as long as its words alone. The ids may be right. Either the words are encoded anew, without recall, or ids = ids + … or sum(…, []) copies the whole list for each word. Take the ids of each word from recall, and extend one list of your own.")

    wrong = [
        ("ids = []\nfor word in split_words(text):\n    ids = self.recall(word)\nreturn ids", "expected"),
        ("ids = []\nfor word in split_words(text):\n    ids.extend(self.recall(word))", "not iterable"),
        ("return [self.recall(word) for word in split_words(text)]", "There is a list for each word"),
        ("return sum((self.recall(word) for word in split_words(text)), [])", "copies the whole list for each word"),
        ("ids = []\nfor word in split_words(text):\n    ids = ids + self.recall(word)\nreturn ids", "copies the whole list for each word"),
        ("ids = ()\nfor word in split_words(text):\n    ids += tuple(self.recall(word))\nreturn ids", "append"),
    ]

    right = [
        "ids = []\nfor word in split_words(text):\n    ids.extend(self.recall(word))\nreturn ids",
        "words = split_words(text)\nif not words:\n    return []\nids = list(self.recall(words[0]))\nfor word in words[1:]:\n    ids += self.recall(word)\nreturn ids",
        "return [index for word in split_words(text) for index in self.recall(word)]",
        "return list(itertools.chain.from_iterable(map(self.recall, split_words(text))))",
    ]


class exercise_correct_counts:

    def the_words_that_hold_the_pair():
        """The words that hold the pair have the new id"""
        index = PairIndex({(1, 2, 3): 5, (2, 3): 1, (4, 4): 2})
        index.merge((2, 3), 9)
        expect(index.words, [(1, 9), (9,), (4, 4)], mistakes=[
            (lambda got: got[0] == (1, 2, 3), "The words are as they were. Put the merged word back at its number.",
             CHANGE + HOLDING.replace("new = self.words[number] = ", "new = ") + LOST + GAINED + CORRECT),
            (lambda got: isinstance(got[0], list), "A word is a tuple of ids. merge_pair gives a list.",
             CHANGE + HOLDING.replace("tuple(merge_pair(old, pair, new_id))", "merge_pair(old, pair, new_id)") + LOST + GAINED + CORRECT)])
        expect(index.times, [5, 1, 2])

    def the_counts_are_those_of_counting_anew():
        """The counts are those of counting anew"""
        index = PairIndex({(1, 2, 3): 5, (2, 3): 1, (4, 4): 2})
        index.merge((2, 3), 9)
        expect(index.counts, {(1, 9): 5, (4, 4): 2}, mistakes=[
            ({(1, 2): 5, (2, 3): 6, (4, 4): 2}, "The counts are as they were. Give each change to self.add.",
             CHANGE + HOLDING + LOST + GAINED),
            (lambda got: got.get((1, 9)) == 1, "That word occurs 5 times, so each of its pairs does. (1, 9) is gained 5 times, and (1, 2) is lost 5 times, until nothing is left of it.",
             CHANGE + HOLDING + LOST.replace("-= times", "-= 1") + GAINED.replace("+= times", "+= 1") + CORRECT),
            (lambda got: (1, 9) in got and (1, 2) in got, "(1, 2) is gone from the words and still counted. Every pair of the old word is lost first, every pair of the new one is gained.",
             CHANGE + HOLDING + GAINED + CORRECT,
             CHANGE + HOLDING + "    change[pair] -= times\n" + GAINED + CORRECT),
            (lambda got: (1, 9) not in got, "The new pair (1, 9) is not counted.",
             CHANGE + HOLDING + LOST + CORRECT)])
        expect(index.most_frequent(), ((1, 9), 5), mistakes=[
            (lambda got: got[0] == (4, 4), "The counts are right, and most_frequent has not heard of (1, 9). Only self.add tells it: give every change to self.add.",
             CHANGE + HOLDING + LOST + GAINED + "for changed, difference in change.items():\n    self.counts[changed] = self.counts.get(changed, 0) + difference\n    if not self.counts[changed]:\n        del self.counts[changed]",
             "for number in self.places.pop(pair):\n    new = self.words[number] = tuple(merge_pair(self.words[number], pair, new_id))\n    for gained in itertools.pairwise(new):\n        self.places[gained].add(number)\nself.counts = count_pairs(dict(zip(self.words, self.times)))")])
        same = PairIndex({(7, 7, 7, 7, 7): 2})
        same.merge((7, 7), 8)
        expect(same.counts, {(8, 8): 2, (8, 7): 2})

    def a_second_merge_finds_its_words():
        """A second merge finds its words"""
        index = PairIndex({(1, 2, 3): 5, (2, 3): 1, (1, 2): 2})
        index.merge((2, 3), 9)
        expect(index.merge((1, 9), 10), None, mistakes=[
            (KeyError, "Nobody noted which words hold the new pairs. Add the word's number to self.places of each pair that was gained.",
             CHANGE + HOLDING + LOST + GAINED.replace("        self.places[gained].add(number)\n", "") + CORRECT)])
        expect(index.words, [(10,), (9,), (1, 2)])
        expect(index.counts, {(1, 2): 2}, mistakes=[
            (lambda got: (2, 3) in got, "(2, 3) is gone from the words and still counted. What a word loses, it loses as often as it occurs.",
             CHANGE + HOLDING + LOST.replace("-= times", "-= 1") + GAINED.replace("+= times", "+= 1") + CORRECT)])
        expect((2, 3) in index.places, False, mistakes=[
            (True, "The pair was merged everywhere, and its words are still remembered. self.places.pop(pair) takes them out.",
             CHANGE + HOLDING.replace("self.places.pop(pair)", "list(self.places[pair])") + LOST + GAINED + CORRECT)])

    def only_the_words_that_hold_the_pair_are_visited():
        """Only words that hold the pair are visited"""
        class Watched(list):
            def __getitem__(self, number):
                visited.append(number)
                return list.__getitem__(self, number)

            def __iter__(self):
                visited.extend(range(len(self)))
                return list.__iter__(self)

        index, visited = PairIndex({(1, 2): 2, (3, 4): 2, (5, 1, 2): 1, (6, 7): 1}), []
        index.words = Watched(index.words)
        index.merge((1, 2), 9)
        expect(sorted(set(visited)), [0, 2], mistakes=[
            ([0, 1, 2, 3], "Every word was visited, and only words 0 and 2 hold the pair. self.places[pair] says which words to visit.",
             CHANGE + HOLDING.replace("for number in self.places.pop(pair):", "self.places.pop(pair)\nfor number in range(len(self.words)):") + LOST + GAINED + CORRECT,
             CHANGE + "self.places.pop(pair)\nfor number, old in enumerate(list(self.words)):\n    if pair in zip(old, old[1:]):\n        times = self.times[number]\n        new = self.words[number] = tuple(merge_pair(old, pair, new_id))\n        for lost in itertools.pairwise(old):\n            change[lost] -= times\n        for gained in itertools.pairwise(new):\n            change[gained] += times\n            self.places[gained].add(number)\n" + CORRECT)])
        expect(index.counts, {(3, 4): 2, (5, 9): 1, (6, 7): 1})

    wrong = [
        (CHANGE + "self.words = [tuple(merge_pair(ids, pair, new_id)) for ids in self.words]\nself.counts = count_pairs(dict(zip(self.words, self.times)))", "still remembered"),
        ("pass", "expected"),
        (CHANGE + HOLDING + LOST.replace("-=", "+=") + GAINED + CORRECT, "expected"),
        (CHANGE + HOLDING.replace("self.places.pop(pair)", "range(len(self.words))") + LOST + GAINED + CORRECT, "still remembered"),
    ]

    right = [
        CHANGE + HOLDING + LOST + GAINED + CORRECT,
        ("for number in self.places.pop(pair):\n    old = self.words[number]\n    new = tuple(merge_pair(old, pair, new_id))\n    self.words[number] = new\n    for lost in zip(old, old[1:]):\n        self.add(lost, -self.times[number])\n"
         "    for gained in zip(new, new[1:]):\n        self.add(gained, self.times[number])\n        self.places[gained].add(number)"),
        ("change = Counter()\nnumbers = sorted(self.places.pop(pair))\nfor number in numbers:\n    word, times = self.words[number], self.times[number]\n    change.subtract({key: n * times for key, n in Counter(itertools.pairwise(word)).items()})\n"
         "    word = tuple(merge_pair(word, pair, new_id))\n    self.words[number] = word\n    for gained in itertools.pairwise(word):\n        change[gained] += times\n        self.places[gained].add(number)\n"
         "for key, difference in change.items():\n    if difference:\n        self.add(key, difference)"),
    ]
