"""pedalboard, a real JUCE host, on bundles of ours: what it hears is what the scripted CLAP host hears, sample by
sample; parameters, state, latency; and a reload in the middle of a stream.

Its `show_editor` is not called: on an Xvfb, with a window manager (xfwm4) and without, pedalboard 0.9.26 ends the process
by an X error of its own (BadWindow, X_GetProperty of window 0), for a plug-in without an editor as well.

tests/run makes the environment that this runs in, and names the `stage` (tests/harness/stage.rs) that it has built.
Without it cargo builds one.
"""

import json
import subprocess
import sys
import time

import numpy
from pedalboard import load_plugin

RATE = 48_000
PATIENCE = 30.0


class Stage:
    """The bundles, the references, and the slot's publisher."""

    def __init__(self):
        cargo = ["cargo", "run", "--quiet", "--locked", "--package", "hotshell-tests", "--bin", "stage"]
        self.process = subprocess.Popen(sys.argv[1:] or cargo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.places = json.loads(self.process.stdout.readline())
        self.frames, self.block = self.places["frames"], self.places["block"]

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def reference(self, name):
        samples = numpy.fromfile(f"{self.places['references']}/{name}", dtype=numpy.float32)
        return samples.reshape(2, -1)

    def end(self):
        self.process.stdin.close()
        return self.process.wait()


def parameter(plugin, name):
    found = [p for p in plugin.parameters.values() if p.name == name]
    assert len(found) == 1, f"one {name} in {[p.name for p in plugin.parameters.values()]}"
    return found[0]


def same(got, wanted):
    assert got.shape == wanted.shape, f"{got.shape} is not {wanted.shape}"
    assert numpy.abs(wanted).max() > 0.01, "silence proves nothing"
    differ = numpy.argwhere(got.view(numpy.uint32) != wanted.view(numpy.uint32))
    assert len(differ) == 0, (
        f"{len(differ)} samples differ, first channel {differ[0][0]} frame {differ[0][1]}: "
        f"{got[tuple(differ[0])]!r} is not {wanted[tuple(differ[0])]!r}"
    )


def stream(plugin, audio, block):
    return plugin.process(audio, RATE, buffer_size=block, reset=False)


def gain_sounds_as_in_clap(stage, path):
    plugin, audio, block = load_plugin(path), stage.reference("input"), stage.block
    gain, parts = parameter(plugin, "Gain"), []
    # -6, -24, -6 dB on a travel from -60 to 12.
    for value, first, last in ((0.75, 0, 10), (0.5, 10, 15), (0.75, 15, 20)):
        gain.raw_value = value
        parts.append(stream(plugin, audio[:, first * block : last * block], block))
    same(numpy.concatenate(parts, axis=1), stage.reference("gain")[:, : stage.frames])


def latency_is_compensated(stage, path):
    plugin = load_plugin(path)
    parameter(plugin, "Gain").raw_value = 1.0
    parameter(plugin, "Look-ahead limiter").raw_value = 1.0
    got = plugin.process(stage.reference("input"), RATE, buffer_size=stage.block, reset=True)
    latency = 5 * RATE // 1000
    same(got, stage.reference("limited")[:, latency : latency + stage.frames])


def synth_sounds_as_in_clap(stage, path):
    plugin, block = load_plugin(path), stage.block
    at = lambda which, frame: (which * block + frame + 0.5) / RATE
    notes = [
        (bytes([0x90, 60, 96]), at(0, 0)),
        (bytes([0x90, 64, 96]), at(2, 100)),
        (bytes([0x80, 60, 0]), at(8, 0)),
        (bytes([0x80, 64, 0]), at(12, 511)),
    ]
    got = plugin.process(notes, stage.frames / RATE, RATE, 2, buffer_size=block, reset=False)
    same(got, stage.reference("synth")[:, : stage.frames])


def parameters_read_as_they_are(stage, path):
    plugin = load_plugin(path)
    names = [p.name for p in plugin.parameters.values()]
    assert names == ["Gain", "Look-ahead limiter", "Bypass"], names
    gain = parameter(plugin, "Gain")
    for raw, text in ((0.75, "-6.0 dB"), (0.5, "-24.0 dB"), (1.0, "12.0 dB")):
        gain.raw_value = raw
        shown = gain.get_text_for_raw_value(raw)
        assert float(shown.split()[0]) == float(text.split()[0]), f"{shown} is not {text}"
        assert gain.raw_value == raw, gain.raw_value


def raw_state_opens_in_a_second_instance(stage, path):
    first, second = load_plugin(path), load_plugin(path)
    parameter(first, "Gain").raw_value = 0.75
    parameter(first, "Bypass").raw_value = 1.0
    second.raw_state = first.raw_state
    values = [[p.raw_value for p in plugin.parameters.values()] for plugin in (first, second)]
    assert values[0] == values[1], values
    assert first.raw_state == second.raw_state, "the same values give the same bytes"
    audio = stage.reference("input")
    same(stream(second, audio, stage.block), stream(first, audio, stage.block))


def a_reload_in_the_middle_of_a_stream(stage, path):
    plugin, block = load_plugin(path), 128
    audio = numpy.full((2, block), 0.5, dtype=numpy.float32)
    heard = []
    for _ in range(20):
        heard.append(stream(plugin, audio, block))
    assert (heard[-1] == 0.5).all(), "build 0 passes the sound on"
    for features, level in (("loud", 1.0), ("", 0.5), ("loud", 1.0)):
        build = stage.ask(f"publish {features}")
        begin = time.monotonic()
        while not (heard[-1] == level).all():
            heard.append(stream(plugin, audio, block))
            assert time.monotonic() - begin < PATIENCE, f"build {build} is not heard"
        said = stage.ask(f"heard {build}")
        assert said == f"heard {build} lost 0", said
    sound = numpy.concatenate(heard, axis=1)
    assert sound.shape == (2, len(heard) * block), "every block is whole"
    assert ((sound >= 0.5 - 1e-6) & (sound <= 1.0 + 1e-6)).all(), "between the builds, nothing else"
    step = numpy.abs(numpy.diff(sound, axis=1)).max()
    assert step < 0.5 * numpy.pi / 2 / 480 * 1.05, f"a step of {step} in a fade of 10 ms"


TESTS = [
    (gain_sounds_as_in_clap, "gain"),
    (latency_is_compensated, "gain"),
    (synth_sounds_as_in_clap, "synth"),
    (parameters_read_as_they_are, "gain"),
    (raw_state_opens_in_a_second_instance, "gain"),
]


def main():
    stage, passed, failed = Stage(), 0, 0
    runs = [(test, path, kind) for test, name in TESTS for path, kind in zip(stage.places[name], ("static", "hot"))]
    runs.append((a_reload_in_the_middle_of_a_stream, stage.places["hot"], "hot"))
    for test, path, kind in runs:
        try:
            test(stage, path)
            passed += 1
            print(f"{test.__name__} ({kind}) ... ok", flush=True)
        except Exception as error:
            failed += 1
            print(f"{test.__name__} ({kind}) ... FAILED: {error!r}", flush=True)
    failed += stage.end() != 0
    print(f"pedalboard: {passed} passed, {failed} failed")
    return 1 if failed or passed != 2 * len(TESTS) + 1 else 0


if __name__ == "__main__":
    sys.exit(main())
