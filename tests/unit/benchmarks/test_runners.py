"""Every experiment can be measured, finds what anonlink finds and becomes a table: with few records."""

from __future__ import annotations

import json

import pytest

from benchmarks import report
from benchmarks.__main__ import EXPERIMENTS, ORDER, read, run
from benchmarks.runners import rest
from benchmarks.runners.scale import scheduled
from benchmarks.tables import growth_exponents, table

SMALL = {
    "kernel": {"cases": [{"records": 300, "size_bytes": 128}], "repetitions": 1},
    "encoding-size": {"cases": [{"records": 300, "size_bytes": 64}], "repetitions": 1},
    "growth": {"sizes": [300, 600], "most_pairs": {"tiled": 300_000, "anonlink": 90_000}, "sampled": []},
    "blocks": {"records": 300, "sides": [5, 50], "repetitions": 1},
    "merge": {"runs": 3, "pairs": 500, "repetitions": 1},
    "solve": {"cases": [{"pairs": 500, "parties": 2}, {"pairs": 500, "parties": 3}], "repetitions": 1},
    "render": {"pairs": [500], "most_whole": 500},
    "parse": {"records": [500]},
    "mask": {"key_bits": [1024], "seconds": 0.01, "repetitions": 1},
    "scale": {
        "cases": [
            {"name": "a", "records": 300_000, "threshold": 0.8, "workers": [5], "measured_records": 300},
            {
                "name": "b",
                "records": 300_000,
                "threshold": 0.8,
                "workers": [5],
                "measured_records": 300,
                "blocks": 1_000,
                "block_records": 100,
                "sigma": 1,
            },
        ]
    },
}


@pytest.mark.parametrize("name", SMALL)
def test_an_experiment_gives_rows_and_a_table(name):
    pytest.importorskip("dice_kernel")
    experiment = read(EXPERIMENTS / f"{name}.json") | SMALL[name]
    rows = run(experiment)
    results = {"experiments": {name: {"experiment": experiment, "rows": rows}}}

    assert rows
    for row in rows:
        checks = [value for field, value in row.items() if field.startswith("same_")]
        assert all(check is not False for check in checks), row
    assert len(table(name, results).splitlines()) >= 3
    assert json.loads(json.dumps(rows)) == rows


def test_every_experiment_is_in_the_order_and_has_a_place_in_the_page():
    page = (report.DOCS / "performance.md").read_text()

    assert sorted(ORDER) == sorted(file.stem for file in EXPERIMENTS.glob("*.json"))
    assert [name for name in ("machine", *ORDER) if f"<!-- {name} -->" not in page] == []


def test_a_page_takes_the_tables_that_were_measured_and_keeps_the_others():
    rows = [{"runs": 2, "pairs_read": 10, "seconds": 0.5, "anonlink_seconds": 1, "ratio": 2}]
    page = "a\n<!-- merge -->\nold\n<!-- /merge -->\nb\n<!-- solve -->\nold\n<!-- /solve -->\n"
    filled = report.filled(page, {"experiments": {"merge": {"rows": rows}}})

    assert "| 2 runs, 10 pairs | 1 s | 500 ms | 2.0" in filled
    assert filled.endswith("<!-- solve -->\nold\n<!-- /solve -->\n")
    assert report.filled(filled, {"experiments": {"merge": {"rows": rows}}}) == filled


def test_the_growth_exponent_of_time_that_doubles_with_the_records_is_one():
    rows = [
        {"records": n, "threshold": 0.9, "seconds": {"index": n / 1e5}} for n in (20_000, 100_000, 300_000)
    ]

    assert [(*found[:3], round(found[3], 6)) for found in growth_exponents(rows)] == [
        (0.9, 20_000, 300_000, 1.0),
        (0.9, 100_000, 300_000, 1.0),
    ]


def test_chunks_go_to_the_worker_that_is_free_first():
    assert scheduled([4, 1, 1, 1], [0.0, 0.0]) == 4
    assert scheduled([4, 1, 1, 3], [0.0, 0.5]) == 5.5
    assert scheduled([], [1.0]) == 0


def test_stages_are_what_lies_between_their_times():
    status = {
        "time_added": "2026-03-01T09:00:00.000000",
        "stage_times": {
            "time_queued": "2026-03-01T09:00:00.100000",
            "time_started": "2026-03-01T09:00:01.000000",
            "time_compared": "2026-03-01T09:00:03.000000",
            "time_completed": "2026-03-01T09:00:03.500000",
        },
    }

    assert rest.stages(status) == {"plan": 1.0, "compare": 2.0, "render": 0.5}
