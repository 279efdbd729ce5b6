"""Reports of tests, as JUnit's XML: what one module has, and all of them as one."""

from __future__ import annotations

from collections.abc import Iterable

from junitparser import Error, JUnitXml, TestCase, TestSuite


def with_error(module: str, message: str, report: JUnitXml | None = None) -> JUnitXml:
    """``report``, by default an empty one, with an error that is none of a single test."""
    suite = TestSuite(module)
    case = TestCase("the module as a whole", classname=f"tests.contract.{module.removesuffix('.py')}")
    case.result = [Error(message, "error")]
    suite.add_testcase(case)
    return join([*([report] if report else []), JUnitXml.fromroot(suite._elem)])


def interrupted(module: str, message: str, report: JUnitXml | None) -> JUnitXml:
    """``report`` with an error instead of the test that was running, of which pytest tells without a name."""
    for suite in report or ():
        for case in list(suite):
            if case.name is None:
                suite.remove_testcase(case)
    return with_error(module, f"{message}: see its log", report)


def join(reports: Iterable[JUnitXml]) -> JUnitXml:
    joined = JUnitXml("contract")
    for report in reports:
        for suite in report:
            joined.append(suite)
    joined.update_statistics()
    return joined


def totals(report: JUnitXml) -> dict[str, int]:
    """How many tests there are, and of these failures, errors and skipped ones."""
    return {name: getattr(report, name) for name in ("tests", "failures", "errors", "skipped")}


def has_failed(report: JUnitXml) -> bool:
    return bool(report.failures or report.errors)
