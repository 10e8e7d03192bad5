"""The 3-gram of tiny-ar is fitted on training items alone, as token ids of prompt and answer."""

from decoders.ngram import NGram
from training import tokenizer as tok
from training import trigram
from training.corpus import FAMILIES, HELD_OUT


class Bytes:
    """A tokenizer of bytes, so that no trained one is needed."""

    encode_special_tokens = False

    def encode(self, text: str, add_special_tokens: bool = True):
        return type("Ids", (), {"ids": [5 + b for b in text.encode()]})()


def test_documents_are_prompts_with_their_answers():
    found = list(trigram.documents(3, 0, Bytes()))
    assert len(found) == 3 * len(FAMILIES)
    for ids in found:
        assert (ids[0], ids.count(tok.ASSISTANT), ids[-1], ids.count(tok.EOS)) == (tok.USER, 1, tok.EOS, 1)


def test_only_training_items_are_read(monkeypatch):
    asked = []
    monkeypatch.setattr(trigram, "items", lambda *args: asked.append(args) or [])
    assert list(trigram.documents(7, 5, Bytes())) == []
    assert asked == [(family, "train", 7, 5) for family in FAMILIES] and HELD_OUT != "train"


def test_the_command_writes_the_file_beside_the_model(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trigram, "FOLDER", tmp_path / "tiny-ar")
    monkeypatch.setattr(trigram.tok, "load", Bytes)
    assert trigram.main(["--items", "20"]) == 0
    ngram = NGram.load(tmp_path / "tiny-ar" / "trigram.safetensors")
    assert ngram.vocab == tok.VOCAB_SIZE and "3-grams" in capsys.readouterr().out
