import pytest

from ner_core import hardware
from ner_core.hardware import Device, DeviceError, check_device, devices, preferred_precisions

MIXED = [
    Device("CPU", "Some CPU", ("FP32", "INT8")),
    Device("GPU.0", "Some iGPU", ("FP32", "FP16")),
    Device("GPU.1", "Some dGPU", ("FP32", "FP16", "INT8", "GPU_HW_MATMUL")),
    Device("NPU", "Some NPU", ("FP16", "INT8")),
]


@pytest.fixture
def mixed(monkeypatch):
    """A machine with two GPUs and an NPU."""
    monkeypatch.setattr(hardware, "devices", lambda: MIXED)


@pytest.fixture
def one_gpu(monkeypatch):
    monkeypatch.setattr(hardware, "devices", lambda: [MIXED[0], Device("GPU", "Some GPU", ("FP16",))])


def test_this_machine_has_a_cpu_with_a_name():
    cpu = next(device for device in devices() if device.name == "CPU")
    assert cpu.full_name
    assert "FP32" in cpu.capabilities


@pytest.mark.parametrize(
    "expression",
    [
        "CPU",
        "AUTO",
        "AUTO:CPU",
        "HETERO:CPU",
        "MULTI:CPU",
        "BATCH:CPU",
        "BATCH:CPU(16)",
        "MULTI:CPU(2)",
        "AUTO:-GPU",
    ],
)
def test_expressions_of_any_machine(expression):
    assert check_device(expression) == expression
    assert check_device(f" {expression.lower()} ") == expression


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "  ",
        None,
        3,
        "CPU.0",
        "TPU",
        "GPU.7",
        "CPU,CPU",
        "AUTO:TPU",
        "MULTI",
        "HETERO:",
        "BATCH",
        "BATCH:CPU,CPU",
        "CPU:GPU",
        "AUTO:HETERO:CPU",
        "MULTI:-CPU",
        ":",
        "AUTO:CPU.0",
        "-CPU",
    ],
)
def test_others_get_one_sentence_and_the_devices(expression):
    with pytest.raises(DeviceError) as caught:
        check_device(expression)
    message = str(caught.value)
    assert f"CPU ({devices()[0].full_name})" in message
    assert "\n" not in message
    assert "Exception from" not in message


def test_missing_accelerators_are_missing(monkeypatch):
    monkeypatch.setattr(hardware, "devices", lambda: MIXED[:1])
    for expression in ("GPU", "GPU.0", "NPU", "AUTO:GPU,CPU", "HETERO:NPU,CPU"):
        with pytest.raises(DeviceError, match=r"CPU \(Some CPU\)"):
            check_device(expression)


def test_numbered_devices(mixed):
    for expression in ("GPU", "GPU.0", "GPU.1", "NPU", "AUTO:GPU.1,CPU", "HETERO:GPU,CPU", "AUTO:-GPU.0"):
        assert check_device(expression) == expression
    with pytest.raises(DeviceError, match=r"no device GPU\.2 in MULTI:GPU.2,CPU"):
        check_device("MULTI:GPU.2,CPU")


def test_the_only_gpu_may_be_numbered(one_gpu):
    assert check_device("GPU.0") == "GPU.0"
    with pytest.raises(DeviceError):
        check_device("GPU.1")


def test_precision_follows_the_device(mixed, monkeypatch):
    assert preferred_precisions("GPU.0")[0] == "FP16"
    assert preferred_precisions("GPU.1")[0] == "FP16-INT8"
    assert preferred_precisions("NPU")[0] == "FP16-INT8"
    assert preferred_precisions("AUTO:CPU")[0] in ("FP32", "FP16-INT8")
    monkeypatch.setattr(hardware, "fast_arithmetic", frozenset)
    assert preferred_precisions("CPU") == ["FP32", "FP16", "INT8", "FP16-INT8"]
    monkeypatch.setattr(hardware, "fast_arithmetic", lambda: frozenset({"int8"}))
    assert preferred_precisions("HETERO:CPU,GPU.0") == ["FP16-INT8", "INT8", "FP32", "FP16"]
    for expression in ("AUTO", "CPU", "GPU", "NPU", "AUTO:-GPU"):
        assert sorted(preferred_precisions(expression)) == ["FP16", "FP16-INT8", "FP32", "INT8"]


@pytest.mark.parametrize(
    ("flags", "isa", "found"),
    [
        ("fpu avx2 avx512_vnni", "", {"int8"}),
        ("fpu avx2", "", set()),
        ("amx_int8 amx_bf16", "", {"int8", "bf16"}),
        ("avx512_vnni avx512_bf16", "AVX512_CORE_AMX", {"int8", "bf16"}),
        ("avx512_vnni avx512_bf16", "avx2", set()),
        ("i8mm", "", {"int8"}),
    ],
)
def test_instructions_are_read_from_the_processor_and_its_limit(flags, isa, found, monkeypatch):
    monkeypatch.setattr(hardware.sys, "platform", "linux")
    monkeypatch.setattr(hardware.Path, "read_text", lambda *_: f"flags : {flags}\n")
    monkeypatch.setattr(hardware, "devices", lambda: [Device("CPU", "A CPU", ("FP32", "INT8", "BF16"))])
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", isa)
    assert hardware.fast_arithmetic() == found


@pytest.mark.parametrize(
    ("capability", "found"), [("BF16", {"bf16", "int8"}), ("FP32", set()), ("FP16", {"f16"})]
)
def test_elsewhere_bf16_tells_a_new_processor(monkeypatch, capability, found):
    monkeypatch.setattr(hardware.sys, "platform", "win32")
    monkeypatch.setattr(hardware, "devices", lambda: [Device("CPU", "A CPU", ("INT8", capability))])
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert hardware.fast_arithmetic() == found
