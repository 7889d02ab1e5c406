"""ONVIF metadata of people as cameras write it: ``humanbody.xsd`` and ``humanface.xsd``, as XML. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from connectors.simulation.street_people import Words
from connectors.simulation.street_sightings import SeenPerson

SPACES = (
    ("tt", "http://www.onvif.org/ver10/schema"),
    ("fc", "http://www.onvif.org/ver20/analytics/humanface"),
    ("bd", "http://www.onvif.org/ver20/analytics/humanbody"),
)
OPENED = f"<tt:MetadataStream{''.join(f' xmlns:{name}={quoteattr(uri)}' for name, uri in SPACES)}><tt:VideoAnalytics>"
CLOSED = "</tt:VideoAnalytics></tt:MetadataStream>"
RGB: dict[str, tuple[int, int, int]] = {
    "black": (25, 25, 28), "white": (240, 240, 238), "red": (200, 30, 35), "purple": (130, 40, 190),
    "yellow": (235, 205, 30), "gray": (128, 128, 128), "blue": (30, 80, 200), "green": (30, 150, 60),
    "pink": (240, 120, 180), "brown": (120, 75, 40),
}  # fmt: skip
"""A dye of each word."""
AGES = {"child": (4, 10), "teenager": (14, 18), "adult": (25, 45), "old": (66, 80)}
TOPS = {"long": "LongSleeve", "short": "ShortSleeve"}
BOTTOMS = {"trousers": "Trousers", "shorts": "Shorts", "skirt": "Skirt"}
LIKELIHOOD = 0.9


def stream_of(seen: Iterable[SeenPerson], start_ms: int) -> str:
    """A stream of one camera's frames, a person each. *start_ms*: the epoch of second 0."""
    return f"{OPENED}{''.join(_frame(one, start_ms) for one in seen)}{CLOSED}"


def _frame(seen: SeenPerson, start_ms: int) -> str:
    at = datetime.fromtimestamp((start_ms + round(seen.clock_s * 1000)) / 1000, UTC)
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    left = -0.8 + seen.object_id % 120 / 100
    return (
        f'<tt:Frame UtcTime="{stamp}"><tt:Object ObjectId="{seen.object_id}"><tt:Appearance>'
        f'<tt:Shape><tt:BoundingBox left="{left:.2f}" top="0.5" right="{left + 0.15:.2f}" bottom="-0.1"/>'
        f'<tt:CenterOfGravity x="{left + 0.07:.2f}" y="0.2"/></tt:Shape>'
        f'<tt:Class><tt:Type Likelihood="{LIKELIHOOD}">Human</tt:Type></tt:Class>'
        f"{_face(seen.words)}{_body(seen.words)}</tt:Appearance></tt:Object></tt:Frame>"
    )


def _face(words: Words) -> str:
    """Traits of those who face the camera; the age as years between which it lies."""
    if "sex" not in words:
        return ""
    low, high = AGES[words["age_band"]]
    hat = "true" if words["hat"] == "yes" else "false"
    return (
        f"<tt:HumanFace><fc:Age><tt:Min>{low}</tt:Min><tt:Max>{high}</tt:Max></fc:Age>"
        f"<fc:Gender>{words['sex'].capitalize()}</fc:Gender>"
        f"<fc:Hair><fc:Length>{words['hair'].capitalize()}</fc:Length></fc:Hair>"
        f"<fc:Accessory><fc:Hat><fc:Wear>{hat}</fc:Wear></fc:Hat></fc:Accessory></tt:HumanFace>"
    )


def _body(words: Words) -> str:
    bags = [
        name
        for attribute, name in (("bag", "ShoulderBag"), ("backpack", "Backpack"))
        if words[attribute] == "yes"
    ]
    told = "".join(f"<bd:Bag><bd:Category>{one}</bd:Category></bd:Bag>" for one in bags)
    return (
        "<tt:HumanBody><bd:Clothing>"
        f"{_garment('Tops', TOPS[words['sleeves']], words['upper_colour'])}"
        f"{_garment('Bottoms', BOTTOMS[words['lower_kind']], words['lower_colour'])}"
        f"</bd:Clothing>{f'<bd:Belonging>{told}</bd:Belonging>' if told else ''}</tt:HumanBody>"
    )


def _garment(name: str, category: str, colour: str) -> str:
    x, y, z = _ycbcr(*RGB[colour])
    return (
        f"<bd:{name}><bd:Category>{category}</bd:Category><bd:Color><tt:ColorCluster>"
        f'<tt:Color X="{x:.0f}" Y="{y:.0f}" Z="{z:.0f}"/><tt:Weight>0.8</tt:Weight>'
        f"</tt:ColorCluster></bd:Color></bd:{name}>"
    )


def _ycbcr(red: float, green: float, blue: float) -> tuple[float, float, float]:
    """A colour by ITU-R BT.601 with its full range, the colour space that the standard takes where none is named."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma, 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402
