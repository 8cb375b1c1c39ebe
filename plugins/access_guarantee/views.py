"""The page that explains the guarantee with this store's own number of days."""

from typing import Any

from pyramid.view import view_config


@view_config(
    route_name="access_guarantee",
    request_method="GET",
    renderer="plugins.access_guarantee:templates/access_guarantee.jinja2",
)
def explain(request: Any) -> dict[str, Any]:
    """`/+access_guarantee/`."""
    return {"days": request.store.settings_of("access_guarantee").days}
