"""Files of kinds that are not read are named, with a command that makes of them one that is."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli.errors import InputError
from poolcli.formats import decode, read
from poolcli.formats.foreign import FOREIGN_KINDS
from tests.support.hints import typed
from tests.support.process import Run
from tests.support.rows import in_turn


def archive(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "."), content)
    return file.getvalue()


def field(number: int, value: int | bytes) -> bytes:
    """A field of protobuf."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


SAMPLES: dict[str, list[bytes]] = {
    "an Office spreadsheet or document": [archive(**{"[Content_Types]__xml": b"<x>"}), archive(**{"xl/a": b"<x>"})],
    "a LibreOffice spreadsheet or document": [
        archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
    ],
    "a model": [archive(**{"net/data__pkl": b"x"}), archive(metadata__json=b"{}")],
    "a zip archive": [archive(a__csv=b"1,2\n")],
    "a 7z archive": [b"7z\xbc\xaf\x27\x1c\0\4"],
    "a tar archive": [b"a.csv" + b"\0" * 252 + b"ustar\x0000"],
    "an old Office file": [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"],
    "a Parquet file": [b"PAR1\x15\x04"],
    "a Feather file": [b"ARROW1\0\0"],
    "an HDF5 or NetCDF-4 file": [b"\x89HDF\r\n\x1a\n"],
    "a NetCDF file": [b"CDF\x01\0\0", b"CDF\x02\0\0", b"CDF\x05\0\0"],
    "a MATLAB file": [b"MATLAB 5.0 MAT-file, Platform: GLNXA64\0\1IM"],
    "a MATLAB file in HDF5": [b"MATLAB 7.3 MAT-file, Platform: GLNXA64\0\2IM", b"MATLAB 7.0 MAT-file\0"],
    "a binary file of Octave": [b"Octave-1-L\0\5\0\0\0year1", b"Octave-1-B\0\0\0\0\5year1"],
    "an ARFF file": [b"@RELATION a\n@ATTRIBUTE b REAL\n@DATA\n1\n", b"% 1. Title\n%\n\n@relation a\n"],
    "a GRIB file": [b"GRIB\0\0\0\2"],
    "a NIfTI volume": [b"\x5c\1\0\0" + b"\0" * 340 + b"n+1\0"],
    "a DICOM picture": [b"\0" * 128 + b"DICM\2\0"],
    "a LIBSVM file": [b"1 3:0.5 7:1\n-1 1:2\n", b"-1.5 10:-2e-3\r\n"],
    "a WAV sound": [b"RIFF\x24\0\0\0WAVEfmt "],
    "a Python pickle": [b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94(K\1K\2e.", b"\x80\x02]q\0."],
    "a HEIC picture": [b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypmif1"],
    "a video": [b"\0\0\0\x20ftypisom", b"\x1aE\xdf\xa3\1\0", b"RIFF\0\0\0\0AVI LIST"],
    "PostScript": [b"%!PS-Adobe-3.0\n"],
    "a PDF": [b"%PDF-1.7\n"],
    "an SQLite database": [b"SQLite format 3\0\x10\0"],
    "HTML": [b"<!doctype html><p>", b"\n<HTML>", b"<table><tr><td>1"],
    "an SVG drawing": [b'<svg xmlns="x">', b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg>'],
    "XML": [b'<?xml version="1.0"?><a>'],
    "an ONNX model": [
        field(1, 8) + field(2, b"pytorch") + field(3, b"2.0") + field(7, b"graph"),
        field(1, 8) + field(7, b"\x0a" * 9),
        field(1, 8) + field(2, b"other") + field(3, b"1") + b"\x3a\xff\x7f" + b"\x0a" * 5000,  # longer than the head
    ],
    "an ONNX tensor": [field(1, 2) + field(2, 1) + field(8, b"x") + field(9, b"\0" * 8)],
    "a protobuf message": [field(1, field(1, b"x") + field(2, 5)) * 3, field(1, field(1, b"node\1"))],
}


@in_turn(("what", "data"), [(what, data) for what, several in SAMPLES.items() for data in several])
@in_turn("name", ["my data.bin", "x.csv", "stdin"])
def test_files_of_other_kinds_are_named(what: str, data: bytes, name: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(data, name)
    assert caught.value.message == f"{name} is {what}"
    hint = typed(caught.value)
    assert "{" not in hint
    assert ("FILE" if name == "stdin" else name) in hint or what in ("a Python pickle", "XML")
    assert ("pip install scipy:" in hint) == (what in ("a NetCDF file", "a WAV sound", "a MATLAB file"))
    if what in ("a NetCDF file", "a WAV sound", "a Parquet file"):
        *_, code = shlex.split(hint)
        compile(code, "hint", "exec")


def test_every_kind_has_its_sample() -> None:
    assert {kind.what for kind in FOREIGN_KINDS} <= set(SAMPLES)


PACKAGES = {"sklearn": ["scikit-learn"], "read_parquet": ["pyarrow"], "read_feather": ["pyarrow"],
            "read_html": ["lxml"], "cfgrib": ["cfgrib"], "pydicom": ["pydicom", "numpy"]}  # fmt: skip
INSTALLED = re.compile(r"in Octave|was made|or \.json|poolcli layers|, after pip install (.*?): python| with [\w-]+: ")


@in_turn(("what", "data"), [(what, several[0]) for what, several in SAMPLES.items()])
def test_the_advice_says_what_must_be_installed(what: str, data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        decode(data, "x.bin")
    hint = typed(caught.value)
    said = INSTALLED.search(hint)
    assert said, hint
    code = hint.partition("python -c 'import ")[2]
    modules = {module.partition(".")[0] for module in code.partition(";")[0].split(", ")} - {"numpy", ""}
    wanted = {package for name in modules for package in PACKAGES.get(name, [name])}
    wanted |= {package for word, packages in PACKAGES.items() if word in code for package in packages}
    assert wanted == set((said[1] or "").split())


@pytest.mark.parametrize(
    "data",
    [bytes(range(256)), b"MZ\x90\0\3\0\0\0\4\0", b"\x0a" + b"\xff" * 10, b"\x08\1\x10\2", b"\x0a\7ab"],
)  # fmt: skip
def test_other_bytes_are_no_protobuf(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        decode(data, "x.bin")
    assert "protobuf" not in caught.value.message


def wav(path: Path, x: Any) -> None:
    pytest.importorskip("scipy.io.wavfile").write(path, 8000, x)


def mat(path: Path, x: Any) -> None:
    pytest.importorskip("scipy.io").savemat(path, {"NAME": x})


def netcdf(path: Path, x: Any) -> None:
    with pytest.importorskip("scipy.io").netcdf_file(path, "w") as file:
        file.createDimension("y", x.shape[0])
        file.createDimension("x", x.shape[1])
        file.createVariable("NAME", x.dtype, ("y", "x"))[:] = x


def tensor(path: Path, x: Any) -> None:
    onnx = pytest.importorskip("onnx")
    onnx.save_tensor(onnx.numpy_helper.from_array(x), path)


@pytest.mark.parametrize(
    ("make", "name"), [(wav, "a.wav"), (mat, "it's a.mat"), (netcdf, "a.nc"), (tensor, "input 0.pb")]
)
def test_the_commands_of_the_hints_work(make: Callable[[Path, Any], None], name: str, tmp_path: Path) -> None:
    x = np.array([[1, 2], [3, 4]], np.int16)
    make(tmp_path / name, x)
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    hint = caught.value.hint.replace(str(tmp_path / name), name)
    words = shlex.split(hint[hint.index("python -c") :])
    subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load((tmp_path / name).with_suffix(".npy")), x)


def test_a_batch_names_each_file_that_it_passes_over(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.heic", "b.HEIC"):
        (folder / name).write_bytes(SAMPLES["a HEIC picture"][0])
    found = run("batch", "photos", "-o", "out", cwd=tmp_path)
    assert found.code != 0
    assert "2 .heic files" in found.err
    assert "heif-convert photos/a.heic picture.png" in found.err
    (folder / "c.csv").write_text("1,2\n3,4\n", encoding="utf-8")
    found = run("batch", "photos", "-o", "out", "-v", "--report", "report.jsonl", cwd=tmp_path)
    assert found.code == 0
    report = (tmp_path / "report.jsonl").read_text(encoding="utf-8")
    for name in ("a.heic", "b.HEIC"):
        assert f"{name} is a HEIC picture" in found.err
        assert f"{name} is a HEIC picture" in report
        assert f"heif-convert photos/{name} picture.png" in report
