"""What Django starts: our application, and its administration site with ours in the place of the usual one."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class Portal(AppConfig):
    """sgportal."""

    name = "sgportal"

    def ready(self) -> None:
        """Have a person's sessions and tokens end with what they rest on."""
        from .access import endings  # noqa: F401  (registers its receivers)


class Administration(AdminConfig):
    """Django's administration, with the portal's roles."""

    default_site = "sgportal.admin_site.PortalAdminSite"
