"""Songs of one group never count in another."""

import pytest

from mixprior.stats.priors.grouping import Group, groups_of

COLUMNS = ("artist", "genre", "mood")


@pytest.mark.parametrize(
    ("metadata", "other"),
    [
        ({"artist": "X,genre=rock"}, {"artist": "X", "genre": "rock"}),
        ({"artist": "X,genre=rock", "mood": "sad"}, {"artist": "X", "genre": "rock,mood=sad"}),
        ({"artist": "a=b,genre=c,mood=d"}, {"artist": "a=b", "genre": "c,mood=d"}),
    ],
)
def test_a_value_that_looks_like_a_pair_is_not_added_to_that_pair(metadata, other):
    groups, others = groups_of(metadata, COLUMNS), groups_of(other, COLUMNS)
    assert {each.name for each in groups} & {each.name for each in others} == {"all"}
    for each in (*groups, *others):
        assert Group.parse(each.name, COLUMNS) == each


def test_a_comma_in_a_value_stays_as_it_is():
    assert groups_of({"genre": "rock,pop"}, COLUMNS)[1].name == "genre=rock,pop"
