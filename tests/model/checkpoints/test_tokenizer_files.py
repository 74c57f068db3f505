"""The tokenizer of an export: exact for us, and in a form for older libraries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from model.checkpoints.tokenizer_files import NEWER, OLDER, SPACE, older_form, write_tokenizer

TEXT = [
    "def f(x):\n    return x  # the same thing\n",
    "the thing  and the other thing, 3.14",
    "你好 世界 你好",
]


def small_tokenizer() -> Tokenizer:
    """As ours are built: pieces with spaces, bytes for the rest, no normalizer."""
    base = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    base.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\p{L}+|\p{Nd}| ?[^\s\p{L}\p{Nd}]+|\s+"), "isolated")
    base.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    control = ["<unk>", "<s>", "</s>", "<pad>", *(f"<0x{b:02X}>" for b in range(256))]
    base.train_from_iterator(TEXT, trainers.BpeTrainer(special_tokens=control, vocab_size=400))
    value = json.loads(base.to_str())
    value["added_tokens"] = value["added_tokens"][:4]  # bytes are no pieces of a text
    return Tokenizer.from_str(json.dumps(value))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    small_tokenizer().save(str(tmp_path / "given.json"))
    (tmp_path / "out").mkdir()
    ids = write_tokenizer(tmp_path / "given.json", 32, tmp_path / "out")
    assert ids == {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3}
    return tmp_path / "out"


def test_control_pieces_and_the_length_are_named(exported: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(exported)
    assert (theirs.pad_token, theirs.bos_token, theirs.eos_token) == ("<pad>", "<s>", "</s>")
    assert theirs.model_max_length == 32 and theirs.pad_token_id == 3
    ids = theirs(TEXT, padding=True)["input_ids"]
    assert len({len(row) for row in ids}) == 1
    assert [theirs.decode(row, skip_special_tokens=True) for row in ids] == TEXT


def test_every_version_finds_its_file(exported: Path) -> None:
    config = json.loads((exported / "tokenizer_config.json").read_text())
    assert config["fast_tokenizer_files"] == ["tokenizer.4.0.json", "tokenizer.4.45.json", "tokenizer.json"]
    assert (exported / NEWER).read_bytes() == (exported / "tokenizer.json").read_bytes()
    model = json.loads((exported / OLDER).read_text())["model"]
    # tokenizers 0.19 splits each at its one space.
    assert all(isinstance(m, str) and len(m.split(" ")) == 2 for m in model["merges"])
    assert not any(" " in piece for piece in model["vocab"])


OURS = small_tokenizer()
OLD = Tokenizer.from_str(json.dumps(older_form(json.loads(OURS.to_str()))))


@given(st.text(alphabet=st.characters(exclude_characters=SPACE, exclude_categories=["Cs"]), max_size=60))
def test_the_older_form_gives_equal_ids_and_texts(text: str) -> None:
    ids = OURS.encode(text).ids
    assert OLD.encode(text).ids == ids
    assert OLD.decode(ids) == OURS.decode(ids)


def test_a_model_is_not_exported_without_its_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="a model without its tokenizer cannot be used"):
        write_tokenizer(tmp_path / "tokenizer.json", 32, tmp_path)
