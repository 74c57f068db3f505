"""Pages that nobody wants to train on, made by rule in both languages, and good pages that look like
them. Every page is written here; the draw is fixed by its name."""

from __future__ import annotations

import random
from collections.abc import Sequence

TOWNS = [
    "Austin",
    "Dallas",
    "Houston",
    "Denver",
    "Phoenix",
    "Boise",
    "Reno",
    "Tampa",
    "Miami",
    "Orlando",
    "Nashville",
    "Omaha",
    "Tulsa",
    "Dayton",
]

CITIES = [
    "北京",
    "上海",
    "广州",
    "深圳",
    "杭州",
    "南京",
    "苏州",
    "合肥",
    "福州",
    "济南",
    "郑州",
    "武汉",
    "长沙",
    "成都",
    "西安",
    "昆明",
]


def _draw(name: str, choices: Sequence[str], num: int) -> list[str]:
    return random.Random(name).choices(choices, k=num)


def keywords() -> str:
    """Search terms, one behind the other."""
    words = ["plumber", "cheap", "best", "near me", "emergency", "licensed", "cost", "service", "repair"]
    drawn = [
        f"{a} {town} {b} plumbing"
        for a, town, b in zip(
            _draw("a", words, 84), _draw("b", TOWNS, 84), _draw("c", words, 84), strict=True
        )
    ]
    return "\n".join(", ".join(drawn[k : k + 14]) + "." for k in range(0, 84, 14))


def keyword_sentences() -> str:
    """Sentences around one search term, said again and again."""
    term = "water heater repair"
    lines = [
        f"If you need {term} in your area, our {term} experts offer the best {term} at a low price.",
        f"We know {term} and {term} is what we do, so call for {term} today.",
        f"Many people search for {term} and find that {term} is hard to get.",
        f"Get {term} from a {term} company that you trust for {term} needs.",
    ]
    return "\n\n".join(" ".join(_draw(str(k), lines, 4)) for k in range(4))


def towns() -> str:
    """One text for each town, with another name in it."""
    text = (
        "Locksmith {t}\nLooking for a locksmith in {t}? Our {t} team is ready to help you day and night with "
        "every lock in your home. Our technicians know {t} well and reach any address in {t} within thirty "
        "minutes. Whether you live in {t} or only work there, families in {t} have called us for years."
    )
    return "\n\n".join(text.format(t=t) for t in TOWNS[:8])


def product() -> str:
    """Copy for a product by a template of adjectives."""
    kinds = ["durable", "premium", "soft", "elegant", "practical", "stylish"]
    return "\n".join(
        f"This wall clock is made of {a} material, {b} and {c}, and it is a perfect gift for friends "
        f"and family. The {b} design of the wall clock makes it suitable for any occasion. Size may "
        "differ a little due to manual measurement, please allow for it before you order."
        for a, b, c in zip(*(_draw(n, kinds, 5) for n in "xyz"), strict=True)
    )


def promotion() -> str:
    """A paid notice about a small stock."""
    return (
        "Quartz Hill Resources Inc. (OTC PINK: QHRX) is a company on the move and investors are starting "
        "to take notice.\nThe company announced today that its management is refocusing on the value of "
        "its shares and that partnerships are under discussion. With a low float and rising volume, QHRX "
        "may be one of the most undervalued stocks of the year, and early investors could see substantial "
        "gains.\nThis press release contains forward-looking statements within the meaning of Section 27A "
        "of the Securities Act of 1933. Such statements involve risks which could cause results to differ "
        "materially from those anticipated. We have been compensated for the distribution of this profile. "
        "This is not a solicitation to buy or sell securities, and is not investment advice."
    )


def board() -> str:
    """Threads of a forum, as a table."""
    rows = [
        f"| How do I fix the {part}? | sam, {k + 1} days ago | 1{k} replies | joe, {k + 2} hours ago |"
        for k, part in enumerate(["brake", "gear", "chain", "wheel", "pedal", "fork", "seat", "bell"])
    ]
    rules = "Please read the rules of this board before you post, and use the search for old threads. "
    return rules * 3 + "\n\n" + "\n".join(rows)


def zh_keywords() -> str:
    words = ["搬家公司", "搬家价格", "搬家电话", "哪家好", "多少钱", "附近", "推荐", "专业"]
    drawn = [
        f"{c}{a}{b}"
        for c, a, b in zip(_draw("a", CITIES, 80), _draw("b", words, 80), _draw("c", words, 80), strict=True)
    ]
    return "\n".join("，".join(drawn[k : k + 16]) + "。" for k in range(0, 80, 16))


def zh_keyword_sentences() -> str:
    term = "空气能热水器"
    lines = [
        f"{term}哪个牌子好？{term}价格是多少？很多人在选购{term}的时候都会问。",
        f"本公司专业生产{term}，提供{term}批发、{term}零售和{term}安装服务。",
        f"选择我们的{term}，让您买{term}买得放心，用{term}用得舒心。",
        f"{term}质量可靠，{term}售后完善。",
    ]
    return "\n".join("".join(_draw(str(k), lines, 3)) for k in range(5))


def zh_towns() -> str:
    text = (
        "{c}开锁\n{c}开锁公司为{c}市民提供全天候的服务，无论您在{c}的哪个角落，我们的师傅都会在三十分钟内赶到。"
        "我们在{c}已经经营多年，深受{c}客户的信赖。如果您需要{c}开锁服务，我们会为您安排离您最近的师傅。"
    )
    return "\n".join(text.format(c=c) for c in CITIES[:8])


def zh_product() -> str:
    kinds = ["优质", "高档", "时尚", "舒适", "精美", "耐用"]
    return "\n".join(
        f"这款四件套采用{a}面料，{b}{a}，深受消费者喜爱。{b}的设计让这款四件套适合各种场合，现在下单立减，"
        "包邮到家，七天无理由退换，亲们赶快抢购吧！"
        for a, b in zip(_draw("x", kinds, 6), _draw("y", kinds, 6), strict=True)
    )


def zh_supplier() -> str:
    """A supplier's page about itself."""
    return (
        "我公司是一家集研发、生产、销售于一体的高新技术企业，主要产品有升降机、货梯、登车桥等，产品畅销全国各地，"
        "深受广大用户好评。\n公司秉承质量第一、客户至上的经营理念，以合理的价格、完善的售后服务赢得了市场的认可。\n"
        "我们可根据客户要求设计制造各种规格的设备，欢迎新老客户来电洽谈。\n"
        "本公司承诺：一年内免费保修，终身维护，价格优惠，送货上门。"
    )


def zh_board() -> str:
    subjects = ["修手机", "租房子", "找工作", "学游泳", "养小猫", "买旧书", "拼车", "看电影", "爬山"]
    rows = [
        f"|  | [求助] 请问哪里可以{w} | 老王 2020-7-{k + 1} | 2{k}1 | 小鱼儿 {k + 1} 小时前 |"
        for k, w in enumerate(subjects)
    ]
    rules = "本版讨论本地生活，发帖请遵守规则，谢谢大家。欢迎提出意见，一起把版块建设得更好。\n"
    return rules * 2 + "\n".join(rows)


def zh_teasers() -> str:
    """Beginnings of articles, each with its date and counts."""
    begun = (
        ("老城的早市", "天还没亮，卖豆浆的推车就停在了桥头，热气一直飘到河对岸"),
        ("登山的准备", "山上风大，哪怕山脚下穿短袖，包里也该放一件厚外套和两双袜子"),
        ("怎样选帐篷", "先想好几个人住，再看重量，最后才轮到颜色和牌子"),
        ("海边三日", "退潮以后，沙滩上满是小洞，孩子们蹲着挖了一个下午"),
        ("火车上的书", "硬座车厢里灯光很暗，我把那本游记读了两遍，还是没有睡意"),
        ("古镇的雨", "石板路一下雨就滑，撑伞的人都贴着墙走，像一排燕子"),
        ("草原日记", "马不肯过河，领队便牵着它绕了一大圈，到营地时已经看见了星星"),
        ("修一辆旧车", "链条断在半路，我用铁丝把它接上，勉强骑到了镇里"),
    )
    return "\n\n".join(
        f"{title}\n{text}。\n2021-0{k + 1}-1{k} 阅读({17 * k + 3}) 评论({k})"
        for k, (title, text) in enumerate(begun)
    )


def zh_titles() -> str:
    """Headlines of a portal."""
    what = ["召开经济工作会议，专家解读", "地铁新线开通，市民点赞", "气温骤降，记者直击", "举办马拉松"]
    return "\n".join(f"{c}{w}" for c, w in zip(_draw("p", CITIES, 30), _draw("q", what, 30), strict=True))


UNWANTED = {
    "en": (keywords, keyword_sentences, towns, product, promotion, board),
    "zh": (
        zh_keywords,
        zh_keyword_sentences,
        zh_towns,
        zh_product,
        zh_supplier,
        zh_board,
        zh_teasers,
        zh_titles,
    ),
}
"""By language."""


def review() -> str:
    """A long review whose headings recur."""
    said = (
        (
            "The first camera has a bright finder, which I liked on a long walk in the rain.",
            "Its strap is short and the battery was empty after three hours of snow.",
            "Take it to the mountains if you can carry a spare.",
        ),
        (
            "Quiet buttons make this one good for a wedding, where nobody turned a head.",
            "Finding the timer took me most of the speeches, since the menu is a maze.",
            "I would still bring it to any ceremony that asks for silence.",
        ),
        (
            "A screen that swings far out lets you hold the third above a crowd.",
            "You will know that you have it with you, because it weighs as much as a brick.",
            "My children loved the pictures of the zoo that came from it.",
        ),
        (
            "Corners stay sharp at night and colours are calm under street lamps.",
            "Dust came in within a week, and cleaning cost more than the bag.",
            "For concerts in old halls there is nothing better at this price.",
        ),
    )
    return "\n\n".join(f"Pros\n{good}\nCons\n{bad}\nVerdict\n{end}" for good, bad, end in said)


def posts() -> str:
    """A thread whose posts are items of a list."""
    said = (
        "My grid layout is broken and all items cling to the left, although the section around them has the "
        "whole width of the page and I have set the columns by hand.",
        "Have you looked at the width of the items themselves? A grid gives them room but does not make them "
        "any wider than what they hold, unless you tell it to.",
        "That was it, thank you. I had given the items a width of their own in another file and forgot about "
        "it, so the columns had nothing to do with what I saw.",
    )
    return "\n".join(f"- {text}" for text in said)


def zh_trade() -> str:
    """An article about advertising that quotes its phrases."""
    return (
        "他在课上讲到“厂家直销”和“批发零售”的区别，又说广告里常见的“客户至上”并不是承诺，而是一种姿态。\n"
        "学生问他，消费者为什么还会相信这些话。他回答说，人们相信的不是话，而是说话的人站在哪里，店铺开了多久，"
        "邻居有没有买过。所以一条街上最老的店往往不做广告，它的名声就是广告。"
    )


WANTED = {"en": (review, posts), "zh": (zh_trade,)}
"""By language."""
