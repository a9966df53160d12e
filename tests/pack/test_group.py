"""Groups: few layers, and a change of one package leaves the others alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.digest import Digest
from firstlight.pack.group import Item, group


def item(name: str, size: int) -> Item:
    return Item(
        name=name,
        version="1",
        filename=f"{name}-1.whl",
        digest=Digest(f"sha256:{name}"),
        size=size,
        path=Path(name),
    )


names = st.lists(st.text("abcdefgh", min_size=1, max_size=6), unique=True, max_size=80)


@given(names, st.randoms())
def test_every_item_is_in_one_group_whatever_the_order(found, rnd):
    items = [item(name, 1 + 7919 * n % 3000) for n, name in enumerate(found)]
    groups = group(items, limit=2000)
    assert sorted(each.name for one in groups for each in one) == sorted(found)
    shuffled = list(items)
    rnd.shuffle(shuffled)
    assert group(shuffled, limit=2000) == groups


@given(names)
def test_a_group_is_no_larger_than_its_limit_unless_one_package_is(found):
    items = [item(name, 100 + 37 * n) for n, name in enumerate(found)]
    for one in group(items, limit=1000):
        assert len(one) == 1 or sum(each.size for each in one) <= 1000


def test_a_new_package_changes_few_groups():
    rnd = random.Random(7)
    items = [item(f"pkg{rnd.random():.6f}", rnd.randint(10, 200)) for _ in range(120)]
    before = set(group(items, limit=2000))
    after = set(group([*items, item("pkg0.5", 100)], limit=2000))
    assert len(after - before) <= 2


@given(names, st.data())
def test_what_changes_most_often_is_on_top(found, data):
    """Engines unpack anew whatever lies above a layer that changed."""
    items = [item(name, 1 + 7919 * n % 3000) for n, name in enumerate(found)]
    top = data.draw(st.sets(st.sampled_from(found))) if found else set()
    groups = group(items, limit=2000, most=200, top=top)
    assert sorted(each.name for one in groups for each in one) == sorted(found)
    kinds = []
    for one in groups:
        is_top = {each.name in top for each in one}
        assert len(is_top) == 1
        kinds.append(0 if one[0].size > 1000 else 1 + is_top.pop())
    assert kinds == sorted(kinds)


def test_a_change_on_top_leaves_all_others():
    items = [item(f"p{n:03}", 10 + n) for n in range(150)]
    before = group(items, limit=2000, top=["p007", "p033"])
    changed = [item(e.name, 99) if e.name == "p007" else e for e in items]
    after = group(changed, limit=2000, top=["p007", "p033"])
    assert [n for n, one in enumerate(after) if one != before[n]] == [len(after) - 1]


@given(names, st.data())
def test_the_largest_come_first(found, data):
    """They change most rarely, and engines fetch anew what lies above a change."""
    sizes = st.integers(1, 5000)
    items = [item(name, data.draw(sizes)) for name in found]
    large = [one for one in group(items, limit=2000, most=200) if one[0].size > 1000]
    assert [len(one) for one in large] == [1] * len(large)
    assert [one[0].size for one in large] == sorted(
        (each.size for each in items if each.size > 1000), reverse=True
    )


@pytest.mark.parametrize("size", [1, 5000])
@pytest.mark.parametrize("most", [2, 16, 40])
def test_the_number_of_layers_is_bounded_however_many_packages_there_are(size, most):
    """Where names end too many groups, larger groups would not help."""
    items = [item(f"lib{n:04}", size) for n in range(1500)]
    top = [each.name for each in items[::7]]
    assert len(group(items, limit=1000, most=most, top=top)) <= most
