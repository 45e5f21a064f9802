"""A day in the store: many stories at once, each on its own item, step by step through the doors of a world."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from scenarios import audit
from scenarios.asks import Ask
from scenarios.audit import Finding
from scenarios.doors import Book, Doors, Record
from scenarios.plot import END, Plot, Scene, plot
from scenarios.story import Story

__all__ = ["Day", "live", "live_plots"]

SWEEPS, SETTLES = 0.6, 0.15


@dataclass
class Day:
    """What a day brought: what was found, and how many stories saw what."""

    stories: int = 0
    findings: list[Finding] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Day") -> "Day":
        return Day(self.stories + other.stories, self.findings + other.findings, self.seen + other.seen)


def live(doors: Doors, seed: int, numbers: Sequence[int]) -> Day:
    """Let the stories of these numbers happen side by side. Same seed and numbers, same day."""
    return live_plots(doors, [plot(seed, number) for number in numbers], Random(f"{seed}/{numbers[0]}/day"))


def live_plots(doors: Doors, plots: Sequence[Plot], chance: Random) -> Day:
    """Let stories happen side by side, each on an item of its own, and judge each at every step.

    Scenes of different stories that fall in the same quarter of an hour share transactions; those of one story never
    do. When the sweep passes and when the office catches up with its jobs is left to chance.
    """
    stories = [Story(one, sku) for one, sku in zip(plots, doors.stock(len(plots)), strict=True)]
    day = Day(len(stories))
    for slot in range(int(END)):
        _quarter(doors, day, stories, slot)
        if chance.random() < SWEEPS:
            _sweep(doors, stories)
        if chance.random() < SETTLES:
            doors.settle()
    doors.moment(int(END), 0)
    _sweep(doors, stories)
    doors.close()
    _judge_ends(doors, day, stories)
    return day


def _quarter(doors: Doors, day: Day, stories: Sequence[Story], slot: int) -> None:
    """Play the scenes of a quarter of an hour: the first of each story, then the second of each, and so on."""
    scenes = {story.sku: [one for one in story.plot.scenes if int(one.time) == slot] for story in stories}
    for rank in range(max(map(len, scenes.values()))):
        playing = [(story, scenes[story.sku][rank]) for story in stories if len(scenes[story.sku]) > rank]
        _play(doors, day, playing, slot, rank)


def _play(doors: Doors, day: Day, playing: Sequence[tuple[Story, Scene]], slot: int, rank: int) -> None:
    now = doors.moment(slot, rank)
    asked: dict[type, list[tuple[Story, Ask]]] = {}
    for story, scene in playing:
        ask = story.play(scene, now)
        if ask is not None:
            asked.setdefault(type(ask), []).append((story, ask))
    for pairs in asked.values():
        answers = doors.ask([ask for _, ask in pairs])
        answered_at = doors.clock()
        for (story, ask), answer in zip(pairs, answers, strict=True):
            day.findings += audit.at_the_grant(story, ask, answer, now, answered_at)
            story.hear(answer)
    if asked:
        touched = [story for pairs in asked.values() for story, _ in pairs]
        books = doors.books([story.sku for story in touched])
        read_at = doors.clock()
        for story in touched:
            day.findings += audit.after(story, books[story.sku], read_at)


def _sweep(doors: Doors, stories: Sequence[Story]) -> None:
    swept_at = doors.sweep()
    for story in stories:
        story.swept(swept_at)


def _judge_ends(doors: Doors, day: Day, stories: Sequence[Story]) -> None:
    skus = [story.sku for story in stories]
    books, records = doors.books(skus), doors.records(skus)
    for story in stories:
        day.findings += audit.at_the_end(story, books[story.sku], records[story.sku], doors.manager)
        day.seen.update([*story.seen, *_endings(story, books[story.sku], records[story.sku])])


def _endings(story: Story, book: Book, record: Record) -> Iterator[str]:
    if record.shortages:
        yield "a unit leaves that the book does not have"
    if story.was_doubtful:
        yield "a late fact leaves the book beside what was counted"
    if record.corrections:
        yield "a late fact takes back what a count adjusted"
    for one in record.inbox:
        yield "its exception stays open" if one.is_open else "its exception closes itself"
        yield from (len(one.kinds) > 1) * ("one exception has two kinds of evidence",)
    if not record.inbox:
        yield "it ends without a conflict"
    if book.on_hand != story.shelf.in_store:
        yield "shelf and book differ, and an exception says so"
