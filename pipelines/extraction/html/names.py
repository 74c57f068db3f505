"""Words that authors put into class and id names, in groups by meaning.

Belongs here: which word belongs to which group. Does not belong here: what a group says about a
block (the model learns it). The words are the habits of common content systems, forums and page
builders, English and pinyin; one bit a group.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.extraction.html.tags import slots_of
from pipelines.kernels.hashing64 import FNV_PRIME, FNV_START

GROUPS: dict[str, str] = {
    "article": (
        "article articlebody artical art arti articlecontent articletext entry story storybody "
        "newstext newscontent wenzhang zhengwen"
    ),
    "content": (
        "content contents con cont contentbody maincontent contentmain maincont neirong nr "
        "xiangqing markdown rich richtext wysiwyg"
    ),
    "text": "text txt textbody body bodytext copy paragraph prose para editor",
    "main": "main primary center mid middle",
    "post": (
        "post posts postbody postcontent postmessage message messages msg messagecontent pcb t_fsz "
        "t_msgfont bbcode tfsz pct"
    ),
    "thread": (
        "thread threads topic topics viewthread showthread discussion conversation forum forums bbs "
        "board viewtopic tiezi"
    ),
    "comment": "comment comments commentlist commentbody cmt pinglun disqus feedback remark remarks",
    "reply": (
        "reply replies answer answers answertext respond response responses huifu question questions qa best"
    ),
    "title": "title headline heading hd subject biaoti caption h subtitle subhead topictitle",
    "summary": (
        "summary abstract lead intro excerpt description desc deck standfirst dek teaser zhaiyao daodu"
    ),
    "nav": (
        "nav navbar navi navigation navheader menu menus submenu dropdown megamenu daohang subnav "
        "mainnav topnav tabs tab tabbar sitemap"
    ),
    "header": "header head top topbar masthead hdr toptop banner logo brand",
    "footer": "footer foot bottom ft btm footers colophon youqing",
    "side": (
        "side sidebar aside rail right left leftbar rightbar sidenav col rightcol leftcol secondary "
        "complementary"
    ),
    "crumbs": "breadcrumb breadcrumbs crumb crumbs crumbnav position weizhi location path bread dangqian",
    "related": (
        "related relate relatednews recommend recommended recommends recommendation recommendations "
        "xiangguan tuijian suggest suggested similar more morestories readmore also trending "
        "popular hot hots latest newest rank ranking toplist paihang zuixin remen like"
    ),
    "share": (
        "share sharing social socials sns bdsharebuttonbox follow weixin wechat weibo facebook "
        "twitter qrcode erweima fenxiang addthis jiathis"
    ),
    "ad": (
        "ad ads adv advert advertisement advertisements adbox adsense guanggao gg sponsor sponsored "
        "promo promotion promoted dfp gpt outbrain taboola commercial mgid"
    ),
    "meta": (
        "meta metadata info infos information byline author authors writer zuozhe source laiyuan "
        "date time datetime timestamp pubtime publish published posted dateline infobar postmeta "
        "entrymeta editorinfo"
    ),
    "user": (
        "user users username userinfo profile avatar member members authi pls poster postauthor "
        "postprofile userdetails nickname signature sign sig badge rank reputation usercard"
    ),
    "tags": "tag tags tagcloud keyword keywords label labels category categories cat cats biaoqian",
    "pager": (
        "pager pagination pages pagenav page pagelist paging prev previous next prevnext prenext "
        "fenye pagebar pgs pg numbers"
    ),
    "tools": (
        "tool tools toolbar action actions button buttons btn btns control controls options print "
        "font fontsize zoom vote votes voting like likes favorite collect bookmark report edit"
    ),
    "list": (
        "list lists ul items listing index archive archives feed stream grid cards card tile tiles liebiao"
    ),
    "item": "item li row block box module mod widget widgets panel section unit cell",
    "login": (
        "login logout signin signup register registration subscribe subscription newsletter paywall "
        "account denglu zhuce"
    ),
    "legal": (
        "copyright copy disclaimer statement legal license licence cookie cookies consent gdpr "
        "privacy onetrust terms policy banquan shengming icp beian"
    ),
    "search": "search searchbox searchform query sousuo",
    "popup": (
        "popup modal dialog overlay tooltip toast alert notice notification notifications lightbox "
        "drawer hidden hide skip sr screen visually offscreen a11y mask float fixed loading"
    ),
    "image": (
        "image images img photo photos picture pic pics gallery slide slider slideshow carousel "
        "swiper figure thumb thumbnail video videos player media caption tupian"
    ),
    "quote": (
        "quote quoted quotes blockquote quotetitle quotecontent bbcodeblock cite citation reference "
        "references reflist footnote footnotes"
    ),
    "code": "code highlight pre source syntax prettyprint gutter line hljs codehilite",
    "toc": "toc tableofcontents outline mulu contentstable anchor directory",
    "edit": "editsection mw noprint navbox infobox hatnote catlinks ambox metadata portal sistersitebox stub",
    "event": "contact contacts phone address tel email lianxi company hotline",
    "form": "form input field textarea upload quickreply fastpost replyform commentform editor compose",
    "time": "ago date pubdate created modified updated time shijian riqi edited lastedit",
    "review": (
        "review reviews rating ratings rated stars star testimonial testimonials ugc yotpo bazaarvoice"
        " trustpilot okendo judgeme loox stamped reviewer aggregaterating"
    ),
    "product": "product products pdp pd goods prod sku merchandise catalog catalogue collection plp",
    "buy": (
        "price prices pricing cart minicart basket bag buy addtocart atc checkout quantity qty stock"
        " availability shipping delivery wishlist variant variants swatch swatches offer offers usp"
        " installment discount"
    ),
    "detail": (
        "detail details spec specs specification specifications feature features description overview"
        " attributes attribute accordion collapsible faq faqs highlights ingredients"
    ),
    "filter": (
        "filter filters filtering facet facets sort sorting sortby refine refinement pagination toolbar"
        " results"
    ),
    "promo": (
        "hero cta banner announcement upsell crosssell cross upsells carousel recently viewed bundle"
        " marquee ticker countdown offerbar"
    ),
    "count": "count counts num number stat stats statistics views view clicks score points floor lou louceng",
}
GROUP_NAMES = tuple(GROUPS)
GROUP_BITS = len(GROUPS)
DIALOG = 1 << GROUP_BITS  # beside the groups: the element says that it is a dialog


def _tables() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    masks: dict[int, int] = {}
    for bit, words in enumerate(GROUPS.values()):
        for word in words.split():
            h = int(FNV_START)
            for byte in word.encode():
                h = (h ^ byte) * int(FNV_PRIME) % (1 << 64)
            masks[h] = masks.get(h, 0) | 1 << bit
    order = sorted(masks)
    return np.array(order, np.uint64), np.array([masks[h] for h in order], np.int64)


NAME_TABLE_HASHES, NAME_TABLE_MASKS = _tables()
NAME_TABLE_SLOTS = slots_of(NAME_TABLE_HASHES)
