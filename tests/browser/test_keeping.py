"""What the reader wrote is kept: over reloads, tabs, restarts, new editions and cleared storage; or the reader is told."""

import json

from playwright.sync_api import expect

from tinytorch import learn

from .reader import Reader

FIRST = "01.memory_footprint"
MINE = "# my own words: Größe, 大きさ\n"

REFUSE_STORAGE = """
    const refuse = () => { throw new DOMException('The user denied permission', 'SecurityError'); };
    Object.defineProperty(window, 'indexedDB', { get: refuse, configurable: true });
"""


def second() -> str:
    return next(e.id for e in learn.chapter("01").exercises if e.id != FIRST)


def solved(id: str = FIRST) -> str:
    return MINE + learn.exercise(id).solution


def test_after_a_reload_everything_is_as_it_was(reader):
    assert reader.exercise(FIRST).check(solved()) == "passed"
    reader.exercise(second()).write(MINE)
    reader.until_saved().reload()
    assert reader.exercise(FIRST).text() == solved()
    assert reader.exercise(FIRST).state == "passed"
    assert reader.exercise(second()).text() == MINE
    lab = reader.lab(reader.page.locator("[data-lab]").first.get_attribute("data-lab"))
    lab.run("Tensor.memory_footprint.__code__.co_filename")
    assert "yours" in lab.output.inner_text()


def test_what_is_typed_is_saved_within_a_second(reader):
    reader.exercise(FIRST).write(MINE)
    reader.page.wait_for_timeout(1000)
    reader.reload()
    assert reader.exercise(FIRST).text() == MINE


def test_after_a_restart_of_the_browser(profile, server):
    reader = Reader(profile().new_page(), server.url).open("01")
    assert reader.exercise(FIRST).check(solved()) == "passed"
    reader.until_saved()
    again = Reader(profile().new_page(), server.url).open("01")
    assert again.exercise(FIRST).text() == solved()
    assert again.exercise(FIRST).state == "passed"


def test_two_tabs_do_not_overwrite_each_other(new_context, server):
    context = new_context()
    one = Reader(context.new_page(), server.url).open("01").until_isolated()
    two = Reader(context.new_page(), server.url).open("01").until_isolated()
    one.exercise(FIRST).write("# from tab one\n")
    one.until_saved()
    one.page.wait_for_timeout(500)
    assert two.exercise(FIRST).text() == "# from tab one\n"
    two.exercise(second()).write("# from tab two\n")
    two.until_saved()
    two.page.wait_for_timeout(500)
    assert one.exercise(second()).text() == "# from tab two\n"


def test_two_tabs_that_write_the_same_exercise_at_once_both_keep_their_text(new_context, server):
    context = new_context()
    one = Reader(context.new_page(), server.url).open("01").until_isolated()
    two = Reader(context.new_page(), server.url).open("01").until_isolated()
    for tab, text in ((one, "# tab one wrote this\n"), (two, "# tab two wrote that\n")):
        tab.page.evaluate("([id, text]) => window.tinytorch.setText(id, text)", [FIRST, text])
    one.page.wait_for_timeout(2500)
    kept = one.page.evaluate(ALL_TEXTS)
    assert "# tab one wrote this\n" in kept
    assert "# tab two wrote that\n" in kept
    told = one.exercise(FIRST).element.inner_text() + two.exercise(FIRST).element.inner_text()
    assert "other tab" in told or "another tab" in told


ALL_TEXTS = """async () => {
    const open = indexedDB.open('tinytorch');
    const database = await new Promise((done, failed) => { open.onsuccess = () => done(open.result); open.onerror = failed; });
    const all = name => new Promise(done => {
        const request = database.transaction(name).objectStore(name).getAll();
        request.onsuccess = () => done(request.result.map(record => record.text));
    });
    const texts = [...await all('exercises'), ...await all('history')];
    return texts;
}"""


def test_a_new_edition_of_an_exercise_keeps_the_text_and_says_so(new_context, server):
    context = new_context(service_workers="block")
    reader = Reader(context.new_page(), server.url).open("01")
    assert reader.exercise(FIRST).check(solved()) == "passed"
    reader.until_saved()

    def newer(route):
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace(learn.exercise(FIRST).edition, "0ther3d1"))

    context.route("**/modules/01_*.html", newer)
    card = reader.open("01").exercise(FIRST)
    assert card.text() == solved()
    expect(card.output).to_contain_text("new edition")
    card.press("Look at the new starter")
    expect(card.output).to_contain_text("raise NotImplementedError")
    assert card.text() == solved()


def test_a_pass_is_of_the_edition_whose_checks_were_run_not_of_the_page(new_context, server):
    """A page that is older or newer than the Python that it starts, as one that was open while the site was updated."""
    context = new_context(service_workers="block")
    checked = learn.exercise(FIRST).edition

    def other(route):
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace(checked, "0ther3d1"))

    context.route("**/modules/01_*.html", other)
    reader = Reader(context.new_page(), server.url).open("01")
    card = reader.exercise(FIRST)
    assert card.check(solved()) == "passed"
    expect(card.element.locator("[data-role=state]")).to_have_text("passed in another edition")
    reader.until_saved()
    assert reader.page.evaluate(PASSED)["edition"] == checked
    context.unroute("**/modules/01_*.html")
    card = reader.open("01").exercise(FIRST)
    expect(card.element.locator("[data-role=state]")).to_have_text("passed")
    expect(card.output).not_to_contain_text("new edition")


def test_cleared_storage_starts_anew_without_errors(reader):
    reader.exercise(FIRST).write(MINE)
    reader.until_saved()
    client = reader.page.context.new_cdp_session(reader.page)
    client.send("Storage.clearDataForOrigin", {"origin": reader.url.split("/tinytorch")[0], "storageTypes": "all"})
    reader.reload().until_isolated()
    assert reader.exercise(FIRST).text() == learn.exercise(FIRST).starter.rstrip()
    assert reader.exercise(FIRST).check(solved()) == "passed"


def test_without_storage_the_page_works_and_says_what_is_lost(new_context, server):
    context = new_context()
    context.add_init_script(REFUSE_STORAGE)
    reader = Reader(context.new_page(), server.url).open("01").until_isolated()
    assert reader.page.locator("html").get_attribute("data-saved") == "unavailable"
    expect(reader.page.locator(".tt-note--storage")).to_contain_text("does not let the site keep anything")
    assert reader.exercise(FIRST).check(solved()) == "passed"


def test_reset_can_be_taken_back(reader):
    card = reader.exercise(FIRST)
    card.write(MINE)
    card.press("Reset").press("Yes, start over")
    expect(card.output).to_contain_text("The starter is back")
    assert card.text() == learn.exercise(FIRST).starter.rstrip()
    card.press("Undo")
    expect(reader.status).to_contain_text("earlier code is back")
    assert card.text() == MINE


def test_the_last_words_before_a_page_goes_away_are_kept(reader):
    reader.exercise(FIRST).write(MINE)
    reader.reload()
    expect(reader.exercise(FIRST).element.locator(".cm-content")).to_contain_text("my own words")
    assert reader.exercise(FIRST).text() == MINE


def test_a_pass_is_of_the_text_that_was_checked_whatever_is_typed_meanwhile(reader):
    card = reader.exercise(FIRST)
    card.write(solved())
    card.press("Check")  # Python is still to start, so there is time to type on
    card.write("half a thou")
    card.settle("passed")
    reader.until_saved()
    assert reader.page.evaluate(PASSED)["text"] == solved()
    assert card.text() == "half a thou"


PASSED = """async () => {
    const open = indexedDB.open('tinytorch');
    const database = await new Promise(done => { open.onsuccess = () => done(open.result); });
    const request = database.transaction('exercises').objectStore('exercises').get('01.memory_footprint');
    return new Promise(done => { request.onsuccess = () => done(request.result.passed); });
}"""


def test_a_tab_that_slept_through_a_clearing_overwrites_nothing_newer(new_context, server):
    context = new_context()
    old = Reader(context.new_page(), server.url).open("01").until_isolated()
    for number in range(3):
        old.exercise(FIRST).write(f"# old {number}\n")
        old.until_saved()
    progress = context.new_page()
    progress.goto(f"{server.url}book/progress.html")
    progress.get_by_role("button", name="Clear everything", exact=True).click()
    progress.get_by_role("button", name="Yes, clear everything").click()
    progress.get_by_text("is removed from this browser").first.wait_for()
    new = Reader(context.new_page(), server.url).open("01").until_isolated()
    new.exercise(FIRST).write("# new\n")
    new.until_saved()
    old.exercise(FIRST).write("# old again\n")
    old.page.wait_for_timeout(1500)
    kept = new.page.evaluate(ALL_TEXTS)
    assert "# new\n" in kept
    assert "# old again\n" in kept


FULL = """() => {
    window.put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => { throw new DOMException('the disk is full', 'QuotaExceededError'); };
}"""


def test_on_a_full_disk_the_card_says_why_and_a_backup_holds_the_text_until_there_is_room(reader, tmp_path):
    card = reader.exercise(FIRST)
    reader.page.evaluate(FULL)
    card.write(MINE)
    note = card.element.locator(".tt-note--storage")
    expect(note).to_contain_text("the browser's storage is full. It is here only as long as the page is open.")
    assert note.bounding_box()["height"] > 40
    with reader.page.expect_download() as event:
        note.get_by_role("button", name="Download a backup").click()
    event.value.save_as(tmp_path / "backup.json")
    texts = [record["text"] for record in json.loads((tmp_path / "backup.json").read_text("utf-8"))["exercises"]]
    assert texts == [MINE]
    expect(note).to_contain_text("is in your downloads")
    reader.page.evaluate("() => { IDBObjectStore.prototype.put = window.put; }")
    card.write(MINE + "# and more\n")
    reader.until_saved()
    expect(note).to_have_count(0)


def test_a_database_that_the_browser_emptied_is_missed_and_a_backup_brings_it_back(reader, tmp_path):
    assert reader.exercise(FIRST).check(solved()) == "passed"
    reader.until_saved()
    reader.open_progress()
    backup = reader.download("Download a backup", tmp_path)
    client = reader.page.context.new_cdp_session(reader.page)
    origin = reader.url.split("/tinytorch")[0]
    client.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "indexeddb"})
    for _ in range(2):  # on every page until the reader has decided, also when something new was written
        reader.open("01")
        note = reader.page.locator("[data-role=gone]")
        expect(note).to_contain_text("This browser has removed what it kept for this site: your work up to ")
        assert reader.exercise(FIRST).text() == learn.exercise(FIRST).starter.rstrip()
        reader.exercise(second()).write(MINE)
        reader.until_saved()
    with reader.page.expect_file_chooser() as chooser:
        note.get_by_role("button", name="Restore a backup").click()
    chooser.value.set_files(backup)
    expect(note).to_contain_text("Restored 1 exercises")
    expect(reader.exercise(FIRST).element).to_have_attribute("data-state", "passed")
    assert (reader.exercise(FIRST).text(), reader.exercise(second()).text()) == (solved(), MINE)
    reader.open("01")
    expect(reader.exercise(FIRST).element).to_have_attribute("data-state", "passed")
    expect(reader.page.locator("[data-role=gone]")).to_have_count(0)


def test_the_scratch_editor_runs_on_what_passed_and_keeps_what_was_tried(reader):
    assert reader.exercise(FIRST).check(solved()) == "passed"
    scratch = reader.lab("01.scratch")
    assert scratch.run("Tensor.memory_footprint.__code__.co_filename") == "idle"
    assert "yours" in scratch.output.inner_text()
    assert scratch.run("1 / 0") == "error"
    expect(scratch.element.locator(".tt-error-line")).to_have_text("1 / 0")
    reader.until_saved().reload()
    assert scratch.text() == "1 / 0"
    reader.open("02")
    assert reader.lab("02.scratch").text().startswith("# Try things here")


def test_a_function_that_passed_and_was_broken_since_is_named_where_it_runs_and_on_the_progress_page(reader):
    card = reader.exercise(FIRST)
    assert card.check(solved()) == "passed"
    assert card.check(learn.exercise(FIRST).solution.replace("return ", "return 1 + ")) == "failed"
    words = "Your Tensor.memory_footprint (chapter 01) has been changed since it passed and does not pass as it stands"
    later = reader.until_saved().open("02").exercise(learn.chapter("02").exercises[0].id)
    assert later.check(learn.chapter("02").exercises[0].solution) == "passed"
    expect(later.output.locator("[data-role=behind]")).to_contain_text(words)
    reader.open_progress()
    expect(reader.page.get_by_role("listitem").filter(has_text="passed, but not as it stands there now")).to_have_count(
        1
    )
    again = reader.open("01").exercise(FIRST)
    assert again.check(solved()) == "passed"
    later = reader.until_saved().open("02").exercise(learn.chapter("02").exercises[0].id)
    assert later.act("Check") == "passed"
    expect(later.output.locator("[data-role=behind]")).to_have_count(0)
