"""Writes packages/diffusion/test/fixtures/events.json: a TensorBoard event file, byte for byte, as tensorboard itself writes it."""

import base64
import io
import json
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

file = io.BytesIO()
writer = RecordWriter(file)
writer.write(Event(wall_time=1700000000.25, step=0, file_version="brain.Event:2").SerializeToString(deterministic=True))
for step, values in ((1, {"loss": 0.5}), (300, {"loss": 0.125, "learning rate": 4e-4})):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    writer.write(Event(wall_time=1700000000.25, step=step, summary=summary).SerializeToString(deterministic=True))

target = Path(__file__).parents[3] / "packages/diffusion/test/fixtures/events.json"
target.write_text(json.dumps({"base64": base64.b64encode(file.getvalue()).decode()}) + "\n")
