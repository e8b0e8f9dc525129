"""URLs of channels are secrets: encrypted in rows and backups, readable after a change of the key, and by no other."""

import gzip
import io
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from sgportal.access import second_factor
from sgportal.management import backup
from sgportal.models import AuditEvent, NotificationChannel, SecondFactor
from sgportal.models.sealed import PREFIX, is_sealed
from sgportal.reconciler.notices.send import NOT_OPENED, send, service_of
from tests import builders

pytestmark = pytest.mark.django_db
URL = "jsons://hooks.example/THEsecretTHE"


def stored():
    with connection.cursor() as cursor:
        cursor.execute("SELECT url FROM sgportal_notificationchannel ORDER BY id")
        return [url for (url,) in cursor.fetchall()]


def a_channel(name="ops", url=URL):
    return NotificationChannel.objects.create(name=name, url=url, topics="units")


def store_plain(url):
    """As the version before stores it."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sgportal_notificationchannel SET url = %s", [url])


def url_of(name="ops"):
    return NotificationChannel.objects.get(name=name).url


def test_a_url_is_encrypted_in_the_database_however_it_is_written():
    row = a_channel()
    NotificationChannel.objects.bulk_create([NotificationChannel(name="bulk", url=URL, topics="units")])
    row.save()
    NotificationChannel.objects.filter(name="bulk").update(url=URL)
    assert [url_of(name) for name in ("ops", "bulk")] == [URL, URL]
    assert len(set(stored())) == 2
    assert all(each.startswith(PREFIX) and "THEsecretTHE" not in each for each in stored())


def test_what_the_version_before_stores_is_read_and_sealed_by_the_migration_which_goes_back():
    """It reads a sealed one as a URL of no service: it sends nothing and does not fall over."""
    a_channel()
    store_plain(URL)
    assert url_of() == URL
    migration = import_module("sgportal.migrations.0050_sealed_urls")
    editor = SimpleNamespace(connection=connection)
    migration.seal(apps, editor)
    (sealed,) = stored()
    assert (is_sealed(sealed), service_of(sealed), url_of()) == (True, "", URL)
    migration.unseal(apps, editor)
    assert stored() == [URL]


def test_no_backup_holds_it_in_plain_text_and_a_restored_one_is_readable():
    a_channel()
    file = io.BytesIO()
    backup.write(file)
    plain = gzip.decompress(file.getvalue()).decode()
    assert "THEsecretTHE" not in plain
    assert PREFIX in plain
    NotificationChannel.objects.all().delete()
    file.seek(0)
    backup.read(file, replace=True)
    assert url_of() == URL
    assert stored()[0].startswith(PREFIX)


def test_another_key_opens_nothing_and_says_so_and_what_is_kept_is_not_lost(settings):
    a_channel()
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another key " * 5
    assert is_sealed(url_of())
    assert (service_of(url_of()), send(url_of(), "t", "b")) == ("", NOT_OPENED)
    kept = stored()
    NotificationChannel.objects.get().save()
    assert stored() == kept
    settings.SECRET_KEY_FALLBACKS = [before]
    assert url_of() == URL


def test_a_change_of_the_key_loses_neither_urls_nor_second_factors(settings):
    ada = builders.a_person("ada")
    a_channel()
    offer = second_factor.offer(ada)
    SecondFactor.objects.create(user=ada, secret=second_factor._seal({"user": ada.pk, "secret": offer.secret}))
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another key " * 5
    with pytest.raises(CommandError, match=r"users/ada, notifications/ops"):
        call_command("resealsecrets")
    settings.SECRET_KEY_FALLBACKS = [before]
    call_command("resealsecrets")
    settings.SECRET_KEY_FALLBACKS = []
    assert url_of() == URL
    assert second_factor._open(SecondFactor.objects.get().secret)["secret"] == offer.secret
    told = list(AuditEvent.objects.filter(verb="secrets-resealed").order_by("pk").values_list("after", flat=True))
    assert told == [{"sealed": 0, "lost": ["users/ada", "notifications/ops"]}, {"sealed": 2, "lost": []}]
