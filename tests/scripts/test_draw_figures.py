"""The script that draws: every figure in three formats, the same bytes again, words for each."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from report_study import FIGURES, OF_CHECKS, ROOT, StudyMaker, draw, written

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    draw(written(StudyMaker(exclude="m07").made(), folder / "tables"), folder)
    return folder


def test_every_figure_is_there_in_three_formats(drawn):
    for name in FIGURES:
        root = ET.fromstring((drawn / f"{name}.svg").read_bytes())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert (drawn / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (drawn / f"{name}.png").read_bytes().startswith(PNG)


def test_text_stays_text_and_fonts_are_truetype(drawn):
    for name in FIGURES:
        svg = (drawn / f"{name}.svg").read_text(encoding="utf-8")
        assert "<text" in svg
        assert "Arial" in svg
        assert "<dc:date>" not in svg
        pdf = (drawn / f"{name}.pdf").read_bytes()
        assert b"/Type3" not in pdf
        assert b"CreationDate" not in pdf


def test_every_figure_has_its_words(drawn):
    words = [json.loads((drawn / f"{name}.json").read_text("utf-8")) for name in ("captions", "captions_of_checks")]
    assert set(words[1]) == set(OF_CHECKS)
    words = words[0] | words[1]
    assert sorted(words) == sorted(FIGURES)
    for entry in words.values():
        assert set(entry) == {"title", "caption", "alt", "is_empty", "tags"}
        assert entry["title"]
        assert entry["caption"]
        assert entry["alt"]


def test_a_second_run_gives_the_same_bytes_whatever_the_hash_seed(tmp_path):
    code = (
        "import sys; sys.path[:0] = ['scripts', 'tests/support']\n"
        "from pathlib import Path\nfrom report_study import *\n"
        "folder = Path(sys.argv[1])\n"
        "draw(written(StudyMaker(exclude='m07').made(), folder / 'tables'), folder, names=FIGURES[4:7])\n"
    )
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], cwd=ROOT, env=environment, check=True)
    files = sorted(path.name for path in (tmp_path / "1").iterdir() if path.is_file())
    assert len(files) == 11
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name
