"""`request.db`: one session and one transaction a request, read-only for requests that only read."""

from typing import Any

import zope.sqlalchemy
from pyramid_retry import mark_error_retryable
from sqlalchemy import event

from platform_core.db import Database, TenantSession
from platform_core.db.engine import is_retryable
from platform_core.web.csrf import SAFE


def commit_veto(request: Any, response: Any) -> bool:
    """Roll back after any exception and any answer of 400 and above; a returned redirect commits."""
    return request.exception is not None or response.status_code >= 400


def reader(request: Any) -> TenantSession:
    """A read-only session of the request's store, for identity and for pages."""
    return _opened(request, read_only=True)


def db(request: Any) -> TenantSession:
    """The request's session. GET and HEAD get the reader, unless the view declares `writes_on_get`."""
    if request.method in SAFE and not getattr(request, "writes_on_get", False):
        return request.reader
    session = _opened(request, read_only=False)
    zope.sqlalchemy.register(session, initial_state="changed", transaction_manager=request.tm)
    return session


def _opened(request: Any, *, read_only: bool) -> TenantSession:
    tenant = request.store.id if request.store is not None else None
    session: TenantSession = request.registry.database.session(tenant, read_only=read_only)
    request.add_finished_callback(lambda _request: session.close())
    return session


def writes_on_get_deriver(view: Any, info: Any) -> Any:
    """View option `writes_on_get="reason"`: a GET that may write, from a closed list."""
    if not info.options.get("writes_on_get"):
        return view

    def writing(context: Any, request: Any) -> Any:
        request.writes_on_get = True
        return view(context, request)

    return writing


writes_on_get_deriver.options = ("writes_on_get",)  # type: ignore[attr-defined]


def mark_retryable(database: Database) -> None:
    """Let pyramid_retry run a request again whose transaction lost a race."""

    @event.listens_for(database.writer, "handle_error")
    def _mark(context: Any) -> None:
        if is_retryable(context.original_exception) and context.sqlalchemy_exception is not None:
            mark_error_retryable(context.sqlalchemy_exception)


def includeme(config: Any) -> None:
    """Wire transactions, retries and sessions."""
    config.add_settings(
        {
            "tm.manager_hook": "pyramid_tm.explicit_manager",
            "tm.commit_veto": "platform_core.app.database.commit_veto",
            # Naming the user of each transaction would read the session's row for every picture, too.
            "tm.annotate_user": "false",
            "retry.attempts": 3,
            "retry.activate_hook": "platform_core.app.tweens.attempts",
        }
    )
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    config.add_request_method(reader, "reader", reify=True)
    config.add_request_method(db, "db", reify=True)
    config.add_view_deriver(
        writes_on_get_deriver, "webstore_writes_on_get", under="rendered_view", over="mapped_view"
    )
    mark_retryable(config.registry.database)
