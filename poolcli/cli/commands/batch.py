"""``poolcli batch``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from itertools import chain

import typer

from poolcli.batch.executors import Dask, Local, Workers
from poolcli.batch.jobs import BatchPlan, Job, Naming, plan, remnants, why_passed_over
from poolcli.batch.journal import Journal
from poolcli.batch.report import SOME_FAILED, Report, Tally, is_report
from poolcli.batch.resume import remaining
from poolcli.batch.run import ByBytes, ByPath, make_folders, run_jobs
from poolcli.batch.work import Outcome, Work
from poolcli.cli.checks import compat_among, files_read
from poolcli.cli.console import width_of_output
from poolcli.cli.options.files import PictureOptions, Reading, Verbosity
from poolcli.cli.options.grammar import Group, argument, on_the_line, option
from poolcli.cli.options.panels import OUTPUT, OUTPUT_FORMATS
from poolcli.cli.options.steps import FilterOptions, RecipeOptions
from poolcli.cli.options.windows import Windowing
from poolcli.cli.output import Output
from poolcli.cli.pipeline import as_network_input
from poolcli.cli.progress import progress, summary
from poolcli.cli.signals import Stop, interruptible
from poolcli.cli.words import spoken
from poolcli.errors import UsageError
from poolcli.formats.registry import format_of_name
from poolcli.steps.steps import Step, check_options
from poolcli.system.cluster import ClusterError
from poolcli.system.files import check_target, read_source, same_file
from poolcli.system.limits import processors
from poolcli.system.threads import threads
from poolcli.wording import Phrase, Readable, many

FILES, WORKERS = "Files", "Workers"
MOST_NOTES = 10  # printed one by one


class Files(Group, panel=FILES):
    """The files to read and to write."""

    output: str = option("", "The folder for the results; made if missing.", "-o", metavar="DIR")
    name: str | None = option(
        None,
        "How to name a result, with {stem}, {name}, {ext}, {folder} (below the folder given), {number}; its extension "
        "chooses the format.", usual="{folder}/{stem} and the input's format, or png for pictures", metavar="PATTERN",
    )  # fmt: skip
    format: str | None = option(
        None, "csv, tsv, json, npy, png ...", "-f", metavar="NAME", choices=OUTPUT_FORMATS[1:], free=True
    )
    recursive: bool = option(False, "Include subfolders.", "-r")
    files0: bool = option(False, "Read more paths from standard input, each followed by NUL, as from find -print0.")
    skip_existing: bool = option(
        False, "Keep results made by the same steps from the same input; make all others again."
    )
    overwrite: bool = option(False, "Replace existing files that have the name of a result.")
    dry_run: bool = option(False, "Only print what would be done.")
    report: str | None = option(None, "Write the outcome of each file as a line of JSON.", metavar="FILE.jsonl")


class Cluster(Group, panel=WORKERS):
    """The workers."""

    jobs: int | None = option(
        None, "How many processes.", "-j", kind=int, usual="one for each processor", metavar="N", least=1
    )
    scheduler: str | None = option(
        None, "Use the workers of a Dask scheduler, such as tcp://host:8786.", metavar="ADDRESS"
    )
    send_bytes: bool = option(
        False, "Send files and results over the network, so that workers need not see the folders."
    )

    def workers(self, files: int) -> Workers:
        """Return the workers for so many files."""
        if self.scheduler:
            if self.jobs is not None:
                raise UsageError("--jobs and --scheduler cannot be combined", "the scheduler knows its workers")
            return Dask(self.scheduler)
        if self.send_bytes:
            raise UsageError("--send-bytes needs --scheduler", "drop it: processes on this machine see the files")
        return Local(max(min(processors() if self.jobs is None else self.jobs, files), 1))


def _steps(
    recipes: RecipeOptions, filtering: FilterOptions, window: Windowing, out: Output, *, indices: bool
) -> list[Step]:
    """Return the steps of a recipe, or those of the options."""
    given = {"indices": indices} if indices else {}
    given |= filtering.changed(*filtering.fields) | window.changed(*window.fields)
    if recipes.steps and on_the_line(given):
        raise UsageError(
            "--steps and options for pooling cannot be combined", "change the recipe with --set pool.size=3"
        )
    steps = recipes.replayed(out)
    if not steps:
        step = window.step(indices=indices)
        window.refuse_idle(step)
        steps = [*filtering.steps(), step]
        check_options(steps[-1], 2)
    return steps


def _threads(workers: Workers, verbosity: Verbosity) -> int:
    """Return the threads per task: as many as the user says, else its share of the processors."""
    said = verbosity.threads is not None or "POOLCLI_THREADS" in os.environ
    return threads(verbosity.threads) if said else workers.share


def batch(
    paths: list[str] | None = argument(None, "PATH...", "Files, folders, patterns.", many=True),
    *,
    files: Files,
    cluster: Cluster,
    recipes: RecipeOptions,
    filtering: FilterOptions,
    window: Windowing,
    indices: bool = option(False, "Record where each maximum or minimum came from, in JSON.", panel=OUTPUT),
    reading: Reading,
    drawing: PictureOptions,
    verbosity: Verbosity,
) -> None:
    """Pool many files with the same options; each result is written completely or not at all.

    Exit codes: 0 all done, 3 some failed, 1 all failed, 130 after Ctrl-C; --skip-existing resumes.

    Examples
    --------
    poolcli batch photos -r -o pooled --mode avg --size 4
    poolcli batch '*.csv' -o pooled --name '{stem}_max.csv' --skip-existing
    poolcli batch photos -o pooled --steps recipe.json --report report.jsonl
    find . -name '*.csv' -print0 | poolcli batch --files0 -o pooled
    """
    _check_folder(files.output)
    steps = _steps(recipes, filtering, window, verbosity.output(), indices=indices)
    named = [*(paths or []), *(_listed() if files.files0 else [])]
    if not named:
        listed = "pipe them into xargs poolcli batch, or find -print0 into --files0"
        raise UsageError(
            "batch needs paths", Phrase("name files or folders: {input}; or {0}", listed, input=Readable("FOLDER"))
        )
    planned = plan(
        named, Naming.of(files.output, files.name, files.format),
        recursive=files.recursive, overwrite=files.overwrite, resume=files.skip_existing,
    )  # fmt: skip
    workers = cluster.workers(len(planned.jobs))
    compat = compat_among(steps)
    work = Work(
        steps, reading.options(compat), drawing.options(files.format), as_network_input if compat else None,
        _threads(workers, verbosity), Journal(os.path.abspath(files.output)),
    )  # fmt: skip
    if files.report:
        _check_report(files.report, files, planned, files_read(recipes.steps or "-", steps))
    if files.dry_run:
        code = _rehearse(planned, work, files, verbosity)
    else:
        code = _perform(planned, work, files, cluster, workers, verbosity)
    if code:
        raise typer.Exit(code)


def _check_folder(output: str) -> None:
    """Refuse what is not the name of a folder, such as one that reads like a file's."""
    if not output:
        raise UsageError("batch needs a folder for the results", "add -o DIR")
    if output == "-" or (format_of_name(output) and not os.path.isdir(output)):
        where = "standard output" if output == "-" else f"one file such as {output}"
        hint = "name a folder, -o DIR; with --format json, jq -c . DIR/*.json makes one stream of the results"
        raise UsageError(f"batch writes a file for each input, not {where}", hint)


def _check_report(report: str, files: Files, planned: BatchPlan, others: Sequence[str]) -> None:
    """Refuse a report that cannot be written, or that would replace anything but a report, also through links."""
    place = os.path.realpath(report)
    read = chain((job.source for job in planned.jobs), planned.left_out, others)
    read = chain(read, (failure.source for failure in planned.failures))
    if os.path.isfile(report) and any(same_file(report, path) for path in read):
        raise UsageError(f"the report {report} is one of the files to read", "choose another name for --report")
    targets = (job.target for job in planned.jobs if os.path.basename(job.target) == os.path.basename(place))
    if any(os.path.realpath(target) == place for target in targets):
        raise UsageError(f"the report {report} is one of the results", "choose another name for --report")
    if not files.overwrite and not is_report(report):
        hint = f"choose another name for --report, or add --overwrite to replace {report}"
        raise UsageError(f"the report would replace {report}, which is not a report", hint)
    if os.path.dirname(place) != os.path.realpath(files.output):  # made if missing
        check_target(report)


def _listed() -> list[str]:
    """Return the paths on standard input."""
    data = read_source("-").data
    if b"\n" in data and b"\0" not in data:
        raise UsageError("--files0 reads paths with a NUL after each, but there is none",
                         "write them with find -print0")  # fmt: skip
    return [os.fsdecode(path) for path in data.split(b"\0") if path]


# Running it


def _perform(
    planned: BatchPlan, work: Work, files: Files, cluster: Cluster, workers: Workers, verbosity: Verbosity
) -> int:
    tally = Tally(len(planned.jobs) + len(planned.failures))
    workers.reach()
    if planned.jobs or files.report:
        make_folders(planned.jobs, files.output)
    transport = ByBytes(work) if cluster.send_bytes else ByPath(work, absolute=cluster.scheduler is not None)
    trouble: ClusterError | None = None
    with ExitStack() as stack:
        # opened while signals still end the process: a FIFO may wait forever for its reader
        report = stack.enter_context(closing(Report(files.report, spoken))) if files.report else None
        stop = stack.enter_context(interruptible())
        stack.callback(_sweep, planned, stop, cluster)
        advance = stack.enter_context(progress(tally, quiet=verbosity.quiet))

        def tell(outcome: Outcome) -> None:
            tally.add(outcome)
            if report:
                report.add(outcome)
            advance(outcome)

        if report:
            for path in planned.passed_over:
                report.add(Outcome.passed_over(path, why_passed_over(path)))
        for failure in planned.failures:
            tell(Outcome.failed(Job(failure.source, ""), failure.problem))
        left = remaining(planned.jobs, work, overwrite=files.overwrite, tell=tell, stop=stop)
        try:
            jobs = left if files.skip_existing else planned.jobs
            run_jobs(jobs, transport, workers, tell, stop)
        except ClusterError as problem:
            trouble = problem
    return _conclude(tally, planned, stop, trouble, verbosity)


def _sweep(planned: BatchPlan, stop: Stop, cluster: Cluster) -> None:
    """Remove what killed workers left behind."""
    if not (stop.signal and cluster.scheduler):  # a cluster may still be writing
        for path in remnants(planned.jobs):
            with suppress(OSError):
                os.unlink(path)


def _conclude(tally: Tally, planned: BatchPlan, stop: Stop, trouble: ClusterError | None, verbosity: Verbosity) -> int:
    """Print the summary and notes, and return the exit code."""
    out = verbosity.output()
    if not verbosity.quiet:
        out.table(summary(tally), width=width_of_output())
    if planned.left_out:
        out.note(f"left out {many(len(planned.left_out), 'file')} from an earlier run of this command")
    _say_passed_over(planned, out)
    for note, sources in sorted(tally.notes.items(), key=lambda told: min(told[1]))[:MOST_NOTES]:
        more = f" (and in {many(len(sources) - 1, 'more file')})" if len(sources) > 1 else ""
        out.note(f"{min(sources)}: " + note + more)
    if len(tally.notes) > MOST_NOTES:
        out.note(f"{len(tally.notes) - MOST_NOTES} more such notes; --report FILE lists them all")
    told = sum(tally.count.values())
    if trouble:
        out.complain(trouble)
        return SOME_FAILED if tally.count["done"] or tally.count["skipped"] else 1
    if stop.signal:
        out.say(f"interrupted after {told} of {tally.total} files; to resume, repeat the command with --skip-existing")
        return 128 + stop.signal
    return tally.code


def _say_passed_over(planned: BatchPlan, out: Output) -> None:
    """Print how much in the searched folders was skipped, and with ``-v`` what and why."""
    if out.quiet:
        return
    if out.verbose:
        for path in planned.passed_over:
            out.say(why_passed_over(path).text)
    folders = sum(map(os.path.isdir, planned.passed_over))
    counted = ((folders, "folder"), (len(planned.passed_over) - folders, "other file"))
    passed = [many(count, what) for count, what in counted if count]
    if passed:
        ways = ["-r goes into folders"] * bool(folders) + ["-v says why"] * (not out.verbose)
        out.note(f"{', '.join(passed)} left alone{'; ' if ways else ''}{', '.join(ways)}")


def _rehearse(planned: BatchPlan, work: Work, files: Files, verbosity: Verbosity) -> int:
    """Print what would be done, one line per file."""
    words = {"skipped": "skip", "failed": "fail"}
    lines = [f"fail  {one.source}: {spoken(one.problem.text)}" for one in planned.failures]
    tally = Tally(len(planned.jobs) + len(planned.failures))
    tally.count["failed"] = len(planned.failures)

    def tell(outcome: Outcome) -> None:
        tally.add(outcome)
        note = f": {spoken(outcome.message)}" if outcome.message else ""
        lines.append(f"{words[outcome.status]}  {outcome.job.source} -> {outcome.job.target}{note}")

    left = remaining(planned.jobs, work, overwrite=files.overwrite, tell=tell)
    lines += [f"make  {job.source} -> {job.target}" for job in (left if files.skip_existing else planned.jobs)]
    out = verbosity.output()
    out.lines(lines)
    _say_passed_over(planned, out)
    return tally.code
