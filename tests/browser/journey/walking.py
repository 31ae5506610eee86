"""Someone who goes from page to page with one profile, and does everything that the pages ask for."""

from dataclasses import dataclass, field

from playwright.sync_api import expect

from tests.chapters.course import own_version
from tinytorch.learn.keeping.progress import Progress

from ..reader import RUN, Reader


@dataclass
class Journey:
    """A reader with a profile; `ran` holds whose functions each milestone's program called, and how often."""

    reader: Reader
    ran: dict = field(default_factory=dict)
    done: list = field(default_factory=list)

    def until(self, stops, last):
        """Do everything up to and with this stop, unless it is done already."""
        for stop in stops[: stops.index(last) + 1]:
            if stop.id not in self.done:
                self.done.append(stop.id)
                self.walk(stop)
        return self

    def open(self, stop):
        (self.reader.open_milestone if stop.programs else self.reader.open)(stop.id)
        return self.reader.until_isolated()

    def walk(self, stop):
        """Everything that the page asks for, kind by kind."""
        self.open(stop)
        for exercise in stop.exercises:
            self.solve(exercise)
        for program in stop.programs:
            self.run(program)
        for lab in stop.labs:
            self.measure(lab)
        for question in stop.questions:
            answered = "open" if question["kind"] == "open" else "right"
            expect(self.reader.answer(question).element).to_have_attribute("data-answered", answered)
        self.reader.until_saved()

    def solve(self, exercise):
        """A version of the reader's own, which is not the library's, passes every check."""
        card, count = self.reader.exercise(exercise.id), len(exercise.checks)
        assert card.check(own_version(exercise)) == "passed", f"{exercise.id}: {card.output.inner_text()}"
        expect(self.reader.status).to_contain_text(f"Check passed: {count} of {count}")

    def measure(self, lab):
        """The code as printed runs without an error and shows something."""
        card = self.reader.lab(lab["id"])
        assert card.act("Run", timeout=RUN) == "idle", f"{lab['id']}: {card.output.inner_text()}"
        assert card.output.inner_text().strip() or card.output.locator("img").count(), lab["id"]

    def run(self, program):
        """Every goal is reached; keep whose functions ran, and how often."""
        card, count = self.reader.program(program.id), len(program.goals)
        press = "Run the shorter form" if program.shorter else "Run"
        assert card.act(press, timeout=RUN) == "passed", f"{program.id}: {card.output.inner_text()}"
        expect(self.reader.status).to_contain_text(f"{count} of {count} goals")
        self.ran[program.id] = card.credits()
        return card

    def restore(self, progress: Progress, folder):
        """Bring these records into the browser, as a reader brings a backup."""
        file = folder / "backup.json"
        file.write_text(progress.to_json(), encoding="utf-8")
        page = self.reader.open_progress().page
        page.locator("#tt-restore").set_input_files(str(file))
        expect(page.locator(".tt-progress-files .tt-note")).to_contain_text(
            f"Restored {len(progress.exercises)} exercises", timeout=60_000
        )
        return self

    def backup(self, folder) -> Progress:
        """Download the backup, and read it as `tito` does."""
        file = self.reader.open_progress().download("Download a backup", folder)
        return Progress.from_file(str(file))
