r"""Characters of formulas as TeX commands.

Belongs here: which command a character is, accents, names of functions, how commands stand side by
side. Does not belong here: the elements of MathML (mathml.py). The commands are those of LaTeX and
amsmath; code points as in the Unicode charts of mathematical operators, arrows and alphanumerics.
"""

from __future__ import annotations

import re
import unicodedata

_FUNCTIONS_NAMES = (
    "sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan log ln lg exp lim limsup "
    "liminf max min sup inf det dim ker deg gcd hom arg Pr"
)
FUNCTIONS = frozenset(_FUNCTIONS_NAMES.split())
_PAIRS = (
    "α alpha β beta γ gamma δ delta ϵ epsilon ε varepsilon ζ zeta η eta θ theta ϑ vartheta ι iota "
    "κ kappa λ lambda μ mu µ mu ν nu ξ xi π pi ϖ varpi ρ rho ϱ varrho σ sigma ς varsigma τ tau υ "
    "upsilon ϕ phi φ varphi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ "
    "Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega ∆ Delta ∑ sum ∏ prod ∐ coprod ∫ int ∬ iint ∭ iiint ∮ "
    "oint ⋂ bigcap ⋃ bigcup ⨁ bigoplus ⨂ bigotimes ⋁ bigvee ⋀ bigwedge ≤ leq ≥ geq ⩽ leqslant ⩾ "
    "geqslant ≠ neq ≈ approx ≡ equiv ∼ sim ≃ simeq ≅ cong ∝ propto ≪ ll ≫ gg ≺ prec ≻ succ ⪯ "
    "preceq ⪰ succeq ± pm ∓ mp × times ÷ div ⋅ cdot · cdot ∗ ast ⋆ star ∘ circ ∙ bullet • bullet "
    "⊕ oplus ⊖ ominus ⊗ otimes ⊙ odot ∧ wedge ∨ vee ∩ cap ∪ cup ∖ setminus ⧵ setminus ∈ in ∉ "
    "notin ∋ ni ⊂ subset ⊃ supset ⊆ subseteq ⊇ supseteq ⊊ subsetneq ∅ emptyset ∀ forall ∃ exists "
    "∄ nexists ¬ neg ⊤ top ⊥ bot ⊢ vdash ⊨ models ∠ angle △ triangle □ square ∂ partial ∇ nabla ∞ "
    "infty ℏ hbar ℓ ell ℜ Re ℑ Im ℘ wp ℵ aleph → to ← leftarrow ↔ leftrightarrow ⇒ Rightarrow ⇐ "
    "Leftarrow ⇔ Leftrightarrow ⟹ implies ⟸ impliedby ⟺ iff ↦ mapsto ⟼ longmapsto ⟶ "
    "longrightarrow ⟵ longleftarrow ↑ uparrow ↓ downarrow ↪ hookrightarrow ↩ hookleftarrow ⇌ "
    "rightleftharpoons ⇀ rightharpoonup … ldots ⋯ cdots ⋮ vdots ⋱ ddots ⟨ langle ⟩ rangle 〈 "
    "langle 〉 rangle ⌊ lfloor ⌋ rfloor ⌈ lceil ⌉ rceil ‖ | ∥ parallel ∣ mid † dagger ‡ ddagger ∴ "
    "therefore ∵ because ≔ coloneqq ≜ triangleq ⊲ triangleleft ⊳ triangleright ⊔ sqcup ⊓ sqcap ≲ "
    "lesssim ≳ gtrsim ≐ doteq ♯ sharp ♭ flat ♮ natural ⋄ diamond ⊎ uplus ⋉ ltimes ⋊ rtimes ≀ wr ⊞ "
    "boxplus ⊠ boxtimes ∤ nmid ∦ nparallel ∁ complement ı imath ȷ jmath ⊈ nsubseteq ≮ nless ≯ "
    "ngtr ≰ nleq ≱ ngeq "
    # amssymb and rarer signs of LaTeX itself
    "⟂ perp ⊧ models ⊩ Vdash ⊪ Vvdash ⊬ nvdash ⊭ nvDash ⊮ nVdash ⊣ dashv ↗ nearrow ↘ searrow ↙ swarrow "
    "↖ nwarrow ↕ updownarrow ⇑ Uparrow ⇓ Downarrow ⇕ Updownarrow ↠ twoheadrightarrow ↞ twoheadleftarrow "
    "↣ rightarrowtail ↢ leftarrowtail ↛ nrightarrow ↚ nleftarrow ↮ nleftrightarrow ⇏ nRightarrow ⇍ "
    "nLeftarrow ⇎ nLeftrightarrow ↫ looparrowleft ↬ looparrowright ↭ leftrightsquigarrow ⇝ "
    "rightsquigarrow ↶ curvearrowleft ↷ curvearrowright ↺ circlearrowleft ↻ circlearrowright ↼ "
    "leftharpoonup ↽ leftharpoondown ⇁ rightharpoondown ↾ upharpoonright ↿ upharpoonleft ⇂ "
    "downharpoonright ⇃ downharpoonleft ⇋ leftrightharpoons ⇄ rightleftarrows ⇆ leftrightarrows ⇇ "
    "leftleftarrows ⇉ rightrightarrows ⇈ upuparrows ⇊ downdownarrows ⇚ Lleftarrow ⇛ Rrightarrow ⇠ "
    "dashleftarrow ⇢ dashrightarrow ↰ Lsh ↱ Rsh ⟷ longleftrightarrow ≍ asymp ≎ Bumpeq "
    "≏ bumpeq ≑ doteqdot ≒ fallingdotseq ≓ risingdotseq ≖ eqcirc ≗ circeq ≕ eqqcolon ≊ approxeq ≂ "
    "eqsim ∽ backsim ⋍ backsimeq ≁ nsim ≇ ncong ≦ leqq ≧ geqq ≨ lneqq ≩ gneqq ⪇ lneq ⪈ gneq ≬ between "
    "≶ lessgtr ≷ gtrless ⋚ lesseqgtr ⋛ gtreqless ⋖ lessdot ⋗ gtrdot ⋘ lll ⋙ ggg ⪅ lessapprox ⪆ "
    "gtrapprox ⪕ eqslantless ⪖ eqslantgtr ⋦ lnsim ⋧ gnsim ≼ preccurlyeq ≽ succcurlyeq ≾ precsim ≿ "
    "succsim ⪷ precapprox ⪸ succapprox ⊀ nprec ⊁ nsucc ⋠ npreceq ⋡ nsucceq ⋞ curlyeqprec ⋟ curlyeqsucc "
    "⊉ nsupseteq ⊋ supsetneq ⫅ subseteqq ⫆ supseteqq ⋐ Subset ⋑ Supset ⊏ sqsubset ⊐ sqsupset ⊑ "
    "sqsubseteq ⊒ sqsupseteq ⊴ trianglelefteq ⊵ trianglerighteq ⋪ ntriangleleft ⋫ ntriangleright ⋬ "
    "ntrianglelefteq ⋭ ntrianglerighteq ⊘ oslash ⊚ circledcirc ⊛ circledast ⊝ circleddash ⊟ boxminus ⊡ "
    "boxdot ⊸ multimap ⊺ intercal ⊻ veebar ⊼ barwedge ⋇ divideontimes ⋈ bowtie ⋋ leftthreetimes ⋌ "
    "rightthreetimes ⋎ curlyvee ⋏ curlywedge ⋒ Cap ⋓ Cup ⋔ pitchfork ∔ dotplus ∡ measuredangle ∢ "
    "sphericalangle ⌢ frown ⌣ smile ⌜ ulcorner ⌝ urcorner ⌞ llcorner ⌟ lrcorner ⟮ lgroup ⟯ rgroup ⎰ "
    "lmoustache ⎱ rmoustache ∯ oiint ∰ oiiint ⨌ iiiint ⨀ bigodot ⨄ biguplus ⨆ bigsqcup ⨿ amalg ℶ beth "
    "ℷ gimel ℸ daleth ð eth ℧ mho Ⅎ Finv ⅁ Game ϝ digamma ϰ varkappa ϶ backepsilon ‵ backprime ◊ "
    "lozenge ⧫ blacklozenge ★ bigstar ■ blacksquare ▲ blacktriangle ▼ blacktriangledown ◀ "
    "blacktriangleleft ▶ blacktriangleright ▽ bigtriangledown ▿ triangledown ▷ triangleright ◁ triangleleft "
    "◯ bigcirc ♠ spadesuit ♡ heartsuit ♢ diamondsuit ♣ clubsuit √ surd £ pounds ¥ yen ® circledR Ⓢ "
    "circledS ✓ checkmark ✠ maltese ╲ diagdown ╱ diagup"
)
_WORDS = _PAIRS.split()
_COMMANDS = {char: "\\" + name for char, name in zip(_WORDS[::2], _WORDS[1::2], strict=True)}
_COMMANDS |= {"−": "-", "–": "-", "′": "'", "″": "''", "‴": "'''", "’": "'", "⁢": "", "⁡": "", "⁣": "", "⁤": ""}
_COMMANDS |= {"⁗": "''''", "⋰": r"\iddots", "∎": r"\blacksquare"}
_COMMANDS |= {c: "\\" + c for c in "{}#%&$_"} | {"\\": r"\backslash", "~": r"\sim", "⧸": r"\not", "∕": "/"}
_COMMANDS |= {"\xa0": r"\ ", "\u2009": r"\,", "\u2003": r"\quad", "\u200b": "", "〖": "", "〗": ""}
# (for one sign, for more) over a base, and under it
ACCENTS = {
    "^": ("hat", "widehat"), "ˆ": ("hat", "widehat"), "̂": ("hat", "widehat"),
    "~": ("tilde", "widetilde"), "˜": ("tilde", "widetilde"), "∼": ("tilde", "widetilde"),
    "̃": ("tilde", "widetilde"),
    "¯": ("bar", "overline"), "‾": ("bar", "overline"), "ˉ": ("bar", "overline"), "̄": ("bar", "overline"),
    "―": ("overline", "overline"), "_": ("overline", "overline"), "-": ("bar", "overline"),
    "→": ("vec", "overrightarrow"), "⃗": ("vec", "overrightarrow"), "←": ("overleftarrow", "overleftarrow"),
    "˙": ("dot", "dot"), ".": ("dot", "dot"), "¨": ("ddot", "ddot"), "⃛": ("dddot", "dddot"),
    "ˇ": ("check", "check"), "˘": ("breve", "breve"), "´": ("acute", "acute"), "`": ("grave", "grave"),
    "˚": ("mathring", "mathring"), "⏞": ("overbrace", "overbrace"), "↔": ("overleftrightarrow",) * 2,
}  # fmt: skip
OVER_AND_UNDER = {
    "―": ("underline", "underline"), "_": ("underline", "underline"), "¯": ("underline", "underline"),
    "̲": ("underline", "underline"), "⏟": ("underbrace", "underbrace"), "‾": ("underline", "underline"),
}  # fmt: skip
FENCES = {"(": "open", ")": "close", "[": "open", "]": "close", "{": "open", "}": "close", "⟨": "open"}
FENCES |= {
    "⟩": "close",
    "⌊": "open",
    "⌋": "close",
    "⌈": "open",
    "⌉": "close",
    "|": "",
    "‖": "",
    "∣": "",
    "/": "",
}
VARIANTS = {
    "bold": r"\mathbf", "bold-italic": r"\boldsymbol", "double-struck": r"\mathbb", "script": r"\mathcal",
    "fraktur": r"\mathfrak", "sans-serif": r"\mathsf", "monospace": r"\mathtt", "normal": r"\mathrm",
    "italic": "", "bold-fraktur": r"\mathfrak", "bold-script": r"\mathcal",
}  # fmt: skip
_ALPHABETS = (
    ("MATHEMATICAL BOLD ITALIC ", r"\boldsymbol"), ("MATHEMATICAL BOLD SCRIPT ", r"\mathcal"),
    ("MATHEMATICAL BOLD FRAKTUR ", r"\mathfrak"), ("MATHEMATICAL BOLD ", r"\mathbf"),
    ("MATHEMATICAL ITALIC ", ""),
    ("MATHEMATICAL SCRIPT ", r"\mathcal"), ("SCRIPT ", r"\mathcal"),
    ("MATHEMATICAL DOUBLE-STRUCK ", r"\mathbb"),
    ("DOUBLE-STRUCK ", r"\mathbb"), ("MATHEMATICAL FRAKTUR ", r"\mathfrak"), ("BLACK-LETTER ", r"\mathfrak"),
    ("MATHEMATICAL SANS-SERIF BOLD ITALIC ", r"\mathsf"), ("MATHEMATICAL SANS-SERIF BOLD ", r"\mathsf"),
    ("MATHEMATICAL SANS-SERIF ITALIC ", r"\mathsf"), ("MATHEMATICAL SANS-SERIF ", r"\mathsf"),
    ("MATHEMATICAL MONOSPACE ", r"\mathtt"),
)  # fmt: skip
_VARIANT_RUN = re.compile(r"\\(math[a-z]+)\{([A-Za-z0-9])\}(?:\\\1\{[A-Za-z0-9]\})+")


def command(char: str) -> str:
    """A character of a formula as TeX: itself where TeX has it on the keyboard or knows no command."""
    if char < "\x7f" and char not in "{}#%&$_\\~":
        return char
    found = _COMMANDS.get(char)
    if found is not None:
        return found
    name = unicodedata.name(char, "")
    for prefix, variant in _ALPHABETS:
        if name.startswith(prefix):
            plain = unicodedata.normalize("NFKC", char)
            inner = _COMMANDS.get(plain, plain)
            return f"{variant}{{{inner}}}" if variant else inner
    return char


def joined(pieces: list[str]) -> str:
    """Pieces of TeX side by side, with a space where a letter would run into a command's name."""
    text = ""
    for piece in pieces:
        if piece and text and piece[0].isalpha() and piece[0].isascii() and _ends_in_command(text):
            text += " "
        text += piece
    if "}\\math" not in text:
        return text
    return _VARIANT_RUN.sub(lambda m: f"\\{m[1]}{{{''.join(re.findall('{(.)}', m[0]))}}}", text)


def _ends_in_command(text: str) -> bool:
    i = len(text)
    while i and text[i - 1].isascii() and text[i - 1].isalpha():
        i -= 1
    return 0 < i < len(text) and text[i - 1] == "\\"
