"""The devices of this machine, device expressions, and the arithmetic that suits a device."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import openvino as ov

__all__ = [
    "Device",
    "DeviceError",
    "ForkedProcessError",
    "candidates",
    "check_device",
    "complaint",
    "core",
    "devices",
    "fast_arithmetic",
    "forked",
    "last_line",
    "preferred_precisions",
    "processors",
    "real_devices",
]

logger = logging.getLogger(__name__)

# Virtual devices: AUTO alone means every device, the others need a list.
_VIRTUAL = ("AUTO", "MULTI", "HETERO", "BATCH")
# OpenVINO has no limits: 300,000 requests take 1.6 GB, 4,000 devices 15 seconds.
_LONGEST = 200
_MOST_REQUESTS = 1024


class ForkedProcessError(Exception):
    """OpenVINO was called in a process forked after its use; the model and its file are not at fault."""


class DeviceError(ValueError):
    """A device expression that is not possible on this machine; the message is for users."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of this machine: ``CPU``, its full name, and its capabilities (``FP32``, ``INT8``, ...)."""

    name: str
    full_name: str
    capabilities: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def _core() -> tuple[int, ov.Core]:
    found = ov.Core()
    # Weights are copied, not mapped: truncating a mapped file would kill this process (SIGBUS). For BERT base
    # in float32 copying costs 0.3 s, and 430 MB that several processes could otherwise share.
    found.set_property({"ENABLE_MMAP": False})
    return os.getpid(), found


def core() -> ov.Core:
    """Return the OpenVINO core of this process; raises as `check_process`."""
    process, found = _core()
    check_process(process)
    return found


def forked() -> bool:
    """Return whether this process was forked after OpenVINO was used, so that it does not work here."""
    return bool(_core.cache_info().currsize) and _core()[0] != os.getpid()


def check_process(used_in: int) -> None:
    """Raise `ForkedProcessError` in a process forked from the one where OpenVINO was used.

    OpenVINO's threads do not survive a fork, so a call would mostly hang.
    """
    if os.getpid() != used_in:
        msg = (
            "OpenVINO was used before this process was forked, and does not work in a forked process. Models "
            "from from_ir or model_zoo.load work (a helper process runs them); for anything else start "
            "processes with multiprocessing's method 'spawn'."
        )
        raise ForkedProcessError(msg)


@lru_cache(maxsize=1)
def devices() -> list[Device]:
    """List the devices of this machine.

    Returns
    -------
    list of Device
        Queried once per process.

    Examples
    --------
    >>> "CPU" in [device.name for device in devices()]
    True
    """
    found = []
    for name in core().available_devices:
        full_name = str(_property(name, "FULL_DEVICE_NAME") or name).strip()
        found.append(Device(name, full_name, tuple(_property(name, "OPTIMIZATION_CAPABILITIES") or ())))
    return found


def _property(device: str, name: str) -> Any:
    """Read a property; None if the driver does not provide it."""
    try:
        return core().get_property(device, name)
    except RuntimeError as error:
        logger.debug("%s does not tell %s: %s", device, name, error)
        return None


def candidates(expression: str) -> tuple[str, list[str]]:
    """Split an expression into its virtual device (or nothing) and the real devices that it names.

    Examples
    --------
    >>> candidates("AUTO:GPU,CPU"), candidates("CPU"), candidates("BATCH:CPU(16)")
    (('AUTO', ['GPU', 'CPU']), ('', ['CPU']), ('BATCH', ['CPU']))
    """
    head, _, rest = expression.partition(":")
    if head not in _VIRTUAL:
        return "", [expression]
    names = [re.sub(r"\(\d+\)$", "", name.strip()) for name in rest.split(",") if name.strip()]
    return head, names


def real_devices(expression: str) -> list[str]:
    """List the devices that an expression may run on: the named ones, or all that are not excluded."""
    _, names = candidates(expression)
    named = [name for name in names if not name.startswith("-")]
    return named or _auto_order([found.name for found in devices() if f"-{found.name}" not in names])


def check_device(expression: str) -> str:
    """Check a device expression before OpenVINO sees it.

    Parameters
    ----------
    expression : str
        ``CPU``, ``GPU``, ``GPU.1``, ``NPU``, ``AUTO``, ``AUTO:GPU,CPU``, ``AUTO:-GPU``, ``MULTI:...``,
        ``HETERO:...``, ``BATCH:CPU(16)``; in either case.

    Returns
    -------
    str
        The expression in capitals.

    Raises
    ------
    DeviceError
        If it names no device, or one that this machine does not have; the message lists those that it has.

    Examples
    --------
    >>> check_device("auto:cpu")
    'AUTO:CPU'
    """
    if not isinstance(expression, str) or not expression.strip():
        raise DeviceError(complaint("No device named"))
    cleaned = expression.strip().upper()
    numbers = re.findall(r"\((\d+)\)", cleaned)
    if len(cleaned) > _LONGEST or any(len(number) > 5 or int(number) > _MOST_REQUESTS for number in numbers):
        limits = f"up to {_LONGEST} characters, with at most {_MOST_REQUESTS:,} requests or rows a device"
        raise DeviceError(complaint(f"{cleaned[:60]!r} is no device expression of {limits}"))
    head, names = candidates(cleaned)
    if head in ("MULTI", "HETERO", "BATCH") and not names:
        raise DeviceError(complaint(f"{cleaned} needs a device to work on, such as {head}:CPU"))
    if head == "BATCH" and len(names) > 1:
        raise DeviceError(complaint(f"{cleaned}: BATCH takes one device, such as BATCH:CPU"))
    present = [device.name for device in devices()]
    for name in names:
        excluded = head == "AUTO" and name.startswith("-")
        if not excluded and not _is_present(name, present):
            where = f" in {cleaned}" if head else ""
            raise DeviceError(complaint(f"This machine has no device {name}{where}"))
    return cleaned


def _is_present(name: str, present: list[str]) -> bool:
    """Return whether a device exists; GPU stands for GPU.0 and vice versa, but CPU has no numbers."""
    base, _, number = name.partition(".")
    return (
        name in present
        or (not number and any(device.startswith(f"{base}.") for device in present))
        or (number == "0" and base != "CPU" and base in present)
    )


def complaint(problem: str) -> str:
    """Complete an error message with the devices of this machine."""
    listed = ", ".join(f"{device.name} ({device.full_name})" for device in devices()) or "none"
    return f"{problem}. Devices of this machine: {listed}; AUTO chooses among them."


def preferred_precisions(device: str) -> list[str]:
    """Return the precisions of an IR, those that suit a device best first.

    ``FP16-INT8`` computes in 8 bits, which is fast only with special instructions (a CPU without them needs
    twice the time of FP32). ``INT8`` has 8-bit weights; on a CPU with such instructions OpenVINO quantizes
    the activations at run time (a third less time than FP32 for a small BERT), else it computes in FP32.

    Parameters
    ----------
    device : str
        A device expression; virtual devices count as their first device.

    Returns
    -------
    list of str
        Best first, out of ``FP32``, ``FP16``, ``INT8``, ``FP16-INT8``.

    Raises
    ------
    DeviceError
        As `check_device`.
    """
    names = real_devices(check_device(device))
    name = names[0] if names else "CPU"
    if name == "CPU" and "int8" in fast_arithmetic():
        return ["FP16-INT8", "INT8", "FP32", "FP16"]
    capabilities = {
        capability
        for found in devices()
        if found.name == name or found.name.startswith(f"{name}.")
        for capability in found.capabilities
    }
    if "GPU_HW_MATMUL" in capabilities or name.startswith("NPU"):
        return ["FP16-INT8", "FP16", "INT8", "FP32"]
    if "FP16" in capabilities and name != "CPU":
        return ["FP16", "FP32", "INT8", "FP16-INT8"]
    return ["FP32", "FP16", "INT8", "FP16-INT8"]


def _auto_order(names: list[str]) -> list[str]:
    """Sort by AUTO's preference: discrete and integrated GPU, then CPU; NPU only if there is nothing else."""
    rank = {"GPU": 0, "CPU": 1, "NPU": 2}
    return sorted(names, key=lambda name: rank.get(name.partition(".")[0], 3))


# Flags of Linux's /proc/cpuinfo.
_FLAGS = {
    "int8": {"avx512_vnni", "avx_vnni", "amx_int8", "i8mm"},
    "bf16": {"avx512_bf16", "amx_bf16", "bf16"},
}

# Values of ONEDNN_MAX_CPU_ISA, https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html,
# with which oneDNN may use these instructions; OpenVINO itself ignores the variable, and fails.
_ISA = {
    "int8": ("AVX512_CORE_BF16", "AVX10", "AMX", "DEFAULT", "ALL"),
    "bf16": ("AVX512_CORE_BF16", "AVX10", "AMX", "DEFAULT", "ALL"),
    "f16": ("FP16", "AVX10", "DEFAULT", "ALL"),
}


def fast_arithmetic() -> frozenset[str]:
    """Return the arithmetic other than float32 in which the CPU is fast: ``int8``, ``bf16``, ``f16``.

    ``int8`` means instructions that multiply bytes (VNNI, AMX, or ARM's i8mm). OpenVINO does not report them:
    it lists INT8 for every CPU. Except on Linux, only BF16 indicates a processor that is new enough.

    Returns
    -------
    frozenset of str
        Empty if there is no CPU device.
    """
    cpu = next((device for device in devices() if device.name == "CPU"), None)
    if cpu is None:
        return frozenset()
    told = {
        name for name, capability in (("bf16", "BF16"), ("f16", "FP16")) if capability in cpu.capabilities
    }
    found = told | ({"int8"} if "bf16" in told else set())
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            flags = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text("utf-8", "replace")))
            found = {name for name in ("int8", *told) if name not in _FLAGS or flags & _FLAGS[name]}
    isa = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or "ALL"
    return frozenset(name for name in found if any(part in isa.upper() for part in _ISA[name]))


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def last_line(error: Exception) -> str:
    """Return the last line of an OpenVINO error, the message; the lines before are source locations.

    Examples
    --------
    >>> last_line(RuntimeError("Model file is broken."))
    'Model file is broken'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
