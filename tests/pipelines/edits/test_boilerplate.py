from __future__ import annotations

import pytest

from pipelines.edits.boilerplate import MAX_CHARS, is_boilerplate
from tests.support.time_bounds import assert_linear


@pytest.mark.parametrize(
    "line",
    [
        *("Please enable JavaScript to view the comments powered by Disqus.",
          "This site uses cookies to improve your experience.", "Share"),
        *("Share on Facebook, Twitter and LinkedIn", "Log in or Register", "Skip to main content",
          "Advertisement", "Read more »", "Copyright © 2019 X"),
        *("© 2020 The Paper. All rights reserved.", "Leave a comment", "Accept all cookies",
          "分享到：微信 微博 QQ空间", "责任编辑：王小明"),
        *("上一篇：如何写作", "扫一扫，手机阅读", "欢迎关注我们的微信公众号：某某", "未经授权，不得转载",
          "京ICP备12345678号-1", "点击查看更多", "版权所有 某某网"),
        *("（责任编辑：李四）", "\ufffd\ufffd\ufffd abc", "转载请注明出处", "打开APP阅读全文"),
    ],
)  # fmt: skip
def test_notices_go(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        *("", "   ", "We use JavaScript to animate the page, and here is how.",
          "The policy on cookies was debated in parliament last week."),
        *("He wanted to share the house with his brother.", "She reads more than her brother does.",
          "The court held that all rights reserved by law stay."),
        *("Log in to the server with ssh and copy the file.",
          "版权所有是一个法律概念，本文将讨论它的历史。",
          "编辑：这个词在不同语境中有不同的含义，不能一概而论。"),
        *("编辑 `.env` 文件：", "## 注册", "# Table of Contents", "编辑：打开 config.yaml"),
        *("他点击查看了那封信，然后沉默了很久。", "她在评论中写道，这部电影值得一看。",
          "我们分享了各自的经历，谈了很久。", "下一篇论文讨论了这个问题。"),
        *("Copyright law protects authors for seventy years after their death, which many economists "
      "consider too long. It has been so since 1998."),
    ],
)  # fmt: skip
def test_prose_that_mentions_such_things_stays(line: str) -> None:
    assert not is_boilerplate(line)


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "|",
            "| ",
            "!",
            "©",
            "copyright 2020!",
            "share on x ",
            "share on x,",
            "分享|",
            "版权所有",
            "转载",
            "to ",
        ),
        *(
            "all rights reserved!",
            "ICP备",
            "公网安备 ",
            "请",
            "by using ",
            "cookie policy!",
            "上一篇 ",
            "登录 ",
        ),
    ],
)
def test_lines_are_told_in_linear_time(unit: str) -> None:
    def lines(text: str) -> None:
        for at in range(0, len(text), MAX_CHARS - 1):
            is_boilerplate(text[at : at + MAX_CHARS - 1] + "#")

    assert_linear(lines, unit)
