from __future__ import annotations

import pytest

from pipelines.tables.urls import without_secrets


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:pass@h.example/a", "https://h.example/a"),
        ("https://token@h.example/a@b", "https://h.example/a@b"),
        ("https://h.example/a@b?c=d@e", "https://h.example/a@b?c=d@e"),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=1&X-Amz-Credential=2&x-id=3",
            "https://b.s3.amazonaws.com/k?x-id=3",
        ),
        ("https://h.example/k?a=1&Signature=x%2By&AWSAccessKeyId=z", "https://h.example/k?a=1"),
        ("https://h.example/k?sv=1&sig=abc", "https://h.example/k?sv=1"),
        ("https://h.example/k?access_token=abc#top", "https://h.example/k#top"),
        ("https://h.example/k?a=1&password=p&b=2", "https://h.example/k?a=1&b=2"),
        ("https://h.example/k?designsig=1&a=b", "https://h.example/k?designsig=1&a=b"),
        ("https://h.example/plain", "https://h.example/plain"),
        ("", ""),
    ],
)
def test_user_names_and_signatures_go_and_nothing_else(url: str, public: str) -> None:
    assert without_secrets(url) == public == without_secrets(public)
