"""What a cell prints stands on the page as it was printed, also where the kernel sent it in pieces."""

from nbformat.v4 import new_output

from tinytorch_book.streams import joined


def printed(*texts, name="stdout"):
    return [new_output("stream", name=name, text=text) for text in texts]


def test_a_line_cut_before_its_break_gets_no_empty_line():
    assert [output["text"] for output in joined(printed("one", "\ntwo\n"))] == ["one\ntwo\n"]
    assert [output["text"] for output in joined(printed("one, ", "the rest\n"))] == ["one, the rest\n"]


def test_an_empty_line_that_was_printed_stays():
    assert joined(printed("one\n\n", "two\n"))[0]["text"] == "one\n\ntwo\n"


def test_other_outputs_and_streams_stay_apart():
    shown = new_output("display_data", data={"text/plain": "a picture"})
    outputs = joined([*printed("one\n"), shown, *printed("careful\n", name="stderr")])
    assert [output["output_type"] for output in outputs] == ["stream", "display_data", "stream"]


def test_the_notebook_itself_stays_as_it_is():
    outputs = printed("one, ", "two\n", "three")
    assert joined(outputs) == joined(outputs)
    assert outputs == printed("one, ", "two\n", "three")
