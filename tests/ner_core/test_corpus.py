"""Corpus readers: what they accept, and how they say no."""

import gzip
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.corpus import (
    CorpusError,
    Sentence,
    read_conll,
    read_conll_documents,
    read_json,
    read_label_ids,
    read_nemo,
)
from ner_core.dataset import open_dataset


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def test_two_columns_with_spaces(tmp_path):
    file = write(tmp_path / "a.conll", "Mary B-PER\nsings O\n\n\n\nHello O\n")
    assert list(read_conll(file)) == [(["Mary", "sings"], ["B-PER", "O"]), (["Hello"], ["O"])]


def test_four_columns_tabs_crlf_and_byte_order_mark(tmp_path):
    file = write(tmp_path / "a.conll", "\ufeffNew York\tNNP\tB-NP\tI-LOC\r\nis VBZ B-VP O\r\n")
    assert list(read_conll(file)) == [Sentence(["New York", "is"], ["I-LOC", "O"])]


def test_chosen_columns_and_comments_of_conll_u(tmp_path):
    file = write(tmp_path / "a.iob2", "# sent_id = 1\n1\t#\tO\t-\n2\tMary\tB-PER\t-\n")
    assert list(read_conll(file, word_column=1, tag_column=2)) == [(["#", "Mary"], ["O", "B-PER"])]


@pytest.mark.parametrize("tag", ["O", "_"])
def test_lines_of_conll_u_that_count_no_word_are_no_gold(tmp_path, tag):
    rows = ["1\tMaria\tB-PER", f"2-3\tal\t{tag}", "2\ta\tO", "3\tel\tO", "4\tRío\tB-LOC", f"4.1\tva\t{tag}"]
    file = write(tmp_path / "a.conllu", "# text = Maria al Río\n" + "\n".join(rows) + "\n")
    expected = [(["Maria", "a", "el", "Río"], ["B-PER", "O", "O", "B-LOC"])]
    assert list(read_conll(file)) == expected
    assert list(read_conll(file, word_column=1, tag_column=2)) == expected


def test_a_range_in_the_first_column_may_be_a_word(tmp_path):
    file = write(tmp_path / "a.conll", "2-3 CD O\nfor NN O\nRome NN B-LOC\n")
    assert list(read_conll(file)) == [(["2-3", "for", "Rome"], ["O", "O", "B-LOC"])]


def test_hash_with_a_tag_is_a_word(tmp_path):
    file = write(tmp_path / "a.conll", "# O\nMary B-PER\n")
    assert list(read_conll(file)) == [(["#", "Mary"], ["O", "B-PER"])]


@pytest.mark.parametrize("space", ["\u00a0", "\u2028", "\u0085", "\u3000", "\x0c"])
def test_unusual_white_space_stays_in_the_word(tmp_path, space):
    file = write(tmp_path / "a.conll", f"a{space}b O\n{space} O\n")
    assert list(read_conll(file)) == [([f"a{space}b", space], ["O", "O"])]


def test_document_starts(tmp_path):
    file = write(tmp_path / "a.conll", "-DOCSTART- -X- O O\n\na O\n\nb O\n-DOCSTART- O\n-DOCSTART- O\n\nc O")
    assert [sentence.words for sentence in read_conll(file)] == [["a"], ["b"], ["c"]]
    assert [[s.words for s in document] for document in read_conll_documents(file)] == [
        [["a"], ["b"]],
        [["c"]],
    ]


def test_without_document_starts_all_is_one_document(tmp_path):
    file = write(tmp_path / "a.conll", "a O\n\nb O\n")
    assert list(read_conll_documents(file)) == [[(["a"], ["O"]), (["b"], ["O"])]]


def test_empty_file_has_no_sentences(tmp_path):
    assert list(read_conll(write(tmp_path / "a.conll", ""))) == []


@pytest.mark.parametrize("line", ["Mary", "\tO", "Mary\t", "Mary   "])
def test_missing_column_names_file_and_line(tmp_path, line):
    file = write(tmp_path / "a.conll", f"ok O\n{line}\n")
    with pytest.raises(
        CorpusError, match=r"a\.conll:2: expected word and tag with a space or tab between, found "
    ):
        list(read_conll(file))


def test_column_that_is_not_there(tmp_path):
    with pytest.raises(
        CorpusError, match=r"a\.conll:1: expected word and tag with a space or tab between, found 'ok O'"
    ):
        list(read_conll(write(tmp_path / "a.conll", "ok O\n"), tag_column=5))


def test_wrong_encoding_names_file_line_and_byte(tmp_path):
    file = write(tmp_path / "a.conll", "ok O\ncafé O\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"a\.conll:2: expected utf-8 text, found byte 0xe9 at column 4"):
        list(read_conll(file))
    with pytest.raises(CorpusError, match=r"a\.conll:1: expected utf-16 text, found no byte order mark"):
        list(read_conll(file, encoding="utf-16"))
    assert list(read_conll(file, encoding="latin-1")) == [(["ok", "café"], ["O", "O"])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252"])
def test_lines_of_any_encoding(tmp_path, encoding):
    """In UTF-16 a byte of a line end is a byte of other characters too, such as U+0A05."""
    word = "Zoë" if encoding == "cp1252" else "\u0a05Zoë"
    path = write(tmp_path / "a.conll", f"{word} B-PER\r\nsings O\n\nIn O".encode(encoding))
    assert list(read_conll(path, encoding=encoding)) == [
        ([word, "sings"], ["B-PER", "O"]),
        (["In"], ["O"]),
    ]


def test_sentences_stream_before_a_later_error(tmp_path):
    sentences = read_conll(write(tmp_path / "a.conll", "ok O\n\nbroken\n"))
    assert next(sentences).words == ["ok"]
    with pytest.raises(CorpusError):
        next(sentences)


def nemo_folder(
    folder, text="Mary sings\n\nin Rome\n", labels="B-PER O\n\nO B-LOC\n", ids="O\nB-LOC\nB-PER\n"
):
    write(folder / "text_dev.txt", text)
    write(folder / "labels_dev.txt", labels)
    if ids:
        write(folder / "label_ids.csv", ids)
    return folder


def test_nemo_pair(tmp_path):
    folder = nemo_folder(tmp_path)
    sentences = list(read_nemo(folder / "text_dev.txt", folder / "labels_dev.txt", folder / "label_ids.csv"))
    assert sentences == [(["Mary", "sings"], ["B-PER", "O"]), (["in", "Rome"], ["O", "B-LOC"])]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("B-PER O\n\nO\n", r"labels_dev\.txt:3: expected 2 tags as in .*text_dev\.txt, found 1"),
        ("B-PER O\n\n", r"labels_dev\.txt: ends before line 3"),
        ("B-PER O\n\nO O\nO\n", r"text_dev\.txt: ends before line 4"),
        (
            "B-PER O\n\nO B-GPE\n",
            r"labels_dev\.txt:3: tag B-GPE is not in label_ids; known are O, B-LOC, B-PER",
        ),
    ],
)
def test_nemo_mismatch_names_the_line(tmp_path, labels, message):
    with pytest.raises(CorpusError, match=message):
        list(open_dataset(nemo_folder(tmp_path, labels=labels)))


def test_label_ids(tmp_path):
    assert read_label_ids(write(tmp_path / "label_ids.csv", "O\nB-PER\n\n")) == ["O", "B-PER"]
    with pytest.raises(CorpusError, match=r"label_ids\.csv:3: duplicate label O"):
        read_label_ids(write(tmp_path / "label_ids.csv", "O\nB-PER\nO\n"))
    with pytest.raises(CorpusError, match="empty file"):
        read_label_ids(write(tmp_path / "label_ids.csv", "\n"))


def test_open_dataset_of_a_nemo_folder_can_be_read_twice(tmp_path):
    dataset = open_dataset(nemo_folder(tmp_path))
    assert (dataset.kind, dataset.label_ids) == ("nemo", ("O", "B-LOC", "B-PER"))
    assert list(dataset) == list(dataset) == list(open_dataset(tmp_path / "text_dev.txt"))


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.iob", "a.txt", "a.CONLL"])
def test_open_dataset_of_a_file(tmp_path, name):
    dataset = open_dataset(write(tmp_path / name, "Mary B-PER\n"))
    assert (dataset.kind, list(dataset)) == ("conll", [(["Mary"], ["B-PER"])])


def test_open_dataset_of_a_folder_with_splits(tmp_path):
    write(tmp_path / "train.conll", "a O\n")
    assert open_dataset(tmp_path).files[0].name == "train.conll"
    write(tmp_path / "dev.conll", "b O\n")
    with pytest.raises(CorpusError, match="several corpora and no split; choose one of dev, train"):
        open_dataset(tmp_path)
    with pytest.raises(CorpusError, match="no test; choose one of dev, train"):
        open_dataset(tmp_path, split="test")
    assert list(open_dataset(tmp_path, split="dev")) == [(["b"], ["O"])]


def test_open_dataset_knows_the_file_names_in_use(tmp_path):
    for name in ("eng.train", "eng.testa", "eng.testb", "README.txt", "eng.raw"):
        write(tmp_path / name, "a O\n")
    with pytest.raises(CorpusError, match=r"choose one of testa, testb, train$"):
        open_dataset(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    write(other / "SOURCE.txt", "not a corpus\n")
    assert open_dataset(write(other / "valid.txt", "a O\n").parent).files[0].name == "valid.txt"


def test_open_dataset_says_what_it_wants(tmp_path):
    with pytest.raises(CorpusError, match="no such file or folder"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="found none"):
        open_dataset(tmp_path)
    with pytest.raises(CorpusError, match=r"a\.zip:1: expected utf-8 text, found byte 0xff"):
        list(open_dataset(write(tmp_path / "a.zip", b"\xff\xfe")))
    with pytest.raises(CorpusError, match=r"expected labels_x\.txt beside it"):
        open_dataset(write(tmp_path / "text_x.txt", "a\n"))


WORDS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\n\r\t "), min_size=1, max_size=6
).filter(lambda word: word.strip() and word != "-DOCSTART-")


@given(
    st.lists(st.lists(st.tuples(WORDS, st.sampled_from(["O", "B-X"])), min_size=1, max_size=4), max_size=4)
)
def test_written_sentences_are_read_back(tmp_path_factory, sentences):
    file = tmp_path_factory.mktemp("corpus") / "a.conll"
    write(file, "\n\n".join("\n".join(f"{word} {tag}" for word, tag in sentence) for sentence in sentences))
    expected = [([word for word, _ in s], [tag for _, tag in s]) for s in sentences]
    if expected and expected[0][0][0].startswith("\ufeff"):
        return  # a byte order mark at the very start of a file is not part of the text
    assert list(read_conll(file)) == expected


UNER = (
    "# sent_id = weblog-1\n# text = Mary sings\n1\tMary\tB-PER\t-\tannA\n2\tsings\tO\t-\tannA\n"
    "\n# sent_id = weblog-2\n1\t#\tO\t-\tannB\n2\tRome\tB-LOC\t-\tannB\n"
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (UNER, [(["Mary", "sings"], ["B-PER", "O"]), (["#", "Rome"], ["O", "B-LOC"])]),
        (
            "# id 5239d808 domain=en\nMary _ _ B-PER\nsings _ _ O\n\n# id 7 domain=en\nRome _ _ B-LOC\n",
            [(["Mary", "sings"], ["B-PER", "O"]), (["Rome"], ["B-LOC"])],
        ),
        ("Mary NNP B-NP B-PER\nsings VBZ B-VP O\n", [(["Mary", "sings"], ["B-PER", "O"])]),
        ("Mary PER-B\nJones PER-I\nsings O\n", [(["Mary", "Jones", "sings"], ["B-PER", "I-PER", "O"])]),
        ("Mary B-PER\nAnn L-PER\nRome U-LOC\n", [(["Mary", "Ann", "Rome"], ["B-PER", "L-PER", "U-LOC"])]),
        (
            "张 B-PER\n三 M-PER\n丰 E-PER\n他 O\n",
            [(["张", "三", "丰", "他"], ["B-PER", "I-PER", "E-PER", "O"])],
        ),
        ("Mary PER\nsings O\n", [(["Mary", "sings"], ["PER", "O"])]),
        ("1 O\n2 O\n", [(["1", "2"], ["O", "O"])]),
        ("#Rome B-LOC\n# O\n", [(["#Rome", "#"], ["B-LOC", "O"])]),
        ("token\tpos\tner_tag\nMary\tNN\tPER\n\nsings\tVB\tO\n", [(["Mary"], ["PER"]), (["sings"], ["O"])]),
        ("B-PER Mary\nO sings\nO O\n", [(["Mary", "sings", "O"], ["B-PER", "O", "O"])]),
        ("Mary B_PER\nsings O\n", [(["Mary", "sings"], ["B-PER", "O"])]),
        ("word tag\nword O\ntag O\n", [(["word", "tag"], ["O", "O"])]),
    ],
)
def test_columns_and_schemes_are_found_out(tmp_path, content, expected):
    assert list(read_conll(write(tmp_path / "a.iob2", content))) == expected


@pytest.mark.parametrize("name", ["dev.csv", "dev.csv.gz"])
def test_csv_with_numbered_sentences(tmp_path, name):
    """As the Groningen corpus is spread on Kaggle; each line may repeat the number."""
    content = (
        'Sentence #,Word,POS,Tag\nSentence: 1,Mary,NNP,B-per\n,",",",",O\n,"""",``,O\nSentence: 2,#,NN,O\n'
    )
    content += "3,In,IN,O\n3,Rome,NNP,B-geo\n\n"
    write(tmp_path / name, gzip.compress(content.encode()) if name.endswith(".gz") else content)
    assert list(open_dataset(tmp_path)) == [
        (["Mary", ",", '"'], ["B-per", "O", "O"]),
        (["#"], ["O"]),
        (["In", "Rome"], ["O", "B-geo"]),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
def test_json_of_several_lines_through_a_pipe(tmp_path):
    pipe = tmp_path / "dev.json"
    os.mkfifo(pipe)
    content = '[\n\n {"tokens": ["Mary"],\n  "tags": ["B-PER"]}\n]\n'
    writer = threading.Thread(target=pipe.write_text, args=(content,), daemon=True)
    writer.start()
    assert list(read_json(pipe)) == [(["Mary"], ["B-PER"])]


def test_the_line_of_an_error_counts_blank_lines(tmp_path):
    with pytest.raises(CorpusError, match=r"dev\.json:5: expected JSON"):
        list(read_json(write(tmp_path / "dev.json", '[\n\n {"tokens": [],\n\n "tags" }\n]\n')))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_with_any_separator(tmp_path, separator):
    rows = ["word,tag", "Mary,B-PER", '",",O', '";",O', "(,O", "Rome,B-LOC"]
    lines = "".join(separator.join(row.rsplit(",", 1)) + "\n" for row in rows)
    [sentence] = read_conll(write(tmp_path / "dev.csv", lines))
    assert sentence == (["Mary", ",", ";", "(", "Rome"], ["B-PER", "O", "O", "O", "B-LOC"])


def test_compressed_files_that_are_cut(tmp_path):
    file = write(tmp_path / "a.jsonl.gz", gzip.compress(b'{"tokens": ["Mary"], "tags": ["B-PER"]}'))
    assert list(open_dataset(file)) == [(["Mary"], ["B-PER"])]
    write(file, file.read_bytes()[:30])
    with pytest.raises(CorpusError, match=r"a\.jsonl\.gz: expected a whole gzip file, found a damaged one"):
        list(open_dataset(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "Mary B\nJones I\n",
            r"a\.conll:1: expected O or PREFIX-TYPE, such as B-PER, in column 2, found 'B'",
        ),
        ("Mary B-PER\nsings .\n", r"a\.conll:2: .* found '\.'"),
        ("1\tMary\tB-PER\t-\tann\n2\tsings\tann\t-\tann\n", r"a\.conll:2: .* in column 3, found 'ann'"),
        ("Mary PER-B\nsings O\nRome LOC\n", r"a\.conll:3: .* found 'LOC'"),
        ("id text\n1 Mary\n", r"a\.conll:1: .* found 'text'"),
        ("Mary/B-PER sings/O\n", r"a\.conll:1: .* found 'sings/O'"),
        (
            "Mary NNP PER\nsings VBZ O\n",
            r"a\.conll:1: .* in column 3, found 'PER'; correct this tag, or convert",
        ),
    ],
)
def test_what_is_no_tag_stops_with_file_and_line(tmp_path, content, message):
    with pytest.raises(CorpusError, match=message):
        list(read_conll(write(tmp_path / "a.conll", content)))


def test_a_column_that_is_named_may_hold_bare_types(tmp_path):
    file = write(tmp_path / "a.conll", "Mary NNP PER\nsings VBZ O\n")
    assert list(open_dataset(file, tag_column=2)) == [(["Mary", "sings"], ["PER", "O"])]
