"""Arithmetic and structure; how fast a machine is proves nothing here."""

import json
from dataclasses import replace

import numpy as np
import openvino as ov
import pytest
from openvino import opset13

from ner_commands.benchmark import measurement as measuring
from ner_commands.benchmark.measurement import Latency, Measurement, Throughput, Work
from ner_commands.benchmark.sample_text import PAGE, split_sentences, take_sample
from ner_core import EntityRecognizer, hardware
from ner_core.ir import read_model
from ner_core.operations import count_operations


def measurement(precision="FP32", sentence=4.0, rate=300.0, size=90_000_000, **changes):
    latency = Latency(sentence, 2 * sentence, 100)
    made = Measurement(
        device="CPU",
        precision=precision,
        hint="LATENCY",
        compute="auto",
        computed_in="f32",
        size=size,
        load_seconds=0.5,
        sentence=latency,
        paragraph=latency,
        page=latency,
        throughput=Throughput(rate, 20 * rate, 150.0),
        matmul_gflops=200.0,
    )
    return replace(made, **changes)


def test_work_of_bert_is_counted_from_the_graph(tiny_ir):
    model = read_model(tiny_ir / "tiny.xml")
    hidden, inner, layers, labels = 32, 64, 2, 9
    per_piece = 2 * (layers * (4 * hidden**2 + 2 * hidden * inner) + hidden * labels)
    per_pair = 4 * layers * hidden
    found = measuring.count_work(model)
    assert found.per_piece == pytest.approx(per_piece)
    assert found.per_pair == pytest.approx(per_pair)
    assert model.is_dynamic()  # was not changed


def test_work_of_a_row_is_that_of_the_graph_for_its_length(tiny_ir):
    model = read_model(tiny_ir / "tiny.xml")
    work = measuring.count_work(model)
    fixed = model.clone()
    fixed.reshape({port: [1, 23] for port in fixed.inputs})
    # A model of one shape cannot be divided into a linear and a quadratic part, but its sum is right.
    assert measuring.count_work(fixed).of(23) == pytest.approx(work.of(23))


@pytest.mark.parametrize("transposed", [False, True])
def test_work_of_one_product(transposed):
    left = opset13.parameter([-1, -1, 6] if not transposed else [-1, 6, -1], np.float32)
    right = opset13.constant(np.zeros((6, 5), np.float32))
    product = opset13.matmul(left, right, transpose_a=transposed, transpose_b=False)
    model = ov.Model([product], [left], "product")
    model.reshape({left.output(0): [1, 3, 6] if not transposed else [1, 6, 3]})
    assert count_operations(model) == 2 * 3 * 6 * 5


def test_latency_counts_calls_and_orders_percentiles():
    calls = []
    found = measuring.measure_latency(lambda: calls.append(1), seconds=0, least=7)
    assert found.runs == 7
    assert len(calls) == 7 + 3  # the first three warm up
    assert 0 <= found.p50 <= found.p95


def test_throughput_streams_every_text_at_least_once(tiny_ner):
    texts = ["Mary lives in Santa Clara.", "", "An"]
    found = measuring.measure_throughput(tiny_ner, texts, Work(10.0, 1.0), seconds=0)
    assert found.texts_per_second > 0
    # three texts, seven pieces of the one and one of the other
    pieces = sum(result.pieces for result in tiny_ner.batch(texts))
    assert found.pieces_per_second / found.texts_per_second == pytest.approx(pieces / 3)


def test_matmul_rate_is_a_rate():
    assert measuring.matmul_rate("CPU", threads=1, seconds=0) > 0
    assert hardware.processors() >= 1


def test_measure_gives_plain_values(tiny_ir):
    path = tiny_ir / "tiny.xml"
    found = measuring.measure(
        lambda: EntityRecognizer.from_ir(path, device="CPU"),
        path,
        take_sample("Mary lives in New York.\n\nAn."),
        device="CPU",
        precision="FP32",
        hint="LATENCY",
        seconds=0,
    )
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["size"] == path.stat().st_size + path.with_suffix(".bin").stat().st_size
    assert plain["matmul_share"] == pytest.approx(plain["throughput"]["gflops"] / plain["matmul_gflops"])
    assert set(plain["sentence"]) == {"p50", "p95", "runs"}


def test_recommends_one_configuration_that_wins_everywhere():
    slow, fast = measurement("FP32", 8.0, 100.0), measurement("INT8", 2.0, 400.0, size=23_000_000)
    told = " ".join(measuring.recommend([slow, fast]))
    assert told.startswith("Use CPU INT8 auto LATENCY: 2.0 ms")
    assert "ner evaluate" in told  # lower precision is not free


def test_recommends_two_where_latency_and_throughput_disagree():
    quick = measurement("FP32", 2.0, 100.0)
    busy = measurement("FP32", 8.0, 400.0, hint="THROUGHPUT")
    small = measurement("INT8", 9.0, 90.0, size=23_000_000)
    told = measuring.recommend([quick, busy, small])
    assert "one text at a time use CPU FP32 auto LATENCY: 2.0 ms" in told[0]
    assert "many texts use CPU FP32 auto THROUGHPUT: 400 sentences/s" in told[1]
    assert "INT8 is the smallest, 23 MB" in told[2]


def test_prefers_the_smaller_of_equals():
    large, small = measurement("FP32"), measurement("INT8", 4.1, 295.0, size=23_000_000)
    assert "INT8" in measuring.recommend([large, small])[0]
    assert measuring.recommend([]) == []


def test_sample_of_a_text():
    sample = take_sample()
    assert sample.page == PAGE.strip()
    assert sample.sentence in sample.sentences
    assert sample.paragraph in PAGE
    long = take_sample("word " * 1000)
    assert len(long.page.split()) == 450


def test_sample_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no words"):
        take_sample(" \n\n ")


def test_sentences_keep_every_word():
    assert " ".join(split_sentences(PAGE)).split() == PAGE.split()
