"""The name of the cluster stands wherever somebody has to know which one is meant."""

import json
import os
import subprocess
import sys

import pytest

from sgportal.cluster import Identity
from sgportal.models import Delivery, ManagedCluster, NotificationChannel
from sgportal.reconciler.fleet.guard import Guard
from sgportal.reconciler.notices import deliver
from tests import builders

pytestmark = pytest.mark.django_db
NAME = "shanghai-1"
SAYS = "import django; django.setup(); import logging; logging.getLogger('x').error('y')"


@pytest.fixture
def named(settings):
    settings.SGPORTAL_CLUSTER_NAME = NAME


def metrics(client, settings):
    settings.SGPORTAL_METRICS_OPEN = True
    lines = client.get("/metrics").content.decode().splitlines()
    return [line for line in lines if line.startswith("sgportal_cluster_info{")]


def test_numbers_name_it_by_one_series_of_their_own(client, settings, named):
    ManagedCluster.objects.update_or_create(pk=1, defaults={"uid": "u-1"})
    assert metrics(client, settings) == ['sgportal_cluster_info{name="shanghai-1",uid="u-1"} 1.0']


def test_numbers_are_joined_where_it_has_no_name_and_nothing_was_looked_at(client, settings):
    ManagedCluster.objects.all().delete()
    assert metrics(client, settings) == ['sgportal_cluster_info{name="",uid=""} 1.0']


def test_pages_show_it_and_nothing_where_there_is_none(client, settings):
    client.force_login(builders.a_person("ada", "viewer"))
    assert "of-cluster" not in client.get("/").content.decode()
    settings.SGPORTAL_CLUSTER_NAME = NAME
    page = client.get("/").content.decode()
    assert f">{NAME}</strong>" in page
    assert f">{NAME}</strong>" in client.get("/pulse/").content.decode()
    assert f"sgportal · {NAME}</title>" in page


def test_a_notification_says_which_cluster_it_is_of(settings):
    channel = NotificationChannel.objects.create(name="ops", url="jsons://x/y", topics="units")
    due = [Delivery(channel=channel, event="test")]
    plain, text = deliver.message("en", due)
    settings.SGPORTAL_CLUSTER_NAME = NAME
    assert deliver.message("en", due) == (f"[{NAME}] {plain}", text)


def test_the_watch_notes_it_in_the_row_and_notes_another_again(settings, named):
    Guard(Identity())
    assert ManagedCluster.now().name == NAME
    settings.SGPORTAL_CLUSTER_NAME = ""
    Guard(Identity())
    assert ManagedCluster.now().name == ""


def line(**told):
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_FORMAT": "json", **told}
    return subprocess.run([sys.executable, "-c", SAYS], env=given, capture_output=True, text=True, check=False)


def test_lines_of_the_log_name_it_and_a_wrong_name_stops_the_start():
    assert json.loads(line(SGPORTAL_CLUSTER_NAME=NAME).stderr)["cluster"] == NAME
    refused = line(SGPORTAL_CLUSTER_NAME="-not a label-")
    assert refused.returncode
    assert "SGPORTAL_CLUSTER_NAME:" in refused.stderr
