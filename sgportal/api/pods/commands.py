"""Running a command in a container."""

from django.db import connections
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.utils.translation import get_language
from rest_framework import renderers, serializers
from rest_framework.request import Request

from ... import actions
from ...core.containers.commands import LONGEST, MOST_WORDS
from ...core.text import say
from ...models.scopes.current import within, writing
from ...queries.per_unit.pods import NO_EXEC, exec_role
from ...reconciler.live import commands
from ..description.operations import operation
from ..events.seating import seated
from ..events.seats import Streams
from ..http.problems import Refusal
from ..http.shapes import Asked
from ..views import PortalView
from .views import chosen, seen_now

COMMANDS = Streams("commands", commands.MOST_STREAMS, commands.MOST_PER_USER)


class CommandRequestSerializer(Asked):
    """A command: a program and its arguments, which no shell reads unless the program is one."""

    container = serializers.CharField(
        required=False, help_text="The container; where left out, one that fails, else the first."
    )
    command = serializers.ListField(
        child=serializers.CharField(allow_blank=True),
        max_length=MOST_WORDS,
        help_text=f'Such as `["nslookup", "web"]` or `["sh", "-c", "ls | wc"]`; together at most {LONGEST} bytes.',
    )


class LinesRenderer(renderers.BaseRenderer):
    """`application/x-ndjson`; it only takes part in content negotiation."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class PodExec(PortalView):
    """A command in a container."""

    scoped = "grids"
    scoped_writes = "grids"
    renderer_classes = (LinesRenderer,)

    @property
    def write_role(self) -> str:
        """The least role; a caller finds the pods that this role is held for."""
        return exec_role() or "admin"

    @operation(
        "Run a command in a container",
        body=CommandRequestSerializer,
        answers={200: LinesRenderer.media_type},
        refusals=(409, 429),
    )
    def post(self, request: Request, namespace: str, name: str) -> HttpResponseBase:
        """A line of JSON for what it writes, as it is written (`{"stream": "stdout", "text": "…"}`), and a last one
        with how it ended: `{"ended": {"reason": "exit", "exitCode": 0, "seconds": 0.2, "message": ""}}`. Other reasons
        are `failed`, `time`, `silence`, `output` and `broken`, with an exit code that is null. It has nothing to read.
        When the call ends, or a limit is reached, the portal goes and the command may run on. The audit log has each
        command before it begins, and how it ended. A user may have two at a time, for ten minutes each, or two in
        which nothing is written. 403 where the portal runs none
        (`SGPORTAL_EXEC`), 409 where the container does not run."""
        if not exec_role():
            raise Refusal(403, NO_EXEC)
        asked = self.fields(CommandRequestSerializer)
        with within(writing(), writing()):
            row, cells, body = seen_now(namespace, name)
        container = chosen(body, asked.get("container") or "")
        seat = seated(request, say("too many commands are running; end one, or try again later"), COMMANDS)
        running = actions.run_command(row, cells, container, asked["command"], self.actor)
        seat.hold_for(running.ended)
        seat.at_end(running.leave)
        connections.close_all()  # a command may take minutes
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        lines = running.passed_on(get_language() or "en")
        return StreamingHttpResponse(lines, content_type=f"{LinesRenderer.media_type}; charset=utf-8", headers=headers)
