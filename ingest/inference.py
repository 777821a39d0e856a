"""onnxruntime without its telemetry: the one place that imports it.

Its wheels for Linux tell their maker of each session over the network and keep a device's id in the user's cache,
unless this variable is set before the library is loaded (microsoft/onnxruntime, pull request 27379).
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
