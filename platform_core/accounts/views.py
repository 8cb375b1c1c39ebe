"""Sign-in, sign-out and the pages of Your Account."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from platform_core import accounts
from platform_core.accounts import services, sessions
from platform_core.accounts.forms import PasswordForm, ProfileForm, SignInForm
from platform_core.accounts.limits import count_try, forget_tries
from platform_core.accounts.passwords import hash_password, verify_password
from platform_core.accounts.permissions import Permission
from platform_core.web.i18n import LANGUAGE_COOKIE, _

TEMPLATES = "platform_core.accounts:templates/"
YEAR = 365 * 24 * 3600


def safe_next(request: Any, value: str | None) -> str:
    """A path of this store to go to after sign-in, or the front page: never another host."""
    local = value and value.startswith("/") and not value.startswith(("//", "/\\"))
    if value and local and value.isprintable() and len(value) < 2000:
        return value
    return str(request.route_path("front"))


def _invalid(request: Any) -> None:
    request.response.status_code = 422


@view_config(route_name="sign_in", request_method="GET", renderer=TEMPLATES + "sign_in.jinja2")
def sign_in_page(request: Any) -> Any:
    """The form, or straight on for who is signed in already."""
    if request.person is not None:
        return HTTPSeeOther(safe_next(request, request.GET.get("next")))
    form = SignInForm(request)
    form.next.data = request.GET.get("next", "")[:2000]
    return _sign_in_values(request, form)


def _sign_in_values(request: Any, form: SignInForm, refused: str | None = None) -> dict[str, Any]:
    return {"form": form, "refused": refused, "demo_people": request.registry.demo_people}


@view_config(
    route_name="sign_in",
    request_method="POST",
    renderer=TEMPLATES + "sign_in.jinja2",
    csrf_without_token="the form was made before anybody signed in",
)
def sign_in(request: Any) -> Any:
    """One answer for a wrong password, an unknown username and an account that is closed."""
    registry, store = request.registry, request.store
    form = SignInForm(request)
    if not form.validate():
        _invalid(request)
        return _sign_in_values(request, form)
    if not count_try(registry.database, registry.keys, store, form.username.data, request.client_address):
        request.response.status_code = 429
        return _sign_in_values(request, form, _("Too many tries. Wait 15 minutes, then try again."))
    with registry.database.session(store.id, read_only=True) as session:
        account = services.find_account(session, form.username.data)
    if not services.may_sign_in(store, account, form.password.data):
        _invalid(request)
        return _sign_in_values(
            request, form, _("Username or password is not right. Check both and try again.")
        )
    assert account is not None
    forget_tries(registry.database, registry.keys, store, form.username.data)
    cookie = sessions.cookie_name(request.scheme)
    if request.cookies.get(cookie):
        sessions.end(request.db, request.cookies[cookie])
    token = sessions.start(request.db, store, account, short=form.shared.data)
    registry.notify(accounts.SignedIn(request, account))
    response = HTTPSeeOther(safe_next(request, form.next.data))
    response.set_cookie(cookie, token, httponly=True, samesite="Lax", secure=request.scheme == "https")
    if account.language in store.languages:
        response.set_cookie(LANGUAGE_COOKIE, account.language, max_age=YEAR, samesite="Lax")
    return response


@view_config(route_name="sign_out", request_method="GET", renderer=TEMPLATES + "sign_out.jinja2")
def sign_out_page(request: Any) -> Any:
    """A button; a link alone signs nobody out."""
    if request.person is None:
        return HTTPSeeOther(request.route_path("front"))
    return {}


@view_config(route_name="sign_out", request_method="POST")
def sign_out(request: Any) -> Any:
    """End the session, here and in what the browser kept of it (EXT-18)."""
    cookie = sessions.cookie_name(request.scheme)
    if request.cookies.get(cookie):
        sessions.end(request.db, request.cookies[cookie])
    request.say(_("You are signed out."))
    response = HTTPSeeOther(request.route_path("front"))
    # A browser lets go of a __Host- cookie only if the answer that ends it is Secure too.
    response.set_cookie(
        cookie, "", max_age=0, httponly=True, samesite="Lax", secure=request.scheme == "https"
    )
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@view_config(
    route_name="account_profile",
    renderer=TEMPLATES + "profile.jinja2",
    permission=Permission.OWN_ACCOUNT,
    request_method=("GET", "POST"),
)
def profile(request: Any) -> Any:
    """Account Information."""
    person = request.person
    form = ProfileForm(
        request,
        data={
            "display_name": person.display_name,
            "email": person.email,
            "language": person.language or request.locale_name,
        },
    )
    if request.method == "POST":
        if form.validate():
            services.change_profile(request.db, request.store, person, **form.data)
            request.say(_("Your account information is saved."))
            response = HTTPSeeOther(request.route_path("account_profile"))
            response.set_cookie(LANGUAGE_COOKIE, form.language.data, max_age=YEAR, samesite="Lax")
            return response
        _invalid(request)
    return {"form": form}


@view_config(
    route_name="account_password",
    renderer=TEMPLATES + "password.jinja2",
    permission=Permission.OWN_ACCOUNT,
    request_method=("GET", "POST"),
)
def password(request: Any) -> Any:
    """Change Password."""
    registry, store, person = request.registry, request.store, request.person
    form = PasswordForm(request)
    if request.method == "POST":
        valid = form.validate()
        if valid and not count_try(
            registry.database, registry.keys, store, person.username, request.client_address
        ):
            form.current.errors = [
                request.localizer.translate(_("Too many tries. Wait 15 minutes, then try again."))
            ]
            valid = False
        if valid:
            with registry.database.session(store.id, read_only=True) as session:
                account = services.find_account(session, person.username)
            if account is None or not verify_password(account.password_hash, form.current.data):
                form.current.errors = [request.localizer.translate(_("This is not your current password."))]
                valid = False
        if valid:
            new_hash = hash_password(form.new.data)
            forget_tries(registry.database, registry.keys, store, person.username)
            services.change_password(request.db, store, person, new_hash)
            sessions.end_others(request.db, person)
            request.say(
                _("Your password has changed. You stay signed in here; other devices have been signed out.")
            )
            return HTTPSeeOther(request.route_path("account_password"))
        _invalid(request)
    return {"form": form}


@view_config(
    route_name="account_eligibility",
    renderer=TEMPLATES + "eligibility.jinja2",
    permission=Permission.OWN_ACCOUNT,
    request_method="GET",
)
def eligibility(request: Any) -> dict[str, Any]:
    """Groups, organisations, how the account was verified, and the state of that (ELG-04)."""
    config, person = request.store.config, request.person
    groups = {group.code: group.name for group in config.groups}
    organisations = {organisation.code: organisation.name for organisation in config.organisations}

    def names(codes: tuple[str, ...], known: dict[str, Any]) -> list[str]:
        return [_name(request, known[code]) if code in known else code for code in codes]

    return {
        "groups": names(person.groups, groups),
        "organisations": names(person.organisations, organisations),
    }


def _name(request: Any, text: Any) -> str:
    return str(text.get(request.locale_name, request.store.languages))
