"""The contracts of the tables, and the only doors to them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartrace import tables
from cartrace.errors import InputError
from cartrace.tables.contract import UNIT_SUFFIXES, Table, count, date, flag, number, text, time

ALL = tables.SHEETS + tables.RESULTS
NAMES = [table.__name__ for table in ALL]


class Toy(Table):
    """One row per toy."""

    key = ("name", "made_at")
    name = text("Name", required=True)
    made_at = time("When it was made", required=True)
    born = date("When it was thought of")
    colour = text("Colour", choices=("red", "blue"))
    weight_g = number("Weight", above=0, at_most=10)
    share_frac = number("Share", at_least=0)
    pieces = count("Pieces")
    is_broken = flag("It is broken")


def toys() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": ["b", "a"],
            "made_at": ["2026-03-10T10:00:00+01:00", "2026-03-10T10:00:00.5+01:00"],
            "born": ["", "2026-01-31"],
            "colour": ["red", ""],
            "weight_g": [0.1 + 0.2, np.nan],
            "share_frac": [0.0, 1e-17],
            "pieces": [3, 0],
            "is_broken": [True, False],
        }
    )


def test_what_is_written_is_read_back_sorted_and_exact(tmp_path: Path) -> None:
    path = tmp_path / "new" / "toys.csv"
    tables.write(toys(), path, Toy)
    again = tables.read(path, Toy)
    pd.testing.assert_frame_equal(
        again, toys().iloc[[1, 0]].reset_index(drop=True).astype(again.dtypes), check_exact=True
    )
    assert [file.name for file in path.parent.iterdir()] == ["toys.csv"]


def test_two_writings_give_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    shuffled = toys()[Toy.names()[::-1]].iloc[::-1]
    tables.write(toys(), tmp_path / "1.csv", Toy)
    tables.write(shuffled, tmp_path / "2.csv", Toy)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-300, max_value=10), min_size=1, max_size=5)
)
def test_no_digit_of_a_number_is_lost(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    frame = pd.concat([toys().iloc[[0]]] * len(values), ignore_index=True)
    frame = frame.assign(name=[f"{n:03d}" for n in range(len(values))], weight_g=values)
    path = tmp_path_factory.mktemp("digits") / "toys.csv"
    tables.write(frame, path, Toy)
    assert tables.read(path, Toy)["weight_g"].tolist() == values


@pytest.mark.parametrize("name", ["001", "NA", "1-2", "nan", "None", "a,b", 'he said "x"', "1e5", "Ä µ", " x"])
def test_an_identifier_stays_the_text_that_it_is(tmp_path: Path, name: str) -> None:
    tables.write(toys().iloc[[0]].assign(name=name), tmp_path / "toys.csv", Toy)
    assert tables.read(tmp_path / "toys.csv", Toy)["name"].tolist() == [name]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": ""}, "a value is needed"),
        ({"made_at": "2026-03-10 10:00"}, "a time with its offset is needed"),
        ({"made_at": "2026-03-10T10:00:00"}, "a time with its offset is needed"),
        ({"born": "10.03.2026"}, "a date YYYY-MM-DD is needed"),
        ({"colour": "green"}, "one of red, blue is needed"),
        ({"weight_g": 0.0}, "more than 0 is needed"),
        ({"weight_g": 10.5}, "at most 10 is needed"),
        ({"weight_g": np.inf}, "a finite number is needed"),
        ({"share_frac": -1e-9}, "at least 0 is needed"),
        ({"pieces": -1}, "at least 0 is needed"),
    ],
)
def test_a_value_outside_its_contract_is_a_defect_of_the_writer(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        tables.write(toys().iloc[[0]].assign(**change), tmp_path / "toys.csv", Toy)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("column", ["weight_g", "pieces", "is_broken", "name"])
def test_a_missing_column_is_a_defect_of_the_writer(tmp_path: Path, column: str) -> None:
    with pytest.raises(ValueError, match=f"'{column}': the column is missing"):
        tables.write(toys().drop(columns=column), tmp_path / "toys.csv", Toy)


def test_an_unknown_column_is_a_defect_of_the_writer(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'wieght_g': the column is not known.*'weight_g'"):
        tables.write(toys().assign(wieght_g=1.0), tmp_path / "toys.csv", Toy)


def test_two_rows_of_one_key_are_a_defect_of_the_writer(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the key stands more than once"):
        tables.write(pd.concat([toys(), toys()]), tmp_path / "toys.csv", Toy)


def test_missing_text_is_written_as_nothing(tmp_path: Path) -> None:
    frame = toys().astype({"colour": object})
    frame.loc[0, "colour"] = None
    tables.write(frame, tmp_path / "toys.csv", Toy)
    assert tables.read(tmp_path / "toys.csv", Toy)["colour"].tolist() == ["", ""]


def test_a_reader_names_every_bad_cell_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "toys.csv"
    tables.write(toys(), path, Toy)
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("1e-17", "tiny").replace(",0,False", ",many,no")
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as caught:
        tables.read(path, Toy)
    found = [(problem.row, problem.column, problem.value) for problem in caught.value.problems]
    assert {problem.code for problem in caught.value.problems} == {"not-readable"}
    assert found == [(2, "share_frac", "tiny"), (2, "pieces", "many"), (2, "is_broken", "no")]
    assert all(problem.file == str(path) for problem in caught.value.problems)


def test_a_reader_holds_values_and_key_against_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "toys.csv"
    tables.write(toys(), path, Toy)
    text = path.read_text().replace(",red,", ",pink,")
    path.write_text(text + text.splitlines()[1] + "\n")
    with pytest.raises(InputError) as caught:
        tables.read(path, Toy)
    codes = {(problem.code, problem.row) for problem in caught.value.problems}
    assert codes == {("not-allowed", 3), ("duplicate-key", 2), ("duplicate-key", 4)}


@pytest.mark.parametrize("table", ALL, ids=NAMES)
def test_every_table_comes_out_without_rows(tmp_path: Path, table: type[Table]) -> None:
    path = tmp_path / "empty.csv"
    tables.write(tables.empty(table), path, table)
    again = tables.read(path, table)
    assert path.read_text() == ",".join(table.names()) + "\n"
    assert again.dtypes.to_dict() == tables.empty(table).dtypes.to_dict()


@pytest.mark.parametrize("table", ALL, ids=NAMES)
def test_every_table_has_a_key_a_meaning_and_documented_columns(table: type[Table]) -> None:
    assert table.key
    assert table.__doc__
    assert all(column.meaning for column in table.columns)
    assert set(table.key) <= set(table.names())


@pytest.mark.parametrize("table", ALL, ids=NAMES)
def test_a_quantity_s_unit_is_the_suffix_of_its_name(table: type[Table]) -> None:
    for column in table.columns:
        if column.quantity:
            assert column.unit in {"kBq", "g", "mL", "s"}, column.name
            assert not any(column.header.endswith(suffix) for suffix in UNIT_SUFFIXES), column.name
        assert column.kind != "time" or column.name.endswith("_at"), column.name
        assert column.kind != "flag" or column.name.startswith(("is_", "has_")) or column.name in {"excluded", "chosen"}


def test_the_longest_suffix_states_the_unit() -> None:
    units = {column.name: column.unit for column in tables.Uptake.columns}
    assert units["uptake_pct_id_per_g_se"] == "%ID/g"
    assert units["uptake_pct_id"] == "%ID"
    assert units["mass_g"] == "g"
    assert units["group"] == ""


def test_a_table_that_can_fail_says_why_and_one_that_can_be_excluded_too() -> None:
    for table in ALL:
        names = table.names()
        if "status" in names:
            assert {"reason", "message"} & set(names), table.__name__
        if "excluded" in names:
            assert "exclusion_reason" in names, table.__name__


def test_a_key_of_unknown_columns_is_refused() -> None:
    with pytest.raises(TypeError, match="key columns"):
        type("Bad", (Table,), {"key": ("nothing",)})


FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+1", "-x", "@SUM(A1)", "\tx", "'=x", "''=x"]


@pytest.mark.parametrize("name", [*FORMULAS, "'quoted'", "a=b", "<script>", "../../x"])
def test_a_text_that_a_spreadsheet_would_calculate_is_marked_in_the_file_and_comes_back(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "toys.csv"
    tables.write(toys().assign(name=name), path, Toy)
    with open(path, encoding="utf-8", newline="") as stream:
        cells = [row[0] for row in csv.reader(stream)][1:]
    assert cells == [f"'{name}" if name in FORMULAS else name] * 2
    assert tables.read(path, Toy)["name"].tolist() == [name] * 2


def test_lines_inside_a_cell_come_back_with_plain_ends(tmp_path: Path) -> None:
    tables.write(toys().assign(name="one\r\ntwo\rthree\nfour"), tmp_path / "toys.csv", Toy)
    assert tables.read(tmp_path / "toys.csv", Toy)["name"].tolist() == ["one\ntwo\nthree\nfour"] * 2
