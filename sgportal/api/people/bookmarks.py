"""What people keep at hand: saved views and favourites."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.access.scope import administers
from ...core.grids.kinds import KINDS
from ...core.text import Invalid, Problem, say
from ...models import Favourite
from ...queries.fleet.bookmarks import favourites_of, removable_views, views_of
from ..description.operations import PAGED, operation, page
from ..http.address import address
from ..http.auth import rights
from ..http.shapes import OPTIONAL, Asked, Count, Instant, Shape, one_of
from ..views import PortalView


class SavedViewRequestSerializer(Asked):
    """A view to be kept: the path and query of a page. Only an admin of everything shares one."""

    name = serializers.CharField()
    address = serializers.CharField()
    shared = serializers.BooleanField(**OPTIONAL)


class SavedViewSerializer(Shape):
    """The address of a page with its filters, under a name."""

    id = Count(source="pk")
    name = serializers.CharField()
    address = serializers.CharField()
    shared = serializers.BooleanField()
    owner = serializers.CharField(source="user.username")
    createdAt = Instant()


class FavouriteRequestSerializer(Asked):
    """A grid, named by its namespace, or a NodeUnit, named by the label key of its NodeGroup."""

    kind = serializers.CharField()
    name = serializers.CharField()
    namespace = serializers.CharField(**OPTIONAL)
    nodeGroup = serializers.CharField(**OPTIONAL)


class FavouriteSerializer(Shape):
    """A grid or a NodeUnit that somebody wants at hand."""

    id = Count(source="pk")
    kind = one_of(*KINDS, Favourite.NODE_UNIT)
    namespace = serializers.CharField(allow_blank=True)
    nodeGroup = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    createdAt = Instant()

    def get_namespace(self, row: Favourite) -> str:
        """That of a grid; "" of a NodeUnit."""
        return "" if row.is_unit else row.place

    def get_node_group(self, row: Favourite) -> str:
        """The label key of a NodeUnit; "" of a grid."""
        return row.place if row.is_unit else ""


class OwnView(PortalView):
    """What somebody has for themselves, whatever their role and scope."""

    scoped, scoped_writes = "units", "units"
    write_role = "viewer"

    @property
    def may_share(self) -> bool:
        """Whether the caller is an admin of everything."""
        return administers(rights(self.request))


class SavedViewList(OwnView):
    """Saved views."""

    @operation("List saved views", takes=PAGED, answers={200: page(SavedViewSerializer)})
    def get(self, _request: Request) -> Response:
        """Your views and those that are shared; of those none where your role is limited to a scope."""
        return self.page(views_of(self.actor.name), ("name", "pk"), SavedViewSerializer.of)

    @operation(
        "Save a view", body=SavedViewRequestSerializer, answers={201: SavedViewSerializer}, headers=("Location",)
    )
    def post(self, request: Request) -> Response:
        """Keep the address of a page under a name of yours. Which page of the rows it is, is left out."""
        asked = self.fields(SavedViewRequestSerializer)
        row = actions.save_view(request.user, asked, self.actor, may_share=self.may_share)
        return Response(SavedViewSerializer.of(row), 201, headers={"Location": address(f"saved-views/{row.pk}")})


class SavedViewDetail(OwnView):
    """One saved view."""

    @operation("Remove a saved view", answers={204: None})
    def delete(self, _request: Request, pk: int) -> Response:
        """Remove a view of yours (an admin of everything: a shared one, too)."""
        row = removable_views(self.actor.name, self.may_share).filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"saved-views/{pk}")
        actions.remove_view(row, self.actor)
        return Response(status=204)


class FavouriteList(OwnView):
    """Favourites."""

    @operation("List favourites", takes=PAGED, answers={200: page(FavouriteSerializer)})
    def get(self, _request: Request) -> Response:
        """Your favourites that are there, and in your scope."""
        return self.page(favourites_of(self.actor.name), ("kind", "name", "place", "pk"), FavouriteSerializer.of)

    @operation(
        "Add a favourite", body=FavouriteRequestSerializer, answers={201: FavouriteSerializer}, headers=("Location",)
    )
    def post(self, request: Request) -> Response:
        """Keep a grid or a NodeUnit at hand. One that is kept already stays."""
        asked = self.fields(FavouriteRequestSerializer)
        field = "nodeGroup" if asked["kind"] == Favourite.NODE_UNIT else "namespace"
        if not asked.get(field):
            raise Invalid(Problem(f"/{field}", say("is required")))
        row = actions.add_favourite(request.user, asked["kind"], asked[field], asked["name"])
        return Response(FavouriteSerializer.of(row), 201, headers={"Location": address(f"favourites/{row.pk}")})


class FavouriteDetail(OwnView):
    """One favourite."""

    @operation("Remove a favourite", answers={204: None})
    def delete(self, _request: Request, pk: int) -> Response:
        """Remove one of yours; the thing itself stays."""
        row = favourites_of(self.actor.name).filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"favourites/{pk}")
        actions.remove_favourite(row)
        return Response(status=204)
