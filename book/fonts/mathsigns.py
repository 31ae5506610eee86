"""Make math-signs.woff2: the signs of formulas, cut out of Noto Sans Math with its table of growing parts.

    npm pack @fontsource/noto-sans-math@5.3.0        and unpack it
    pip install fonttools==4.68.0 brotli==1.2.1
    python book/fonts/mathsigns.py package/files/noto-sans-math-latin-400-normal.woff2

Letters are left out: a formula's letters and digits are the text's own. The Greek ones are here, in italic.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from fontTools import subset

SHA256 = "c39a9444f95747345dcbde1032ec0ea2af1db63dccf53a31b38a957bdcf4a01f"
# A browser takes a formula's measures from the first font that has a space.
SIGNS = " ()[]{}|‖←→↦⇒⇔⟺∂∇∈∏∑√∞∫≈≠≤≥⊙⌈⌉⌊⌋"
GREEK = [*range(0x1D6FC, 0x1D715), 0x1D6E5]
OUT = Path(__file__).with_name("math-signs.woff2")


def main() -> int:
    source = Path(sys.argv[1])
    found = hashlib.sha256(source.read_bytes()).hexdigest()
    if found != SHA256:
        sys.exit(f"{source} is refused: its sha256 is {found}, {SHA256} is needed")
    options = subset.Options(flavor="woff2", layout_features=["ssty", "dtls"], hinting=False)
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[*map(ord, SIGNS), *GREEK])
    cutter.subset(font)
    subset.save_font(font, OUT, options)
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
