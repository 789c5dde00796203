"""A program: what is said in the recording on standard input, by a Whisper model in a folder.

A process of its own for each: what decodes it is large, and the recording is a stranger's.
"""

import json
import sys
from importlib import import_module
from io import BytesIO


def main() -> None:
    folder, language = sys.argv[1:]
    whisper = import_module("faster_whisper")  # installed by who wants it
    quick = {"device": "cpu", "compute_type": "int8", "cpu_threads": 2}
    model = whisper.WhisperModel(folder, local_files_only=True, **quick)
    recording = BytesIO(sys.stdin.buffer.read())
    parts, _ = model.transcribe(recording, language=language or None, beam_size=1)
    sys.stdout.write(json.dumps({"text": " ".join(part.text.strip() for part in parts)}))


if __name__ == "__main__":
    main()
