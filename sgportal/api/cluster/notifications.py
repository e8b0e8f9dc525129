"""Channels of notifications. What a URL holds is written and never read."""

from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.access.notices import TOPICS
from ...models import NotificationChannel
from ...reconciler.notices.send import service_of
from ..description.operations import PAGED, operation, page
from ..http.address import address
from ..http.shapes import OPTIONAL, Count, Instant, Texts, one_of
from ..people.serializers import BoundsSerializer, LimitsSerializer
from ..views import PortalView


class ChannelRequestSerializer(LimitsSerializer):
    """A channel to be made. `url` is one of Apprise, such as `dingtalk://…`; without `topics` it is told of all."""

    name = serializers.CharField()
    url = serializers.CharField(write_only=True)
    language = serializers.CharField(**OPTIONAL)
    topics = Texts(**OPTIONAL)
    resolved = serializers.BooleanField(**OPTIONAL)


class ChannelSerializer(BoundsSerializer):
    """A channel without its URL. `error` is of the last try, "" where it was accepted."""

    id = Count(source="pk")
    name = serializers.CharField()
    service = serializers.CharField()
    language = one_of(*(code for code, _ in settings.LANGUAGES))
    topics = serializers.ListField(child=one_of(*TOPICS))
    resolved = serializers.BooleanField()
    createdAt = Instant()
    sentAt = Instant()
    error = serializers.CharField(allow_blank=True)

    def get_service(self, row: NotificationChannel) -> str:
        """By what it is sent."""
        return service_of(row.url)

    def get_topics(self, row: NotificationChannel) -> list[str]:
        """What it is told of."""
        return row.topics.split()


class ChannelView(PortalView):
    """What only an admin may see and do."""

    read_role = write_role = "admin"

    def channel(self, pk: int) -> NotificationChannel:
        """The channel. Raises NotFound."""
        row = NotificationChannel.objects.filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"notifications/{pk}")
        return row


class ChannelList(ChannelView):
    """Channels of notifications."""

    @operation("List channels of notifications", takes=PAGED, answers={200: page(ChannelSerializer)})
    def get(self, _request: Request) -> Response:
        """Where notifications go, without the URLs."""
        return self.page(NotificationChannel.objects.all(), ("name", "pk"), ChannelSerializer.of)

    @operation("Add a channel", body=ChannelRequestSerializer, answers={201: ChannelSerializer}, headers=("Location",))
    def post(self, _request: Request) -> Response:
        """Add a channel: webhook, e-mail, WeCom, DingTalk, Feishu or Slack, by a URL of Apprise. It is told of what is
        wrong already, too."""
        asked: dict[str, Any] = self.fields(ChannelRequestSerializer)
        row = actions.add_channel(asked, self.actor)
        return Response(ChannelSerializer.of(row), 201, headers={"Location": address(f"notifications/{row.pk}")})


class ChannelDetail(ChannelView):
    """One channel."""

    @operation("Read a channel", answers={200: ChannelSerializer})
    def get(self, _request: Request, pk: int) -> Response:
        """A channel, and what became of the last try."""
        return Response(ChannelSerializer.of(self.channel(pk)))

    @operation("Remove a channel", answers={204: None})
    def delete(self, _request: Request, pk: int) -> Response:
        """Remove a channel; what it was still to be told is not sent."""
        actions.remove_channel(self.channel(pk), self.actor)
        return Response(status=204)


class ChannelTest(ChannelView):
    """Trying a channel."""

    @operation("Send a test", answers={202: ChannelSerializer})
    def post(self, _request: Request, pk: int) -> Response:
        """Have a test sent. `sentAt` and `error` of the channel then say what became of it."""
        row = self.channel(pk)
        actions.try_channel(row, self.actor)
        return Response(ChannelSerializer.of(row), 202)
