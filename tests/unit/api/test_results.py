"""A completed run's result in every form. What the API has others compute is called in this process."""

from __future__ import annotations

import csv
import io
import json
import time
import urllib.parse

import boto3
import pytest

from chalicelib.api import results
from chalicelib.errors import StoreUnavailable
from chalicelib.linkage.candidates import to_bytes
from chalicelib.linkage.rendering import groups_to_bytes, render_groups, render_similarity_scores
from chalicelib.linkage.solving import solve_groups
from chalicelib.storage import functions, layout, objects, projects, runs, uploads
from chalicelib.workflow import views
from tests.groups import as_groups, as_lists
from tests.unit.factories import begun_upload, create_project
from tests.unit.linkage.test_views import some_pairs

pytestmark = pytest.mark.usefixtures("service", "called_in_process")

PAIRS = some_pairs(900)
GROUPS = as_lists(solve_groups(PAIRS))


@pytest.fixture
def called_in_process(monkeypatch) -> None:
    def call(name: str, event: dict) -> object:
        assert name == "render"
        return json.loads(json.dumps(views.render(json.loads(json.dumps(event)), None)))

    monkeypatch.setattr(functions, "call", call)


class Completed:
    """A completed run of a project, with all that its workflow left."""

    def __init__(self, api, result_type: str) -> None:
        self.api = api
        self.project = create_project(result_type=result_type)
        self.project_id = self.project.project_id
        for provider in projects.data_providers(self.project_id):
            uploads.accept(begun_upload(provider).upload_id, 500, 128)
        self.run_id = runs.create(self.project_id, threshold=0.6, name="", notes="").run_id
        runs.queue_ready(self.project_id)
        runs.begin(self.run_id, 25, 1)
        runs.record_merged(self.run_id, len(PAIRS))
        runs.complete(self.run_id)
        whole = (
            render_groups([as_groups(GROUPS)])
            if result_type == "groups"
            else render_similarity_scores([PAIRS])
        )
        self.put(layout.merged, b"".join(to_bytes([PAIRS])))
        self.put(layout.groups, groups_to_bytes(as_groups(GROUPS)))
        self.put(layout.result, b"".join(whole))

    def put(self, key, body: bytes) -> None:
        objects.put("data", key(self.project_id, self.run_id), body)

    def get(self, token: str | None = None, headers: dict[str, str] | None = None, **query: object):
        return self.api.call(
            "GET",
            f"/projects/{self.project_id}/runs/{self.run_id}/result",
            token or self.project.result_token,
            headers=headers or {},
            query={name: str(value) for name, value in query.items()} or None,
        )

    def objects(self) -> set[str]:
        prefix = layout.run_prefix(self.project_id, self.run_id)
        return {key.removeprefix(prefix) for key in objects.list_keys("data", prefix)}


@pytest.fixture
def groups(api) -> Completed:
    return Completed(api, "groups")


@pytest.fixture
def scores(api) -> Completed:
    return Completed(api, "similarity_scores")


def whole(run: Completed) -> list:
    return next(iter(run.get().json.values()))


def test_the_whole_result_as_json_is_the_stored_one(groups, monkeypatch):
    monkeypatch.setattr(functions, "call", lambda *_: pytest.fail("no function is needed"))

    assert (
        groups.get().json
        == groups.get(format="json").json
        == json.loads(b"".join(render_groups([as_groups(GROUPS)])))
    )


@pytest.mark.parametrize(
    ("form", "content_type"), [("csv", "text/csv; charset=utf-8"), ("ndjson", "application/x-ndjson")]
)
def test_other_formats_have_their_content_types(scores, form, content_type):
    answer = scores.get(format=form)

    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert len(answer.text.splitlines()) == len(PAIRS) + (form == "csv")
    assert scores.objects() == {"merged.bin", "groups.bin", "result.json"}  # a small view is kept nowhere


def test_a_lowest_score_leaves_out_pairs_below_it(scores):
    answer = scores.get(min_score="0.8")

    assert answer.json["similarity_scores"] == [pair for pair in whole(scores) if pair[2] >= 0.8]


@pytest.mark.parametrize(("min_score", "count"), [("0", len(PAIRS)), ("1", int((PAIRS["score"] == 1).sum()))])
def test_the_ends_of_the_scale_are_lowest_scores(scores, min_score, count):
    assert len(scores.get(min_score=min_score).json["similarity_scores"]) == count


def test_a_lowest_score_leaves_out_groups_with_a_lower_pair(groups):
    scored = groups.get(scores="true").json

    answer = groups.get(min_score="0.8", scores="true").json

    kept = [
        (group, pairs)
        for group, pairs in zip(scored["groups"], scored["scores"], strict=True)
        if min(pair[2] for pair in pairs) >= 0.8
    ]
    assert list(zip(answer["groups"], answer["scores"], strict=True)) == kept
    assert 0 < len(kept) < len(GROUPS)


@pytest.mark.parametrize("form", ["json", "csv", "ndjson"])
@pytest.mark.parametrize("kind", ["groups", "scores"])
@pytest.mark.parametrize("min_score", [{}, {"min_score": "0.75"}])
def test_pages_follow_one_another_to_the_end(request, kind, form, min_score):
    run = request.getfixturevalue(kind)
    unpaged = run.get(format=form, **min_score).text
    lines, query, count = [], {"format": form, "limit": 100, **min_score}, 0
    while query:
        answer = run.get(**query)
        link = answer.headers.get("Link", "")
        if form == "json":
            page = answer.json
            assert link == (f'<{page["next"]}>; rel="next"' if "next" in page else "")
            lines += next(iter(page.values()))
        else:
            lines += answer.text.splitlines()[(form == "csv") :]
        path, _, parameters = link.partition(">")[0].removeprefix("<").partition("?")
        assert path in ("", f"/api/v1/projects/{run.project_id}/runs/{run.run_id}/result")
        query = dict(urllib.parse.parse_qsl(parameters))
        count += 1

    assert count >= 2
    if form == "json":
        assert lines == next(iter(json.loads(unpaged).values()))
    else:
        assert lines == unpaged.splitlines()[(form == "csv") :]


@pytest.mark.parametrize("kind", ["groups", "scores"])
def test_a_page_after_the_end_is_empty_and_the_last(request, kind):
    answer = request.getfixturevalue(kind).get(after=9_999_999_999, limit=10)

    assert list(answer.json.values()) == [[]]
    assert "Link" not in answer.headers


def test_a_page_of_pairs_does_not_read_the_file_from_the_start(scores, monkeypatch):
    read = []
    get_range = objects.get_range
    monkeypatch.setattr(objects, "get_range", lambda *args: read.append(args[2:]) or get_range(*args))

    scores.get(after=500, limit=10)

    assert read == [(4 + 500 * 24, 4 + 510 * 24)]


def test_a_large_view_is_a_redirect_and_made_once(scores, monkeypatch):
    monkeypatch.setattr(views, "INLINE_BYTES", 1_000)
    expected = scores.get(format="csv", redirect="false").json["url"]
    written = []
    monkeypatch.setattr(objects, "write_stream", lambda *_, **__: written.append(1))

    answer = scores.get(format="csv")

    assert (answer.status, answer.text, written) == (303, "", [])
    assert urllib.parse.urlsplit(answer.headers["Location"]).path == urllib.parse.urlsplit(expected).path
    stored = boto3.client("s3").get_object(
        Bucket="data", Key=layout.view(scores.project_id, scores.run_id, "after-0.csv")
    )
    assert stored["ContentType"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(stored["Body"].read().decode())))
    assert [float(row["score"]) for row in rows] == PAIRS["score"].tolist()


def test_a_view_that_is_being_made_is_not_made_beside(scores, monkeypatch):
    monkeypatch.setattr(views, "INLINE_BYTES", 1_000)
    mark = layout.view(scores.project_id, scores.run_id, "after-0.csv.begun")
    objects.put("data", mark, str(int(time.time()) + 60).encode())

    waiting = scores.get(format="csv")
    objects.put("data", mark, str(int(time.time()) - 1).encode())  # its maker was killed
    made = scores.get(format="csv")

    assert (waiting.status, made.status) == (503, 303)
    assert {key for key in scores.objects() if "views/" in key} == {"views/after-0.csv"}


def test_a_large_page_tells_the_next_one_too(groups, monkeypatch):
    monkeypatch.setattr(views, "INLINE_BYTES", 100)

    answers = [groups.get(limit=50, redirect="false") for _ in range(2)]

    assert answers[0].json["next"] == answers[1].json["next"]
    assert answers[0].headers["Link"] == f'<{answers[0].json["next"]}>; rel="next"'


def test_a_view_of_a_run_that_is_deleted_meanwhile_is_removed(scores, monkeypatch):
    monkeypatch.setattr(views, "INLINE_BYTES", 100)
    write_stream = objects.write_stream

    def write_and_delete(*args, **options):
        write_stream(*args, **options)
        projects.mark_deleted(scores.project_id)

    monkeypatch.setattr(objects, "write_stream", write_and_delete)

    assert scores.get(format="csv").status == 403
    assert not [key for key in scores.objects() if key.startswith("views/")]


def test_a_view_of_a_run_whose_files_are_gone_is_refused_like_a_wrong_token(scores):
    objects.delete("data", layout.merged(scores.project_id, scores.run_id))

    assert scores.get(format="csv").status == 403


def test_the_binary_form_is_the_candidate_file(scores):
    answer, url = scores.get(format="binary"), scores.get(format="binary", redirect="false").json["url"]

    assert answer.status == 303
    for address in (answer.headers["Location"], url):
        assert f"/runs/{scores.run_id}/merged.bin?" in address


def test_a_function_that_takes_too_long_is_a_reason_to_try_again(scores, monkeypatch):
    def slow(*_):
        raise StoreUnavailable("This takes longer than a request may wait, try again shortly")

    monkeypatch.setattr(functions, "call", slow)

    assert scores.get(format="csv").status == 503


def test_groups_with_too_many_scores_are_to_be_asked_for_in_pages(groups, monkeypatch):
    monkeypatch.setattr(views, "MAX_PAIRS_WITHIN_GROUPS", 20)

    answer = groups.get(scores="true")

    assert (answer.status, "'limit'" in answer.detail) == (400, True)
    assert len(groups.get(scores="true", limit=5).json["scores"]) == 5


BAD = [
    ("groups", "format", "xml"),
    ("groups", "format", "binary"),
    ("groups", "min_score", "nan"),
    ("groups", "min_score", "1.01"),
    ("scores", "min_score", "-0.1"),
    ("scores", "min_score", "1e999"),
    ("scores", "min_score", "\u0660.5"),
    ("groups", "limit", "0"),
    ("groups", "limit", "-1"),
    ("groups", "limit", "ten"),
    ("groups", "after", "1.5"),
    ("groups", "scores", "maybe"),
    ("scores", "scores", "true"),
    ("groups", "redirect", "no"),
]


@pytest.mark.parametrize(("kind", "name", "value"), BAD)
def test_a_bad_parameter_is_named(request, kind, name, value):
    answer = request.getfixturevalue(kind).get(**{name: value})

    assert (answer.status, f"'{name}'" in answer.detail) == (400, True)
    assert value == "no" or value not in answer.detail


@pytest.mark.parametrize("name", ["min_score", "limit", "after"])
def test_the_binary_form_is_whole(scores, name):
    assert f"'{name}'" in scores.get(format="binary", **{name: 1}).detail


@pytest.fixture
def permutations(api) -> Completed:
    run = Completed(api, "permutations")
    run.put(layout.result, b'{"mask":[0,1]}')
    for party in range(2):
        body = f'{{"permutation":[{party},{1 - party}],"rows":2}}'.encode()
        run.put(lambda *ids, party=party: layout.permutation_result(*ids, party), body)
    return run


@pytest.mark.parametrize(
    "query", [{"format": "csv"}, {"min_score": 0.5}, {"limit": 5}, {"after": 5}, {"scores": "true"}]
)
def test_permutations_come_whole_and_as_json(permutations, query):
    answer = permutations.get(**query)

    assert (answer.status, f"'{next(iter(query))}'" in answer.detail) == (400, True)
    assert permutations.get(format="json").json == {"mask": [0, 1]}


def test_the_address_of_an_object_comes_with_credentials_for_it(scores):
    answer = scores.get(headers={"RETURN-OBJECT-STORE-ADDRESS": "true"})

    assert answer.json["object"]["bucket"] == "data"
    assert answer.json["object"]["path"] == layout.merged(scores.project_id, scores.run_id)
    assert set(answer.json["credentials"]) == {
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "Expiration",
    }


def test_the_address_of_an_object_is_for_similarity_scores_alone(groups):
    assert groups.get(headers={"RETURN-OBJECT-STORE-ADDRESS": "true"}).json == groups.get().json


def test_the_stored_result_is_a_redirect_when_it_is_large(groups, monkeypatch):
    monkeypatch.setattr(results, "RESPONSE_LIMIT_BYTES", 10)

    assert groups.get().status == 303
