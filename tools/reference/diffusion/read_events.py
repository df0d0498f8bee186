"""Prints, as JSON, what tensorboard finds in the event files of a folder: `read_events.py FOLDER`.

{"scalars": {tag: [[step, value], ...]}, "images": {tag: [[step, width, height, bytes of the PNG], ...]}}
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0}).Reload()
print(
    json.dumps(
        {
            "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]},
            "images": {
                tag: [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in events.Images(tag)]
                for tag in events.Tags()["images"]
            },
        }
    )
)
