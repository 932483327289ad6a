# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bundle and which address gets which credentials."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts.credentials import (
    ChartAccess,
    HelmCredentials,
)

LOGIN = HelmCredentials("me", "secret", ca_bundle="CA", basic_http=True, ssh_private_key="key")


@pytest.mark.parametrize(
    ("regex", "address", "sent"),
    [
        ("", "https://h/charts", False),
        ("https://h/", "https://h/charts", True),
        ("https://a/|https://h/", "https://h/charts", True),
        ("h/", "https://h/charts", False),
        ("https://h/", "https://evil/?x=https://h/", False),
        (".*", "oci://h/x", True),
    ],
)
def test_the_login_goes_where_the_pattern_matches_from_the_beginning(regex, address, sent):
    access = ChartAccess(LOGIN, url_regex=regex)
    allowed = access.for_address(LOGIN, address)
    assert allowed.has_login is sent
    assert (allowed.ca_bundle, allowed.basic_http) == ("CA", True)
    assert bool(access.hint(LOGIN, address)) is not sent


def test_a_bad_pattern_is_an_error():
    with pytest.raises(FleetError, match="no regular expression"):
        ChartAccess(LOGIN, url_regex="(").for_address(LOGIN, "https://h")


def test_paths_come_before_patterns_and_patterns_in_their_order():
    some = {name: HelmCredentials(username=name) for name in ("apps/web", "apps/*", "apps/w*", "*/x")}
    access = ChartAccess(LOGIN, some)
    found = [access.of_bundle(path).username for path in ("apps/web", "apps/www", "x/x", "apps/web/deeper")]
    assert found == ["apps/web", "apps/*", "*/x", ""]
    assert ChartAccess(LOGIN).of_bundle("anything") is LOGIN
    with pytest.raises(FleetError, match="is no pattern"):
        ChartAccess(for_paths={"[": LOGIN}).of_bundle("x")


def test_secrets_are_not_shown():
    assert "secret" not in repr(ChartAccess(LOGIN, {"x": LOGIN}))
    assert "key" not in repr(LOGIN).replace("ssh_private_key", "")
