import pytest

STRATEGIES = ("none", "simple", "first", "average", "max")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_entities_are_exact_slices_of_any_length(tiny_ner, strategy):
    text = "Mary lives in Santa Clara. The Yorkers landed in 中国, and Jos\u00e9 e\u0301t\u0301 too.\n" * 30
    found = tiny_ner(text, aggregation=strategy)
    assert found.windows > 10
    assert found.entities
    end = 0
    for entity in found.entities:
        assert entity.text == text[entity.start : entity.end]
        assert end <= entity.start < entity.end
        end = entity.end


def test_words_come_back_with_word_offsets(tiny_ner):
    words = ["Mary", "lives", "", "inYork"]
    found = tiny_ner(words)
    assert found.words == tuple(words)
    assert found.text == "Mary lives  inYork"
    for entity in found.entities:
        assert " ".join(words[entity.word_start : entity.word_end]) == entity.text


def test_tag_gives_one_tag_a_word(tiny_ner):
    sentences = [["Mary", "lives", "", "inYork"], [], [""]]
    tags = list(tiny_ner.tag(sentences))
    assert [len(tag) for tag in tags] == [4, 0, 1]
    assert tags[2] == ["O"]
    pieces = list(tiny_ner.tag_pieces(sentences))
    assert [[group[0] if group else "O" for group in groups] for groups in pieces] == tags
