"""Short lines among main text that say themselves that they are none: who took a picture, what to read
instead, a call to subscribe, what it takes to comment.

Belongs here: the forms of such lines, and that they go. Does not belong here: cues that the forests
learn from (cues.py), lines of a document that came as text (edits/boilerplate.py).

Each is a few words of a page, which F1 hardly sees, so that the forests take them where they stand among
paragraphs. Of those that forests of other sites took on WCXB's pages, main text by the gold are: credits
.16 (of pictures .04), pointers .42, calls .07. A line goes as a whole, and only where its form says what
it is; table cells, headings, terms and code stay. Chinese credits stay too: in the gold pages they are
main text.
"""

from __future__ import annotations

import re

import numpy as np

from pipelines.extraction.blocks.cues import word_table, words_in
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags
from pipelines.extraction.markdown.lines import block_text
from pipelines.kernels.compiled import Array, kernel

MAX_TOKENS = 30  # words and Han characters of such a line
MAX_CREDIT = 20  # of one that names the source of a picture
MAX_GATE = 20  # of one that says what it takes to comment
MIN_LINKED = 0.4  # share of a pointer's characters that are linked
MIN_LEFT = 30  # words and Han characters that must be left of a page

# one of these stands in every such line; see word_table
_WORDS = (
    "photo photos photograph photographer photography image images picture pictures illustration"
    " illustrations screenshot credit credits courtesy source sources copyright bild bilder foto fotos"
    " titelbild beitragsbild bildnachweis bildquelle bildrechte fotocredit illustrationen quelle quellen"
    " crédit crédits photographe imagen imágenes crédito créditos fotografía fuente immagine immagini"
    " fonte imagem fotografia zdjęcie zdjęcia źródło afbeelding beeld bron kuva"
    # pointers
    " also more related recommended auch hier dazu mehr passend weiterlesen weitere aussi également lire"
    " sujet también interesar información relacionado relacionada anche interessarti ook meer mais juga"
    " também też także więcej läs les læs myös"
    " previous next 上一 下一 延伸 相关 推荐 扩展 更多 另请 延伸閱讀 相關 推薦 擴展"
    # calls, and what it takes to comment
    " newsletter newsletters inbox phone mailing subscribe sign facebook instagram twitter whatsapp"
    " telegram youtube tiktok pinterest linkedin app abonnieren abonniere 公众 微信 微博"
    " comment comments reply kommentieren kommentar kommentare commenter commentaire comentar comentario"
    " commentare reageren komentarz 登录 登陆 登入 登錄"
)
_HASHES, _MASKS = word_table([_WORDS])

_PICTURE = (
    r"(?:photos?|photograph(?:er|y|s)?|images?|pictures?|illustrations?|screenshot|credits?|bild(?:er)?"
    r"|fotos?|titelbild|beitragsbild|bildnachweis|bildquelle|bildrechte|fotocredit|illustrationen|crédits?"
    r"|photographe|imagen|imágenes|créditos?|fotografía|immagin[ei]|imagem|fotografia|zdjęci[ea]"
    r"|afbeelding|beeld|kuva)"
)
_SOURCE = r"(?:sources?|copyright|quellen?|fuentes?|fonte|źródło|bron)"
_BESIDE = r"(?:by|of|courtesy|via|the|and|und|et|von|de|main|top|cover|featured|header|hero|lead|stock)"
_HOLDER = (  # capitals, signs, a host, agencies: what holds a sentence goes on with a small letter
    r"(?:[(@©]|(?-i:[A-ZÀ-ÞŁŚŻŹĆ])|https?:|\w[\w.-]+\.[a-z]{2,4}\b|(?:dpa|epa|afp|ap|pixabay|unsplash)\b)"
)
_CREDIT = re.compile(
    rf"[\W_]{{0,4}}(?:(?:{_BESIDE}\s){{0,2}}(?:{_PICTURE}|{_SOURCE})"
    rf"(?:\s(?:{_PICTURE}|{_SOURCE}|{_BESIDE})){{0,3}}\s?[:|/©]\s?{_HOLDER}"
    rf"|{_PICTURE}\s(?:by|courtesy of|via|von|par)\s{_HOLDER})",
    re.IGNORECASE,
)
_MORE_OF = (
    r"(?: (?:on this|about this|on the topic|articles?|stor(?:y|ies)|posts?|news|links?|coverage|reads?"
    r"|reading|content|for you|from us|like this|here|now|next)){0,2}"
)
_POINTERS = (
    rf"(?:also )?(?:read|see|watch|learn|find out|discover|explore) (?:also|more){_MORE_OF}",
    rf"also (?:read|see|watch|of interest){_MORE_OF}|(?:related|recommended|more){_MORE_OF}",
    r"you (?:may|might) (?:also )?(?:like|enjoy|be interested in)(?: this)?",
    r"(?:lesen|lies|sehen|siehe) (?:sie )?(?:auch|hier|dazu|mehr)(?: (?:auch|dazu|mehr))?",
    r"auch (?:lesen|interessant|spannend)|mehr (?:dazu|lesen|infos?|zum thema)|passend (?:dazu|zum thema)",
    r"weiterlesen|weitere (?:artikel|beiträge|nachrichten|meldungen|themen|infos)(?: (?:zum thema|dazu))?",
    r"das könnte (?:sie|dich|euch) (?:auch )?interessieren",
    r"(?:à )?lire (?:aussi|également)|à lire|voir (?:aussi|également)|sur le même sujet",
    r"(?:lea|leer|lee|ver|vea|mira) (?:también|más)|(?:te|le) puede interesar|más información",
    r"relacionad[oa]s?|(?:leggi|vedi|guarda) anche|potrebbe interessarti|lees (?:ook|meer|verder)",
    r"(?:leia|veja) (?:também|mais)|(?:czytaj|zobacz|przeczytaj) (?:też|także|również|więcej)",
    r"läs (?:också|även|mer)|les (?:også|mer)|læs (?:også|mere)|lue (?:myös|lisää)|(?:baca|lihat) juga",
    r"(?:previous|next) (?:message|post|article|page|chapter|thread|topic)|[上下]一(?:篇|页|章|頁)",
    r"(?:延伸|相关|推荐|扩展|更多)(?:阅读|新闻|链接|文章|报道|内容)|另请参阅",
    r"(?:延伸|相關|推薦|擴展|更多)(?:閱讀|新聞|連結|文章|報導|內容)",
)
_POINTER = re.compile(rf"[\W_]*(?:{'|'.join(_POINTERS)})\s?[:：|>»→–—]\s?\S", re.IGNORECASE)
_BEFORE = r"[\W_]*(?:please |and |so |also |be sure to |make sure to |don['’]t forget to |click here to )?"
_ASKS = (
    r"(?:(?:get|subscribe|sign ?up|join|register|receive|stay|keep up|never miss|don['’]t miss|want"
    r"|would you like|do you want|enter your|if you (?:enjoyed|liked)|for more"
    r"|abonnier\w*|melde\w*|jetzt|hol\w*|abonnez|recevez|inscrivez|suscríbe\w*|recibe|iscriviti|inscreva)\b"
    r"|关注|欢迎关注|扫码|长按|订阅)"
)
_BY_MAIL = (
    r"(?:newsletters?|(?:your|the) inbox|to your phone|mailing list"
    r"|(?:sign up|subscribe) (?:here|today|now)|公众号)(?!\w)"
)
_CALL = re.compile(rf"{_BEFORE}{_ASKS}.*{_BY_MAIL}", re.IGNORECASE | re.DOTALL)
_SITE = r"(?:facebook|instagram|twitter|x|whatsapp|telegram|youtube|tiktok|pinterest|linkedin)"
_FOLLOW = re.compile(
    rf"{_BEFORE}(?:(?:follow|join|like|find|folg(?:e|en|t)|suivez|síguenos|seguici)\b.{{0,60}}"
    rf"\b(?:on|auf|sur|en|su|channel|group|page)\b.{{0,40}}\b{_SITE}\b"
    rf"|(?:follow|join)\b.{{0,40}}\b{_SITE} (?:channel|group|page)\b)",
    re.IGNORECASE | re.DOTALL,
)
_SIGNED = (
    r"\b(?:log(?:ged|in)?|sign(?:ed|in)?|regist\w+|eingeloggt|angemeldet|einloggen|anmelden|connectez"
    r"|connecté\w*|inici\w+ sesión|accedi|inloggen|zalog\w+)\b"
)
_COMMENT = (
    r"\b(?:comments?|reply|respond|kommentieren|kommentar\w*|commenter|commentaire\w*|comentar\w*"
    r"|commentare|reageren|komentarz\w*)\b"
)
_GATE = re.compile(
    r"[\W_]*(?:(?:please|(?:sorry,? )?you (?:must|need to|have to)|only (?:registered|logged)|log|sign|login"
    r"|register|to (?:leave|post|add|comment|reply|respond)|um|bitte|sie müssen|pour|vous devez|connectez"
    r"|debes?|para|inicia|accedi|per|devi|zaloguj|aby|om|je moet)\b"
    rf"(?:.*{_SIGNED}.*{_COMMENT}|.*{_COMMENT}.*{_SIGNED})|登[录陆入錄]\S{{0,4}}[后後才]\S{{0,6}}(?:评论|回复|发表|回帖|評論|回覆))",
    re.IGNORECASE,
)


def is_aside(text: str, tokens: int, linked: float) -> bool:
    """Whether the form of a line says that it is no main text. `tokens`: its words and Han characters;
    `linked`: the share of its characters that are linked."""
    if tokens > MAX_TOKENS:
        return False
    if tokens <= MAX_CREDIT and _CREDIT.match(text):
        return True
    if linked >= MIN_LINKED and _POINTER.match(text):
        return True
    if _CALL.match(text) or (linked > 0 and _FOLLOW.match(text)):
        return True
    return tokens <= MAX_GATE and _GATE.match(text) is not None


@kernel
def _short(chosen: Array, elements: Array, blocks: Array) -> Array:
    """The chosen blocks that may be such a line (int64 [m]), by length and element alone."""
    found, size = np.zeros(chosen.size, np.int64), 0
    for i in range(chosen.size):
        if chosen[i] and blocks[i, col.B_TOKENS] <= MAX_TOKENS:
            kind = elements[blocks[i, col.B_ELEMENT], col.E_KIND]
            if kind != tags.PRE and kind != tags.TD and kind != tags.DT and kind != tags.HEADING:
                found[size] = i
                size += 1
    return found[:size]


def without_asides(chosen: Array, data: Array, elements: Array, blocks: Array, segments: Array) -> Array:
    """The chosen blocks (bool [n]) without such lines; all of them where fewer than MIN_LEFT words would
    be left. The others as tree.parse gives them."""
    asked = _short(chosen, elements, blocks)
    if not asked.size:
        return chosen
    asked = asked[words_in(data, blocks[asked], segments, _HASHES, _MASKS, MAX_TOKENS) > 0]
    left = chosen.copy()
    for i in asked.tolist():
        row = blocks[i]
        runs = segments[row[col.B_FIRST] : row[col.B_LAST]]
        start = int(runs[0, 0])
        text = block_text(data[start : runs[-1, 1]].tobytes(), (runs - (start, start, 0)).tolist())
        left[i] = not is_aside(text, int(row[col.B_TOKENS]), row[col.B_LINKED] / row[col.B_CHARS])
    return left if blocks[left, col.B_TOKENS].sum() >= MIN_LEFT else chosen
