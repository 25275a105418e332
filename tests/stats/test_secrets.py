"""Credentials in text are hidden, and what only looks like them stays."""

import pytest

from mixprior.stats.secrets import has_secret, without_secrets


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hush@host/a.wav",
        "https://me:p@hush@host/a.wav",
        "https://hush@host/a.wav",
        "s3://AKIA:abc/hush@bucket/a.wav",
        *(
            f"https://host/a.wav{mark}hush"
            for mark in (
                "?secret_key=",
                "?client_secret=",
                "?b=1&sas_token=",
                "?private_token=",
                "?passwd=",
                "?pwd=",
                "?jwt=",
                "?auth=",
                "?x-api-key=",
                "?Policy=",
                "#access_token=",
                "?X-Amz-Credential=",
                "?sig=",
            )
        ),
        "abfs://a/b;AccountKey=hush;c=1",
    ],
)
def test_a_url_with_credentials_is_known_and_shown_without_them(url):
    assert has_secret(url)
    assert "hush" not in without_secrets(url)


@pytest.mark.parametrize(
    "url",
    [
        "s3://b/a.wav",
        "https://host:8080/a@b.wav",
        "https://host/a.wav?part=2&monkey=3",
        "gs://b/Keys/token.wav",
        "/m/a:b@c",
    ],
)
def test_a_url_without_credentials_is_none_and_stays(url):
    assert not has_secret(url)
    assert without_secrets(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "/music/Top Secret: cannot be read",
        "token_count=5",
        "song secretary=Ann",
        "12 tokens: 3 of them empty",
    ],
)
def test_ordinary_words_stay(text):
    assert without_secrets(text) == text


def test_a_header_is_hidden_whole():
    assert without_secrets("Authorization: Bearer hush") == "Authorization: ***"
    assert without_secrets("{b'Authorization': b'AWS4 hush'}") == "{b'Authorization': b'***'}"
