# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm wrote into a release Secret, and what somebody else may have written there."""

import base64
import gzip
import json

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import release_record
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.release_record import ReleaseRecord, decode
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st

RELEASE = {
    "name": "web",
    "namespace": "shop",
    "version": 3,
    "info": {"status": "deployed", "description": "Upgrade complete", "last_deployed": "2026-03-01T12:00:00Z"},
    "chart": {"metadata": {"name": "web", "version": "1.2.0", "annotations": {"a": "b"}}},
    "config": {"replicas": 2},
    "manifest": "---\nkind: x\n",
    "hooks": [{"name": "h", "events": ["pre-install"]}],
}


def secret(content: bytes, labels=None):
    encoded = base64.b64encode(base64.b64encode(content)).decode()
    metadata = {"name": "sh.helm.release.v1.web.v3", "namespace": "shop", "labels": labels or {}}
    return {"metadata": metadata, "data": {"release": encoded}}


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_a_release(pack):
    assert decode(secret(pack(json.dumps(RELEASE).encode()), {"owner": "helm"})) == ReleaseRecord(
        name="web",
        namespace="shop",
        revision=3,
        status="deployed",
        manifest="---\nkind: x\n",
        config={"replicas": 2},
        chart_name="web",
        chart_version="1.2.0",
        chart_annotations={"a": "b"},
        labels={"owner": "helm"},
        description="Upgrade complete",
        hooks=({"name": "h", "events": ["pre-install"]},),
        updated="2026-03-01T12:00:00Z",
    )


def test_what_is_left_out_is_empty():
    record = decode(secret(b'{"name": "web", "config": null, "chart": null, "hooks": null}'))
    assert (record.namespace, record.revision, record.config, record.hooks) == ("shop", 0, {}, ())


@pytest.mark.parametrize(
    "broken",
    [
        {"metadata": {"name": "x", "namespace": "n"}},
        {"metadata": {}, "data": {"release": "%%%"}},
        secret(b"no json"),
        secret(b"[1]"),
        secret(b"\x1f\x8b\x08damaged"),
        secret(b'{"version": "three"}'),
        secret(b"[" * 100_000),
    ],
)
def test_what_is_no_release_is_refused_with_its_place(broken):
    with pytest.raises(FleetError, match="^Secret .*: this release of Helm cannot be read"):
        decode(broken)


def test_a_record_that_unpacks_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(release_record, "MAX_BYTES", 1024 * 1024)
    with pytest.raises(FleetError, match="more than 1 MiB"):
        decode(secret(gzip.compress(b" " * (2 * 1024 * 1024))))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content):
    try:
        decode(secret(content))
    except FleetError:
        pass
